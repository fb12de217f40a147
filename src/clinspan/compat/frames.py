"""Running annotators on a frame of any kind, whether it holds texts or annotation columns already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import MissingInputError
from clinspan.frames import frame_kind, is_spark_frame, listed, with_columns
from clinspan.pipeline import Pipeline
from clinspan.schema import ANNOTATIONS, annotation_field, annotation_kinds


def transformed(stages: Sequence[Annotator], frame: Any) -> Any:
    """Return the frame, of its own kind, after all stages."""
    if is_spark_frame(frame):
        from clinspan.engines import spark

        return spark.transformed(stages, frame)
    if isinstance(stages[0], DocumentAssembler):
        return Pipeline(stages).transform(frame)
    frame = listed(frame)
    table = annotated_table(frame)
    stages[0].inputs(annotation_kinds(table.schema))
    batches = list(LocalEngine().run(fused(stages), table.combine_chunks().to_batches()))
    return _like(frame, pa.Table.from_batches(batches) if batches else table)


def annotated_table(frame: Any) -> pa.Table:
    """Return a frame as an Arrow table whose annotation columns say their type.

    Raises:
        MissingInputError: if it is a list, which holds texts alone.
    """
    kind = frame_kind(frame)
    if kind == "list":
        raise MissingInputError.from_stage("The first stage", ["annotation columns"], {})
    if kind == "arrow":
        return pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame
    table = pa.table({str(name): _column(frame[name]) for name in frame.columns})
    for i, name in enumerate(table.schema.names):
        if table.schema.field(i).type == ANNOTATIONS:
            table = table.set_column(i, annotation_field(name, _kind(table.column(i))), table.column(i))
    return table


def _column(column: Any) -> pa.Array:
    """Return a column of a pandas or Polars frame; one whose rows are lists of annotations as annotations."""
    values = column.to_list()
    first = next((a for row in values if isinstance(row, list | tuple) for a in row), None)
    if isinstance(first, dict) and "annotatorType" in first:
        rows = [None if row is None else [_entry(annotation) for annotation in row] for row in values]
        return pa.array(rows, ANNOTATIONS)
    return pa.array(values, from_pandas=True)


def _entry(annotation: dict[str, Any]) -> dict[str, Any]:
    metadata = annotation["metadata"]
    pairs = metadata.items() if isinstance(metadata, dict) else ((pair["key"], pair["value"]) for pair in metadata)
    return {**annotation, "metadata": list(pairs)}


def _kind(column: pa.ChunkedArray) -> str:
    flat = column.combine_chunks().flatten()
    return flat.field("annotatorType")[0].as_py() if len(flat) else ""


def _like(frame: Any, table: pa.Table) -> Any:
    kind = frame_kind(frame)
    if kind == "arrow":
        return table
    added = [name for name in table.schema.names if name not in map(str, frame.columns)]
    return with_columns(frame, {name: table.schema.field(name) for name in added}, table.to_batches())
