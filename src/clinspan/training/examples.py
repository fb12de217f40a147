"""From labelled records to windows of sub-words with a tag at each unit's first sub-word."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.annotators.token import Tokenizer
from clinspan.codepoints import Bools, CodePoints, Ints
from clinspan.corpora import Record, Scheme
from clinspan.inference.decoding import Floats, decoded
from clinspan.inference.units import Encoded, Encoder, Units
from clinspan.tagging import OUTSIDE, LabelledSpan, TagTable, parse_tag, put_tags

T = TypeVar("T")
SpanLists = list[list[LabelledSpan]]
IGNORED: Final = -100  # says nothing
UNMARKED: Final = -1  # none of the labels that the corpus marks throughout; perhaps one of the others


@dataclass(frozen=True)
class Sentences:
    """The sentences of some records, and where each begins in its record."""

    texts: pa.StringArray
    records: Ints
    starts: Ints

    @classmethod
    def from_records(cls, records: Sequence[Record]) -> Sentences:
        """Split with the detector that inference uses."""
        return cls.from_texts([record.text for record in records])

    @classmethod
    def from_texts(cls, documents: Sequence[str]) -> Sentences:
        """Split texts that stand for records."""
        found = [(i, span) for i, text in enumerate(documents) for span in sentence_spans(text)]
        texts = pa.array([documents[i][span.start : span.stop] for i, span in found], pa.string())
        starts = np.array([span.start for _, span in found], dtype=np.int64)
        return cls(texts, np.array([i for i, _ in found], dtype=np.int64), starts)


def token_units(sentences: pa.StringArray) -> Units:
    """Return the tokens of sentences as units."""
    text = CodePoints.from_arrow(sentences)
    starts, stops = Tokenizer().spans(text)
    return Units(text, starts, stops, np.searchsorted(starts, text.row_starts))


@dataclass(frozen=True)
class Teaching:
    """How one corpus is to teach one head.

    Attributes:
        tags: tag set of the head.
        scheme: the corpus in the head's labels.
        weight: factor on the loss.
    """

    tags: list[str]
    scheme: Scheme
    weight: float = 1.0

    @property
    def possible(self) -> Bools:
        """Whether an unmarked unit may have a tag, shape [tags]."""
        complete = self.scheme.complete
        labels = [parse_tag(tag).label for tag in self.tags]
        return np.array([not label or (complete is not None and label not in complete) for label in labels])

    def unit_targets(self, records: Sequence[Record], sentences: Sentences, units: Units) -> Ints:
        """Return the tag of each unit; of overlapping spans the longest counts.

        A unit that is not marked is outside if the corpus marks all labels, `IGNORED` if it marks none throughout.
        """
        possible = self.possible
        unmarked = self.tags.index(OUTSIDE) if possible.sum() == 1 else IGNORED if possible.all() else UNMARKED
        index = {tag: i for i, tag in enumerate(self.tags)}
        found = np.full(len(units.starts), unmarked, dtype=np.int64)
        owner = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
        shift = (sentences.starts - units.text.row_starts[:-1])[owner]
        starts, stops = units.starts + shift, units.stops + shift
        bounds = np.searchsorted(sentences.records[owner], np.arange(len(records) + 1))
        for record, low, high in zip(records, bounds[:-1], bounds[1:], strict=True):
            part = slice(low, high)
            for span in self.scheme.masked(record):
                found[part][(stops[part] > span.start) & (starts[part] < span.stop)] = IGNORED
            gold = self.scheme.widened(self.scheme.renamed(record))
            put_tags(found[part], starts[part], stops[part], gold.spans, index)
        return found

    def compared(
        self, records: Sequence[Record], sentences: Sentences, units: Units, tag_ids: Ints
    ) -> tuple[SpanLists, SpanLists]:
        """Return the gold and the predicted spans of each record that the corpus can judge.

        Args:
            records: the records, in the corpus' own labels.
            sentences: their sentences.
            units: what was tagged.
            tag_ids: the tag of each unit.
        """
        table = TagTable.from_tags(self.tags)
        owner = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
        begin, end, label = table.spans(tag_ids, owner)
        shift = (sentences.starts - units.text.row_starts[:-1])[owner[begin]]
        found: SpanLists = [[] for _ in records]
        spans = zip(units.starts[begin] + shift, units.stops[end - 1] + shift, label, strict=True)
        for record, (a, b, c) in zip(sentences.records[owner[begin]].tolist(), spans, strict=True):
            found[record].append(LabelledSpan(int(a), int(b), table.labels[c]))
        gold = [self.scheme.judged(r, self.scheme.renamed(r).spans, table.labels) for r in records]
        return gold, [self.scheme.judged(r, s, table.labels) for r, s in zip(records, found, strict=True)]


@dataclass(frozen=True)
class Examples:
    """The labelled windows of one corpus, for every head that it teaches.

    Attributes:
        name: of the corpus.
        records: its records, with the labels of the corpus.
        heads: how it teaches each head.
        sentences: its sentences.
        encoded: units, sub-words and windows of the sentences.
        targets: tag index by head at each unit's first sub-word, `UNMARKED` or `IGNORED`, shape [sub-words] each.
        passes: how often an epoch sees the corpus; may be a fraction.
    """

    name: str
    records: Sequence[Record]
    heads: Mapping[str, Teaching]
    sentences: Sentences
    encoded: Encoded
    targets: Mapping[str, Ints]
    passes: float = 1.0

    @classmethod
    def from_records(
        cls,
        records: Sequence[Record],
        heads: Mapping[str, Teaching],
        *,
        encoder: Encoder,
        unit: str,
        name: str = "",
        passes: float = 1.0,
    ) -> Examples:
        """Encode records and put the gold tags of each head on their units."""
        sentences = Sentences.from_records(records)
        units = Units.from_sentences(sentences.texts, None, unit)
        encoded = Encoded.from_units(units, sentences.texts, sentences.records, encoder)
        known = encoded.first >= 0
        targets = {}
        for head, teaching in heads.items():
            targets[head] = np.full(len(encoded.subwords.ids), IGNORED, dtype=np.int64)
            targets[head][encoded.first[known]] = teaching.unit_targets(records, sentences, units)[known]
        return cls(name, records, heads, sentences, encoded, targets, passes)

    def windows(self, encoder: Encoder) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, Ints]]]:
        """Yield the ids and the targets by head of each window, special sub-words included."""
        before, after = len(encoder.tokenizer.prefix), len(encoder.tokenizer.suffix)
        bounds = zip(self.encoded.windows.starts.tolist(), self.encoded.windows.stops.tolist(), strict=True)
        for ids, (start, stop) in zip(self.encoded.window_ids(encoder.tokenizer), bounds, strict=True):
            yield (
                ids,
                {
                    head: np.pad(targets[start:stop], (before, after), constant_values=IGNORED)
                    for head, targets in self.targets.items()
                },
            )

    def compared(self, head: str, logits: Floats) -> tuple[SpanLists, SpanLists]:
        """Return the gold and the predicted spans of each record that the corpus can judge.

        Args:
            head: whose.
            logits: of all sub-words, shape [sub-words, tags].
        """
        teaching, units, first = self.heads[head], self.encoded.units, self.encoded.first
        of_units = np.full((len(first), len(teaching.tags)), np.nan, dtype=np.float32)
        of_units[first >= 0] = logits[first[first >= 0]]
        tag_ids, _ = decoded(of_units, units.sentence_starts, teaching.tags)
        return teaching.compared(self.records, self.sentences, units, tag_ids)


def repeated(items: Sequence[T], passes: float, rng: random.Random) -> list[T]:
    """Return each item as often as `passes` says; its fraction takes a random share of them."""
    return [*items] * int(passes) + rng.sample([*items], round(passes % 1 * len(items)))
