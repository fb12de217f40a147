"""Texts with known sentences."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pyarrow as pa

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.codepoints import CodePoints, Ints
from clinspan.corpora.files import read_rows
from clinspan.exceptions import RecipeError
from clinspan.schema import Span
from clinspan.training.data import DataFolders
from clinspan.training.recipes import SentenceCorpusRecipe


@dataclass(frozen=True)
class Passage:
    """A text as its sentences and what stands between them.

    Attributes:
        sentences: without white space at their sides.
        gaps: what follows each but the last.
        silver: whether rules have divided it; such a text is a note already, and not varied.
        language: ISO 639-1 code; "" if unknown.
    """

    sentences: tuple[str, ...]
    gaps: tuple[str, ...]
    silver: bool = False
    language: str = ""

    @classmethod
    def from_spans(cls, text: str, spans: Iterable[Span], *, silver: bool = False, language: str = "") -> Passage:
        """Divide a text."""
        given = list(spans)
        sentences = tuple(text[span.start : span.stop].strip() for span in given)
        gaps = tuple(text[a.stop : b.start] for a, b in pairwise(given))
        return cls(sentences, gaps, silver, language)

    def followed_by(self, other: Passage, gap: str) -> Passage:
        """Return both as one text."""
        return replace(self, sentences=self.sentences + other.sentences, gaps=(*self.gaps, gap, *other.gaps))

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(part for pair in zip(self.sentences, (*self.gaps, ""), strict=True) for part in pair)

    @property
    def spans(self) -> list[Span]:
        """Where its sentences are."""
        found, at = [], 0
        for sentence, gap in zip(self.sentences, (*self.gaps, ""), strict=True):
            found.append(Span(at, at + len(sentence)))
            at += len(sentence) + len(gap)
        return found


def read_passages(corpus: SentenceCorpusRecipe, path: str, data: DataFolders) -> list[Passage]:
    """Read a file of a corpus; texts without a sentence are left out.

    Raises:
        RecipeError: naming the line that does not say where its sentences are, if the corpus is not silver.
    """
    if corpus.silver:
        return [Passage.from_spans(text, sentence_spans(text), silver=True) for text in data.texts([path])]
    rows = ((row, _sentences(row, where)) for where, row in read_rows(data.find(path)))
    return [Passage.from_spans(row["text"], spans, language=row.get("lang", "")) for row, spans in rows if spans]


def _sentences(row: Mapping[str, Any], where: str) -> list[Span]:
    try:
        spans = [Span(operator.index(a), operator.index(b)) for a, b in row["sentences"]]
    except (KeyError, TypeError, ValueError):
        spans = None
    bounds = [edge for span in spans or () for edge in span]
    inside = not bounds or 0 <= bounds[0] <= bounds[-1] <= len(row["text"])
    if spans is None or bounds != sorted(bounds) or not (inside and all(row["text"][a:b].strip() for a, b in spans)):
        msg = f"{where}: `sentences` has to be a list of [start, stop] within the text, in order, none of them blank."
        raise RecipeError(msg)
    return spans


def corpus_passages(corpus: SentenceCorpusRecipe, data: DataFolders) -> tuple[list[Passage], list[Passage]]:
    """Return what a corpus trains, and what it measures: its dev file, or the end of its train file."""
    train = read_passages(corpus, corpus.train, data) if corpus.train else []
    if corpus.dev:
        return train, read_passages(corpus, corpus.dev, data)
    kept = len(train) - round(len(train) * corpus.held_out)
    return train[:kept], train[kept:]


def stacked(passages: Iterable[Passage], share: float, rng: random.Random) -> list[Passage]:
    """Put a share of the passages below the one before, as further paragraphs of one text."""
    found: list[Passage] = []
    for passage in passages:
        if found and rng.random() < share:
            found[-1] = found[-1].followed_by(passage, rng.choice(("\n\n", "\n\n", "\n")))
        else:
            found.append(passage)
    return found


def laid_out(passages: Iterable[Passage]) -> tuple[CodePoints, Ints]:
    """Return the passages end to end, and the ends of all their sentences but the last of each."""
    given = list(passages)
    text = CodePoints.from_arrow(pa.array([passage.text for passage in given], pa.string()))
    return text, pa.array(_ends(given, text.row_starts.tolist()), pa.int64()).to_numpy()


def _ends(passages: Iterable[Passage], starts: list[int]) -> Iterator[int]:
    for passage, start in zip(passages, starts, strict=False):
        yield from (start + span.stop for span in passage.spans[:-1])
