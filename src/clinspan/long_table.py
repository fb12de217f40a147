"""Entities as a long table: one row per entity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.chunk_merge import SOURCE_KEY
from clinspan.schema import Annotations

ROW: Final = "row"
COLUMNS: Final = (ROW, "start", "end", "text", "label", "confidence", "sentence", "model")


@dataclass(frozen=True)
class LongTable:
    """Reads the entities of annotated batches.

    Attributes:
        sources: the chunk column of each model and the model's name, in order.
        merged: the column that holds the entities of all models; "" if each has its own.
    """

    sources: tuple[tuple[str, str], ...]
    merged: str = ""

    def rows(self, batch: pa.RecordBatch, first_row: int = 0) -> pa.Table:
        """Return the entities of a batch, by row and start; at one place the longer first.

        Args:
            batch: annotated.
            first_row: number of its first row.
        """
        if self.merged:
            return self._merged_rows(batch, first_row)
        parts = [_chunk_table(batch.column(chunk), first_row, name) for chunk, name in self.sources]
        table = pa.concat_tables(parts)
        keys = [(ROW, "ascending"), ("start", "ascending"), ("end", "descending")]
        return table.take(pc.sort_indices(table, sort_keys=keys)) if len(parts) > 1 else table

    def _merged_rows(self, batch: pa.RecordBatch, first_row: int) -> pa.Table:
        column = batch.column(self.merged)
        chunks, names = zip(*self.sources, strict=True)
        place = pc.index_in(Annotations.from_column(column).values(SOURCE_KEY), pa.array(chunks))
        table = _chunk_table(column, first_row, "")
        return table.set_column(COLUMNS.index("model"), "model", pa.array(names).take(place))


@dataclass(frozen=True)
class IdentifiedRows:
    """Makes annotated batches into long tables whose rows are named by a column.

    Attributes:
        table: where the entities are.
        id_col: the column.
    """

    table: LongTable
    id_col: str

    def __call__(self, batch: pa.RecordBatch) -> pa.Table:
        """Return the long table of a batch."""
        return identified(self.table.rows(batch), self.id_col, batch.column(self.id_col))


def identified(table: pa.Table, name: str, ids: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Return a long table with the ids of the rows, under their name, in place of row numbers."""
    return table.set_column(0, name, ids.take(table.column(ROW).combine_chunks()))


def _chunk_table(column: pa.ListArray, first_row: int, model: str) -> pa.Table:
    chunks = Annotations.from_column(column)
    return pa.table(
        {
            ROW: pa.array(chunks.rows + first_row, pa.int64()),
            "start": pa.array(chunks.starts, pa.int64()),
            "end": pa.array(chunks.stops, pa.int64()),
            "text": chunks.results,
            "label": chunks.values("entity"),
            "confidence": pc.cast(chunks.values("confidence"), pa.float32()),
            "sentence": pc.cast(chunks.values("sentence"), pa.int64()),
            "model": pa.repeat(pa.scalar(model), len(chunks)),
        }
    )
