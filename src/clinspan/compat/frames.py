"""Running annotators on a frame of any kind, whether it holds texts or annotation columns already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import MissingInputError
from clinspan.frames import frame_kind, is_spark_frame, listed, with_columns
from clinspan.pipeline import Pipeline
from clinspan.schema import ANNOTATION, ANNOTATIONS, annotation_field, annotation_kind, annotation_kinds

_NAMES: Final = frozenset(field.name for field in ANNOTATION)


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
        return _with_kinds(pa.Table.from_batches([frame]) if isinstance(frame, pa.RecordBatch) else frame)
    return _with_kinds(pa.table({str(name): _column(frame[name].to_list()) for name in frame.columns}))


def annotation_columns(
    frame: Any, choose: Callable[[Mapping[str, str]], dict[str, str]]
) -> tuple[pa.Table, dict[str, str]]:
    """Return annotation columns of a frame of any kind as an Arrow table, and which of them is of which type.

    Args:
        frame: what has the columns.
        choose: picks a column for each type, given all columns and their types.

    Raises:
        MissingInputError: if the frame is a list, which holds texts alone.
    """
    if is_spark_frame(frame):
        from clinspan.engines import spark

        names = choose(spark.kinds_of(frame))
        return spark.collected(frame, names.values()), names
    table = annotated_table(frame)
    names = choose(annotation_kinds(table.schema))
    return table.select(list(names.values())), names


def _with_kinds(table: pa.Table) -> pa.Table:
    """Return the table with its annotation columns in their type, and saying it."""
    for i, field in enumerate(table.schema):
        if annotation_kind(field) is None and _is_of_annotations(field.type):
            column = _annotations(table.column(i))
            table = table.set_column(i, annotation_field(field.name, _kind(column)), column)
    return table


def _is_of_annotations(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return is_list and pa.types.is_struct(kind.value_type) and {field.name for field in kind.value_type} >= _NAMES


def _annotations(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return annotations that another library wrote in the type of an annotation column."""
    try:
        return column.cast(ANNOTATIONS)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):  # metadata that is no map
        return pa.chunked_array([_column(column.to_pylist())], ANNOTATIONS)


def _column(values: list[Any]) -> pa.Array:
    """Return the values of a column; rows that are lists of annotations as annotations."""
    first = next((a for row in values if isinstance(row, list | tuple) for a in row), None)
    if isinstance(first, dict) and first.keys() >= _NAMES:
        rows = [None if row is None else [_entry(annotation) for annotation in row] for row in values]
        return pa.array(rows, ANNOTATIONS)
    return pa.array(values, from_pandas=True)


def _entry(annotation: dict[str, Any]) -> dict[str, Any]:
    metadata = annotation["metadata"]
    pairs = metadata.items() if isinstance(metadata, dict) else ((pair["key"], pair["value"]) for pair in metadata)
    return {**annotation, "metadata": [(key, value) for key, value in pairs if value is not None]}


def _kind(column: pa.ChunkedArray) -> str:
    flat = column.combine_chunks().flatten()
    return flat.field("annotatorType")[0].as_py() if len(flat) else ""


def _like(frame: Any, table: pa.Table) -> Any:
    kind = frame_kind(frame)
    if kind == "arrow":
        return table
    added = [name for name in table.schema.names if name not in map(str, frame.columns)]
    return with_columns(frame, {name: table.schema.field(name) for name in added}, table.to_batches())
