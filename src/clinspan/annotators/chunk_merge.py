"""ChunkMerge: several chunk columns become one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator, check_choice
from clinspan.annotators.tagged import numbers
from clinspan.codepoints import Bools, Ints
from clinspan.exceptions import InputError, MissingInputError
from clinspan.schema import (
    CHUNK,
    DOCUMENT,
    Annotations,
    annotation_column,
    annotation_kinds,
    index_strings,
    starts_of,
    with_annotations,
)

SOURCE_KEY: Final = "ner_source"
LONGEST: Final = "longest"
CONFIDENCE: Final = "confidence"
ALL: Final = "all"
PRECEDENCE: Final = (LONGEST, CONFIDENCE, ALL)


@dataclass(frozen=True, kw_only=True)
class ChunkMerge(Annotator):
    """Merge chunk columns into one, sorted by where the chunks begin; at one place the longer comes first.

    Metadata is kept; the key `ner_source` names the column a chunk was first merged from, `chunk` counts the merged
    chunks of a row.

    Attributes:
        input_cols: chunk columns; the earlier one wins where nothing else decides.
        keep: which of overlapping chunks stay: `longest` (of equally long ones the most confident), `confidence`
            (the most confident; of equally confident ones the longest) or `all`.

    Raises:
        InputError: if there are no input columns, or `keep` is none of its values.
    """

    input_types: ClassVar[tuple[str, ...]] = (CHUNK,)
    output_type: ClassVar[str] = CHUNK

    input_cols: tuple[str, ...] = ()
    output_col: str = "merged_chunk"
    keep: str = LONGEST

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("keep", self.keep, PRECEDENCE)
        if not self.input_cols:
            msg = "ChunkMerge needs input_cols: the chunk columns to merge."
            raise InputError(msg)

    def inputs(self, available: Mapping[str, str]) -> dict[str, str]:
        """Check that every input is a chunk column.

        Raises:
            MissingInputError: if one is absent or holds something else.
        """
        if missing := [f"chunk column {name!r}" for name in self.input_cols if available.get(name) != CHUNK]:
            raise MissingInputError.from_stage(self.name, missing, available)
        return {}

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the merged column."""
        self.inputs(annotation_kinds(batch.schema))
        columns = [Annotations.from_column(batch.column(name)) for name in self.input_cols]
        rows, starts, stops = (np.concatenate([getattr(c, k) for c in columns]) for k in ("rows", "starts", "stops"))
        source = np.repeat(np.arange(len(columns)), [len(c) for c in columns])
        sentences = pa.concat_arrays([c.values("sentence") for c in columns])
        texts = _texts(batch, rows, sentences)
        order = np.lexsort((source, -stops, starts, texts))
        if self.keep != ALL:
            scores = np.nan_to_num(np.concatenate([numbers(c.values("confidence")) for c in columns]), nan=-1.0)
            rank = self._rank(stops - starts, scores, starts, source)
            order = order[best_apart(texts, starts, np.maximum(stops, starts + 1), rank)[order]]
        at = pa.array(order)
        keys = pc.unique(pa.concat_arrays([c.metadata.keys for c in columns])).to_pylist()
        metadata = {key: pa.concat_arrays([c.values(key) for c in columns]).take(at) for key in keys}
        column_names = pa.array(self.input_cols).take(pa.array(source[order]))
        metadata[SOURCE_KEY] = pc.coalesce(metadata.get(SOURCE_KEY, column_names), column_names)
        row_starts = starts_of(np.bincount(rows[order], minlength=batch.num_rows))
        metadata["chunk"] = index_strings(np.arange(len(order)) - row_starts[rows[order]])
        results = pa.concat_arrays([pc.cast(c.results, pa.string()) for c in columns]).take(at)
        column = annotation_column(CHUNK, row_starts, starts[order], stops[order], results, metadata)
        return with_annotations(batch, self.output_col, CHUNK, column)

    def _rank(self, sizes: Ints, scores: npt.NDArray[np.float32], starts: Ints, source: Ints) -> Ints:
        """Return the place of each chunk in the order of precedence, the best one 0."""
        first, second = (-sizes, -scores) if self.keep == LONGEST else (-scores, -sizes)
        rank = np.empty(len(sizes), dtype=np.int64)
        rank[np.lexsort((source, starts, second, first))] = np.arange(len(sizes))
        return rank


def _texts(batch: pa.RecordBatch, rows: Ints, sentences: pa.StringArray) -> Ints:
    """Return a number for the text that each chunk lies in, in the order of rows.

    Where a row is a list of texts, each of its sentences counts as one, since all texts are counted from 0.
    """
    documents = [n for n, kind in annotation_kinds(batch.schema).items() if kind == DOCUMENT]
    lists = np.zeros(batch.num_rows, dtype=np.bool_)
    for read in (Annotations.from_column(batch.column(name)) for name in documents):
        lists[read.rows[1:][(read.rows[1:] == read.rows[:-1]) & (read.texts[1:] != read.texts[:-1])]] = True
    if not lists.any():
        return rows
    within = np.where(lists[rows], np.nan_to_num(numbers(sentences)), 0)
    return np.unique(np.stack([rows, within]), axis=1, return_inverse=True)[1].ravel()


def best_apart(rows: Ints, starts: Ints, stops: Ints, rank: Ints) -> Bools:
    """Pick spans that do not overlap: again and again the best that is left, without those that overlap it.

    All spans that are better than everything they overlap are picked at once, so that the number of rounds is the
    depth of overlapping, not the number of spans.

    Args:
        rows: the text each span lies in.
        starts: first character of each.
        stops: one past the last; no span is empty.
        rank: precedence, all different; the smallest wins.

    Returns:
        Whether each span is picked, shape [spans].
    """
    stride = int(stops.max(initial=0)) + 1
    edges = np.unique(np.concatenate([rows * stride + starts, rows * stride + stops]))
    first, last = np.searchsorted(edges, rows * stride + starts), np.searchsorted(edges, rows * stride + stops)
    bounds = starts_of(last - first)
    span = np.repeat(np.arange(len(rows)), last - first)  # each span covers some stretches between edges
    stretch = np.arange(len(span)) - np.repeat(bounds[:-1] - first, last - first)
    picked, left = np.zeros(len(rows), dtype=np.bool_), np.ones(len(rows), dtype=np.bool_)
    while left.any():
        best = np.full(len(edges), len(rows), dtype=np.int64)
        np.minimum.at(best, stretch[left[span]], rank[span][left[span]])
        wins = left & (np.maximum.reduceat(best[stretch] != rank[span], bounds[:-1]) == 0)
        picked |= wins
        taken = np.zeros(len(edges), dtype=np.bool_)
        taken[stretch[wins[span]]] = True
        left &= ~np.logical_or.reduceat(taken[stretch], bounds[:-1])
    return picked
