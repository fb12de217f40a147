"""Texts with known sentences, and the ways in which notes differ from them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import pyarrow as pa

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.codepoints import CodePoints, Ints
from clinspan.schema import Span
from clinspan.training.data import DataFolders
from clinspan.training.recipes import SentenceCorpusRecipe, SentencesRecipe


@dataclass(frozen=True)
class Passage:
    """A text as its sentences and what stands between them.

    Attributes:
        sentences: without white space at their sides.
        gaps: what follows each but the last.
        silver: whether rules have divided it; such a text is a note already, and not varied.
    """

    sentences: tuple[str, ...]
    gaps: tuple[str, ...]
    silver: bool = False

    @classmethod
    def from_spans(cls, text: str, spans: Iterable[Span], *, silver: bool = False) -> Passage:
        """Divide a text."""
        given = list(spans)
        sentences = tuple(text[span.start : span.stop].strip() for span in given)
        gaps = tuple(text[a.stop : b.start] for a, b in pairwise(given))
        return cls(sentences, gaps, silver)

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
    """Read a file of a corpus."""
    if corpus.silver:
        return [Passage.from_spans(text, sentence_spans(text), silver=True) for text in data.texts([path])]
    rows = (row for row in data.rows(path) if row["sentences"])
    return [Passage.from_spans(row["text"], (Span(a, b) for a, b in row["sentences"])) for row in rows]


def corpus_passages(corpus: SentenceCorpusRecipe, data: DataFolders) -> tuple[list[Passage], list[Passage]]:
    """Return what a corpus trains, and what it measures: its dev file, or the end of its train file."""
    train = read_passages(corpus, corpus.train, data) if corpus.train else []
    if corpus.dev:
        return train, read_passages(corpus, corpus.dev, data)
    kept = len(train) - round(len(train) * corpus.held_out)
    return train[:kept], train[kept:]


@dataclass(frozen=True)
class Variation:
    """Makes texts more like notes, each change in a share of them.

    Lower case throughout; lines wrapped; each sentence a line; full stops left out at line ends; a space forgotten
    between sentences; abbreviations put before words and numbers.
    """

    recipe: SentencesRecipe
    rng: random.Random

    def __call__(self, passage: Passage) -> Passage:
        """Return a varied passage."""
        if passage.silver:
            return passage
        for share, change in (
            (self.recipe.lower, self._lower),
            (self.recipe.abbreviate, self._abbreviate),
            (self.recipe.drop_stops, self._drop_stops),
            (self.recipe.break_lines, self._break_lines),
            (self.recipe.join, self._join),
            (self.recipe.wrap, self._wrap),
        ):
            if self.rng.random() < share:
                passage = change(passage)
        return passage

    def _lower(self, passage: Passage) -> Passage:
        return replace(passage, sentences=tuple(sentence.lower() for sentence in passage.sentences))

    def _abbreviate(self, passage: Passage) -> Passage:
        if not self.recipe.abbreviations:
            return passage
        sentences = list(passage.sentences)
        i = self.rng.randrange(len(sentences))
        words = sentences[i].split(" ")
        telling = [at for at, word in enumerate(words) if at and (word[:1].isupper() or word[:1].isdigit())]
        at = self.rng.choice(telling or range(len(words)))
        words.insert(at, f"{self.rng.choice(self.recipe.abbreviations)}.")
        sentences[i] = " ".join(words)
        return replace(passage, sentences=tuple(sentences))

    def _drop_stops(self, passage: Passage) -> Passage:
        sentences, gaps = list(passage.sentences), list(passage.gaps)
        for i, gap in enumerate(gaps):
            if sentences[i].endswith(".") and len(sentences[i]) > 1 and self.rng.random() < 0.5:
                sentences[i] = sentences[i].rstrip(". ")
                gaps[i] = gap if "\n" in gap else self.rng.choice(("\n", "\n\n", " "))
        return replace(passage, sentences=tuple(sentences), gaps=tuple(gaps))

    def _break_lines(self, passage: Passage) -> Passage:
        gaps = (self.rng.choice(("\n", "\n", "\n\n", " \n")) for _ in passage.gaps)
        return replace(passage, gaps=tuple(gaps))

    def _join(self, passage: Passage) -> Passage:
        gaps = list(passage.gaps)
        for i, (before, after) in enumerate(zip(passage.sentences, passage.sentences[1:], strict=False)):
            if before[-1:] in ".?!" and after[:1].isupper() and self.rng.random() < 0.5:
                gaps[i] = ""
        return replace(passage, gaps=tuple(gaps))

    def _wrap(self, passage: Passage) -> Passage:
        """Turn spaces into line breaks so that no line is longer than a width."""
        width, column = self.rng.randint(40, 110), 0
        sentences, gaps = [], []
        for sentence, gap in zip(passage.sentences, (*passage.gaps, ""), strict=True):
            lines: list[str] = []
            for word in sentence.split(" "):
                column += len(word) + 1
                if lines and column > width:
                    lines.append("\n")
                    column = len(word) + 1
                elif lines:
                    lines.append(" ")
                lines.append(word)
            sentences.append("".join(lines))
            full = gap == " " and column > width * 0.9
            gaps.append("\n" if full else gap)
            column = 0 if full or "\n" in gap else column
        return replace(passage, sentences=tuple(sentences), gaps=tuple(gaps[:-1]))


def laid_out(passages: Iterable[Passage]) -> tuple[CodePoints, Ints]:
    """Return the passages end to end, and the ends of all their sentences but the last of each."""
    given = list(passages)
    text = CodePoints.from_arrow(pa.array([passage.text for passage in given], pa.string()))
    return text, pa.array(_ends(given, text.row_starts.tolist()), pa.int64()).to_numpy()


def _ends(passages: Iterable[Passage], starts: list[int]) -> Iterator[int]:
    for passage, start in zip(passages, starts, strict=False):
        yield from (start + span.stop for span in passage.spans[:-1])
