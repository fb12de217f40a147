"""What the sentence detectors share: custom bounds, lengths, one row per sentence."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from clinspan.annotators.base import Annotator, check_choice
from clinspan.annotators.patterns import check_pattern, scoped
from clinspan.codepoints import SPACE, CodePoints, Ints, runs
from clinspan.schema import (
    DOCUMENT,
    Annotations,
    Span,
    annotation_column,
    index_strings,
    starts_of,
    with_annotations,
)

STRATEGIES: Final = ("none", "prepend", "append")


@dataclass(frozen=True)
class Sentences:
    """Sentences of several texts, in order.

    Attributes:
        owners: the text each is of, shape [sentences].
        starts, stops: half-open ranges, counted in that text.
    """

    owners: Ints
    starts: Ints
    stops: Ints

    @classmethod
    def from_spans(cls, spans: Sequence[Sequence[Span]]) -> Sentences:
        """Put the sentences of each text one after the other."""
        table = np.array([span for each in spans for span in each], dtype=np.int64).reshape(-1, 2)
        return cls(np.repeat(np.arange(len(spans)), [len(each) for each in spans]), table[:, 0], table[:, 1])

    @classmethod
    def from_ranges(cls, text: CodePoints, starts: Ints, stops: Ints) -> Sentences:
        """Read ranges over the rows end to end; none is empty or crosses a row."""
        owners = np.searchsorted(text.row_starts, starts, side="right") - 1
        base = text.row_starts[owners]
        return cls(owners, starts - base, stops - base)

    def take(self, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Sentences:
        """Return those kept."""
        return Sentences(self.owners[kept], self.starts[kept], self.stops[kept])


@dataclass(frozen=True, kw_only=True)
class SentenceStage(Annotator):
    """Base of the sentence detectors; see them for the meaning of the fields.

    Raises:
        InputError: if a custom bound is no pattern, or their strategy is unknown.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT,)
    output_type: ClassVar[str] = DOCUMENT

    input_cols: tuple[str, ...] = ("document",)
    output_col: str = "sentence"
    custom_bounds: tuple[str, ...] = ()
    custom_bounds_strategy: str = "none"
    use_custom_bounds_only: bool = False
    explode_sentences: bool = False
    split_length: int | None = None
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("custom_bounds_strategy", self.custom_bounds_strategy, STRATEGIES)
        for bound in self.custom_bounds:
            check_pattern("custom_bounds", bound)

    @abstractmethod
    def detect(self, texts: pa.StringArray) -> Sentences:
        """Return the sentences of texts that no custom bound divides, without white space at their sides."""

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `sentence` column; with `explode_sentences` also one row per sentence."""
        documents = Annotations.from_column(self.column(batch, DOCUMENT))
        found = self.sentences(documents.results)
        text = CodePoints.from_arrow(documents.results)
        base = text.row_starts[found.owners]
        rows = documents.rows[found.owners]
        row_starts = starts_of(np.bincount(rows, minlength=batch.num_rows))
        metadata = {"sentence": index_strings(np.arange(len(rows)) - row_starts[rows])}
        if self.explode_sentences:
            batch, row_starts = batch.take(pa.array(rows)), np.arange(len(rows) + 1)
        shift = documents.starts[found.owners]
        results = text.slices(found.starts + base, found.stops + base)
        column = annotation_column(DOCUMENT, row_starts, found.starts + shift, found.stops + shift, results, metadata)
        return with_annotations(batch, self.output_col, DOCUMENT, column)

    def spans(self, text: str) -> list[Span]:
        """Return the sentences of one document as half-open ranges."""
        found = self.sentences(pa.array([text], pa.string()))
        return [Span(a, b) for a, b in zip(found.starts.tolist(), found.stops.tolist(), strict=True)]

    def sentences(self, texts: pa.StringArray) -> Sentences:
        """Return the sentences of several documents, all parameters applied."""
        found = self._between_bounds(texts) if self._bounds else self.detect(texts)
        if self.split_length is not None:
            found = _packed(texts, found, self.split_length)
        lengths = found.stops - found.starts
        longest = lengths.max(initial=0) if self.max_length is None else self.max_length
        return found.take((self.min_length <= lengths) & (lengths <= longest))

    def _between_bounds(self, texts: pa.StringArray) -> Sentences:
        """Divide each text at the custom bounds, and the pieces as if each were a text."""
        values = texts.to_pylist()
        pieces = [(i, span) for i, text in enumerate(values) for span in self._pieces(text or "")]
        owners = np.array([i for i, _ in pieces], dtype=np.int64)
        base = np.array([span.start for _, span in pieces], dtype=np.int64)
        parts = pa.array([(values[i] or "")[span.start : span.stop] for i, span in pieces], pa.string())
        found = _stripped(parts) if self.use_custom_bounds_only else self.detect(parts)
        shift = base[found.owners]
        return Sentences(owners[found.owners], found.starts + shift, found.stops + shift)

    def _pieces(self, text: str) -> Iterator[Span]:
        start = 0
        for match in self._bounds.finditer(text) if self._bounds else ():
            before = match.end() if self.custom_bounds_strategy == "append" else match.start()
            yield Span(start, before)
            start = match.start() if self.custom_bounds_strategy == "prepend" else match.end()
        yield Span(start, len(text))

    @cached_property
    def _bounds(self) -> re.Pattern[str] | None:
        if not self.custom_bounds and not self.use_custom_bounds_only:
            return None
        return re.compile("|".join(f"(?:{scoped(bound)})" for bound in self.custom_bounds) or "(?!)")


def _stripped(texts: pa.StringArray) -> Sentences:
    """Return each text without white space at its sides; blank ones give nothing."""
    text = CodePoints.from_arrow(texts)
    starts, stops = runs(text.classes != SPACE, text.row_starts)
    row = np.searchsorted(text.row_starts, starts, side="right") - 1
    first = np.flatnonzero(np.append(True, row[1:] != row[:-1])[: len(row)])
    last = np.append(first[1:], len(row))[: len(first)] - 1
    return Sentences.from_ranges(text, starts[first], stops[last])


def _packed(texts: pa.StringArray, found: Sentences, length: int) -> Sentences:
    """Pack the words of each sentence into parts of at most `length` characters."""
    values = texts.to_pylist()
    parts: list[list[Span]] = [[] for _ in values]
    for owner, start, stop in zip(found.owners.tolist(), found.starts.tolist(), found.stops.tolist(), strict=True):
        parts[owner] += _packed_one(values[owner], Span(start, stop), length)
    return Sentences.from_spans(parts)


def _packed_one(text: str, span: Span, length: int) -> Iterator[Span]:
    start = stop = span.start
    for word in re.finditer(r"\S+", text[span.start : span.stop]):
        begin, end = span.start + word.start(), span.start + word.end()
        if stop > start and end - start > length:
            yield Span(start, stop)
            start = begin
        stop = end
    yield Span(start, stop)
