"""From labelled records to windows of sub-words with a tag at each unit's first sub-word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clinspan.annotators.sentence_rules import sentence_spans
from clinspan.codepoints import Ints
from clinspan.corpora import Record
from clinspan.inference.decoding import Floats, best_tags
from clinspan.inference.units import Encoded, Encoder, Units
from clinspan.tagging import OUTSIDE, LabelledSpan, TagTable, allowed_transitions, put_tags

IGNORED: Final = -100  # PyTorch's default ignore_index


@dataclass(frozen=True)
class Sentences:
    """The sentences of some records, and where each begins in its record."""

    texts: pa.StringArray
    records: Ints
    starts: Ints

    @classmethod
    def from_records(cls, records: Sequence[Record]) -> Sentences:
        """Split with the detector that inference uses."""
        found = [(i, span) for i, record in enumerate(records) for span in sentence_spans(record.text)]
        texts = pa.array([records[i].text[span.start : span.stop] for i, span in found], pa.string())
        starts = np.array([span.start for _, span in found], dtype=np.int64)
        return cls(texts, np.array([i for i, _ in found], dtype=np.int64), starts)


@dataclass(frozen=True)
class Examples:
    """Labelled windows of one corpus for one head.

    Attributes:
        head: output name of the head.
        records: the labelled records.
        sentences: their sentences.
        encoded: units, sub-words and windows of the sentences.
        tags: tag set of the head.
        targets: tag index at each unit's first sub-word, `IGNORED` elsewhere, shape [sub-words].
    """

    head: str
    records: Sequence[Record]
    sentences: Sentences
    encoded: Encoded
    tags: list[str]
    targets: Ints

    @classmethod
    def from_records(
        cls, records: Sequence[Record], *, head: str, tags: list[str], encoder: Encoder, unit: str
    ) -> Examples:
        """Encode records and put the gold tags on their units."""
        sentences = Sentences.from_records(records)
        units = Units.from_sentences(sentences.texts, None, unit)
        encoded = Encoded.from_units(units, sentences.texts, sentences.records, encoder)
        targets = np.full(len(encoded.subwords.ids), IGNORED, dtype=np.int64)
        known = encoded.first >= 0
        targets[encoded.first[known]] = unit_tags(records, sentences, units, tags)[known]
        return cls(head, records, sentences, encoded, tags, targets)

    def windows(self, encoder: Encoder) -> Iterator[tuple[npt.NDArray[np.int64], Ints]]:
        """Yield the ids and targets of each window, special sub-words included."""
        before, after = len(encoder.tokenizer.prefix), len(encoder.tokenizer.suffix)
        bounds = zip(self.encoded.windows.starts.tolist(), self.encoded.windows.stops.tolist(), strict=True)
        for ids, (start, stop) in zip(self.encoded.window_ids(encoder.tokenizer), bounds, strict=True):
            yield ids, np.pad(self.targets[start:stop], (before, after), constant_values=IGNORED)

    def decode(self, logits: Floats) -> list[list[LabelledSpan]]:
        """Turn the logits of all sub-words, shape [sub-words, tags], into the spans of each record."""
        units, sentences = self.encoded.units, self.sentences
        follow, first = allowed_transitions(self.tags)
        tag_ids = best_tags(logits[self.encoded.first], units.sentence_starts, follow, first)
        tag_ids[self.encoded.first < 0] = 0
        owner = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
        table = TagTable.from_tags(self.tags)
        begin, end, label = table.spans(tag_ids, owner)
        shift = (sentences.starts - units.text.row_starts[:-1])[owner[begin]]
        found: list[list[LabelledSpan]] = [[] for _ in self.records]
        spans = zip(units.starts[begin] + shift, units.stops[end - 1] + shift, label, strict=True)
        for record, (a, b, c) in zip(sentences.records[owner[begin]].tolist(), spans, strict=True):
            found[record].append(LabelledSpan(int(a), int(b), table.labels[c]))
        return found


def unit_tags(records: Sequence[Record], sentences: Sentences, units: Units, tags: list[str]) -> Ints:
    """Return the gold tag of each unit; of overlapping spans the longest is kept."""
    index = {tag: i for i, tag in enumerate(tags)}
    found = np.full(len(units.starts), index[OUTSIDE], dtype=np.int64)
    owner = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
    shift = (sentences.starts - units.text.row_starts[:-1])[owner]
    starts, stops = units.starts + shift, units.stops + shift
    bounds = np.searchsorted(sentences.records[owner], np.arange(len(records) + 1))
    for record, low, high in zip(records, bounds[:-1], bounds[1:], strict=True):
        put_tags(found[low:high], starts[low:high], stops[low:high], record.spans, index)
    return found
