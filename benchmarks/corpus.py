"""What the benchmark annotates: notes, and the same notes as passages and as model windows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ROOT: Final = Path(__file__).parents[1]
DEFAULT_DATA: Final = ROOT.parent / "shared/data/text/en_mtsamples.jsonl.gz"
EXAMPLES: Final = ROOT / "examples/notes/en"


@dataclass(frozen=True)
class Corpus:
    """The same text in the form that each contender reads.

    Attributes:
        source: where the notes come from.
        texts: whole notes.
        sentences: the same sentence by sentence, as peers that would cut off whole notes are mostly used.
        passages: the same in the passages that our engine puts through the model at once.
        windows: ids of each window, tokenised beforehand, special ids included.
        words: how many runs between white space there are.
        subwords: how many sub-words, special ones not counted.
    """

    source: str
    texts: list[str]
    sentences: list[str]
    passages: list[str]
    windows: list[npt.NDArray[np.int64]]
    words: int
    subwords: int

    @classmethod
    def read(cls, data: Path | None, notes: int, model: Any) -> Corpus:
        """Read notes, then split and tokenise them for a model, an opened `HeadModel`."""
        import pyarrow as pa

        from clinspan import SentenceDetector
        from clinspan.inference.units import Encoded
        from clinspan.inference.windows import pack_passages

        texts, source = read_texts(data, notes)
        detector, tagger = SentenceDetector(), model.tagger
        encoder = tagger.encoder
        spans = [(i, text[a:b]) for i, text in enumerate(texts) for a, b in detector.spans(text)]
        documents, sentences = np.array([i for i, _ in spans]), [sentence for _, sentence in spans]
        column = pa.array(sentences, pa.string())
        encoded = Encoded.from_units(tagger.units(column), column, documents, encoder)
        windows = encoded.window_ids(encoder.tokenizer)
        sentence_starts = encoded.subwords.sentence_starts
        packed = pack_passages(sentence_starts, documents, size=min(encoder.context, encoder.size))
        edges = np.searchsorted(sentence_starts, packed).tolist()
        passages = [" ".join(sentences[a:b]) for a, b in pairwise(edges)]
        words = sum(len(text.split()) for text in texts)
        return cls(source, texts, sentences, passages, windows, words, len(encoded.subwords.ids))

    def __str__(self) -> str:
        sizes = f"{len(self.texts):,} notes, {self.words:,} words, {self.subwords:,} sub-words"
        return f"{sizes}, {len(self.windows):,} windows from {self.source}"


def read_texts(data: Path | None, notes: int) -> tuple[list[str], str]:
    """Return the first notes of a file, and what to call the source.

    Args:
        data: JSON lines with a `text` field, gzipped or not; None takes MTSamples where it is at hand, else
            the example notes, repeated, with a number in front of each copy.
        notes: how many.
    """
    data = data or (DEFAULT_DATA if DEFAULT_DATA.is_file() else None)
    if data is None:
        return list(islice(_numbered_examples(), notes)), "examples/notes/en, repeated"
    with gzip.open(data, "rt", encoding="utf-8") if data.suffix == ".gz" else data.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in islice(lines, notes)], data.name


def _numbered_examples() -> Iterator[str]:
    examples = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.rglob("*.txt"))]
    if not examples:
        msg = f"No notes in {EXAMPLES}; give --data FILE.jsonl."
        raise SystemExit(msg)
    return (f"Record {i}. {examples[i % len(examples)]}" for i in count())
