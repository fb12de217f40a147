"""SentenceDetector: rule-based sentences, as annotations of type `document`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa

from clinspan.annotators.base import Annotator, check_choice
from clinspan.annotators.sentence_rules import sentence_spans, stripped
from clinspan.codepoints import CodePoints
from clinspan.schema import (
    DOCUMENT,
    Annotations,
    Span,
    annotation_column,
    index_strings,
    starts_of,
    with_annotations,
)


@dataclass(frozen=True, kw_only=True)
class SentenceDetector(Annotator):
    r"""Split documents into sentences by rules for clinical notes.

    Attributes:
        use_abbreviations: do not end a sentence at a known abbreviation.
        detect_lists: begin a sentence at each list item.
        custom_bounds: regular expressions of further bounds.
        custom_bounds_strategy: `none` (the bound is removed), `prepend` (break before it) or `append`.
        use_custom_bounds_only: split at the custom bounds and nowhere else.
        explode_sentences: one row per sentence; rows without a sentence vanish.
        split_length: cut longer sentences at spaces into parts of at most this many characters.
        min_length, max_length: sentences outside are removed; none is by default.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT,)
    output_type: ClassVar[str] = DOCUMENT

    input_cols: tuple[str, ...] = ("document",)
    output_col: str = "sentence"
    use_abbreviations: bool = True
    detect_lists: bool = True
    custom_bounds: tuple[str, ...] = ()
    custom_bounds_strategy: str = "none"
    use_custom_bounds_only: bool = False
    explode_sentences: bool = False
    split_length: int | None = None
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("custom_bounds_strategy", self.custom_bounds_strategy, ("none", "prepend", "append"))

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `sentence` column; with `explode_sentences` also one row per sentence."""
        documents = Annotations.from_column(self.column(batch, DOCUMENT))
        spans = [self.spans(text) for text in documents.results.to_pylist()]
        owner = np.repeat(np.arange(len(spans)), [len(s) for s in spans])
        table = np.array([span for each in spans for span in each], dtype=np.int64).reshape(-1, 2)
        text = CodePoints.from_arrow(documents.results)
        base = text.row_starts[owner]
        rows = documents.rows[owner]
        row_starts = starts_of(np.bincount(rows, minlength=batch.num_rows))
        metadata = {"sentence": index_strings(np.arange(len(table)) - row_starts[rows])}
        if self.explode_sentences:
            batch, row_starts = batch.take(pa.array(rows)), np.arange(len(rows) + 1)
        starts, stops = table[:, 0] + documents.starts[owner], table[:, 1] + documents.starts[owner]
        results = text.slices(table[:, 0] + base, table[:, 1] + base)
        column = annotation_column(DOCUMENT, row_starts, starts, stops, results, metadata)
        return with_annotations(batch, self.output_col, DOCUMENT, column)

    def spans(self, text: str) -> list[Span]:
        """Return the sentences of one document as half-open ranges."""
        found = [span for piece in self._pieces(text) for span in self._sentences(text, piece)]
        if self.split_length is not None:
            found = [part for span in found for part in _packed(text, span, self.split_length)]
        longest = len(text) if self.max_length is None else self.max_length
        return [span for span in found if self.min_length <= span.stop - span.start <= longest]

    def _sentences(self, text: str, piece: Span) -> list[Span]:
        if self.use_custom_bounds_only:
            span = stripped(text, piece.start, piece.stop)
            return [span] if span.start < span.stop else []
        inner = sentence_spans(
            text[piece.start : piece.stop], abbreviations=self.use_abbreviations, lists=self.detect_lists
        )
        return [Span(piece.start + a, piece.start + b) for a, b in inner]

    def _pieces(self, text: str) -> Iterator[Span]:
        start = 0
        for match in self._bounds.finditer(text) if self._bounds else ():
            before = match.end() if self.custom_bounds_strategy == "append" else match.start()
            yield Span(start, before)
            start = match.start() if self.custom_bounds_strategy == "prepend" else match.end()
        yield Span(start, len(text))

    @cached_property
    def _bounds(self) -> re.Pattern[str] | None:
        return re.compile("|".join(f"(?:{bound})" for bound in self.custom_bounds)) if self.custom_bounds else None


def _packed(text: str, span: Span, length: int) -> Iterator[Span]:
    """Pack the words of a sentence into parts of at most `length` characters."""
    start = stop = span.start
    for word in re.finditer(r"\S+", text[span.start : span.stop]):
        begin, end = span.start + word.start(), span.start + word.end()
        if stop > start and end - start > length:
            yield Span(start, stop)
            start = begin
        stop = end
    yield Span(start, stop)
