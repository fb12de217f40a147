"""What sentence detection costs beside tagging: the learnt detector, the rules, and one head, in turns on one thread.

    python -m benchmarks.sentences [--notes 40] [--rounds 7] [--data FILE]

The cache of repeated text is off; the share is the median of each round's.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated

import pyarrow as pa
import typer
from rich.console import Console

import clinspan
from benchmarks.turns import in_turns
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.sentence_dl import SentenceDetectorDL
from clinspan.io.notes import read_notes

_MOST = 0.05


def main(
    notes: Annotated[int, typer.Option(help="Notes to read.")] = 40,
    rounds: Annotated[int, typer.Option(help="Counted rounds.")] = 7,
    data: Annotated[Path, typer.Option(help="Notes, in any form that clinspan reads.")] = Path(
        "corpora/en/notes_slim.train.jsonl.gz"
    ),
) -> None:
    """Measure and print."""
    texts = [note.text for note in islice(read_notes(str(data)), notes)]
    column = pa.array(texts, pa.string())
    learnt = SentenceDetectorDL(model=clinspan.open_sentences("sentence_detector_dl", language="xx"))
    tagger = clinspan.load("en/slim", threads=1, cache_bytes=0)
    runs = {
        "en/slim": lambda: [document.entities for document in tagger.pipe(texts)],
        "SentenceDetectorDL": lambda: learnt.sentences(column),
        "SentenceDetector": lambda: SentenceDetector().sentences(column),
    }
    seconds = in_turns(runs, rounds)
    console = Console()
    for name in runs:
        share = median(found[name] / found["en/slim"] for found in seconds)
        console.print(f"{name}: {median(found[name] for found in seconds):.3f} s for {len(texts)} notes, {share:.1%}")
    console.print(f"wanted: at most {_MOST:.0%} of the tagger's time")


if __name__ == "__main__":
    typer.run(main)
