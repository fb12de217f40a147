"""What further heads cost: one head of the English graph against all of them, in one run each.

    python -m benchmarks.heads [--notes 40] [--rounds 7] [--data FILE]

The two take turns on one thread, the cache of repeated text off; the ratio is the median of each round's ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

import clinspan
from benchmarks.turns import in_turns
from clinspan.hub.resolve import BUNDLED, installed_heads
from clinspan.io.notes import read_notes

_MOST = 1.15


def main(
    notes: Annotated[int, typer.Option(help="Notes to annotate.")] = 40,
    rounds: Annotated[int, typer.Option(help="Counted rounds.")] = 7,
    data: Annotated[Path, typer.Option(help="Notes, in any form that clinspan reads.")] = Path(
        "corpora/en/notes_slim.train.jsonl.gz"
    ),
) -> None:
    """Measure and print."""
    texts = [note.text for note in islice(read_notes(str(data)), notes)]
    names = [found.head.name for found in installed_heads() if found.folder == BUNDLED / "en"]
    one, every = (clinspan.load(*chosen, threads=1, cache_bytes=0) for chosen in (names[:1], names))
    found = in_turns({"one": lambda: _annotate(one, texts), "every": lambda: _annotate(every, texts)}, rounds)
    seconds = [(turn["one"], turn["every"]) for turn in found]
    ratio = median(b / a for a, b in seconds)
    console = Console()
    console.print(f"{names[0]} alone: {median(a for a, _ in seconds):.2f} s for {len(texts)} notes")
    console.print(f"{len(names)} heads: {median(b for _, b in seconds):.2f} s; {', '.join(names)}")
    console.print(f"ratio {ratio:.3f} (wanted: at most {_MOST})")


def _annotate(recognizer: clinspan.EntityRecognizer, texts: Sequence[str]) -> None:
    for document in recognizer.pipe(texts):
        _ = document.entities


if __name__ == "__main__":
    typer.run(main)
