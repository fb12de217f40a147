"""Annotation columns of frames on this machine: which there are, and what they hold, as Arrow.

pandas and Polars do not keep what a column says of itself, so that its annotations have to tell the type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa

from clinspan.exceptions import InputError
from clinspan.frames import column_of, frame_kind
from clinspan.schema import ANNOTATION, ANNOTATIONS, annotation_field, annotation_kind, annotation_reference
from clinspan.texts import LISTS

_NAMES: Final = frozenset(field.name for field in ANNOTATION)


def kinds_of(frame: Any) -> dict[str, str | None]:
    """Return the annotation columns of a frame and their types.

    The type is "" where no row has an annotation; it is None where no row has any value, so that the column may be one.
    """
    kind = frame_kind(frame)
    if kind == "list":
        return {}
    if kind == "pandas":
        return dict(_kinds_in_pandas(frame))
    if kind == "arrow":
        return dict(_kinds_in_arrow(zip(frame.schema, frame.columns, strict=True)))
    nested = (column for column in frame.get_columns() if column.dtype.is_nested() or str(column.dtype) == "Null")
    columns = ((column.name, column.to_arrow()) for column in nested)
    return dict(_kinds_in_arrow((pa.field(name, column.type), column) for name, column in columns))


def _kinds_in_pandas(frame: Any) -> Iterator[tuple[str, str | None]]:
    for name, column in frame.items():
        cells = column[column.notna()]
        if not len(cells):
            if column.dtype == object:
                yield str(name), None
        elif isinstance(cells.iloc[0], LISTS) and (kind := _kind_in_cells(cells)) is not None:
            yield str(name), kind


def _kind_in_cells(cells: Iterable[Any]) -> str | None:
    """Return the type that the first annotation has, "" if all cells are empty lists, None if it is no annotation."""
    filled = next((cell for cell in cells if not isinstance(cell, LISTS) or len(cell)), ())
    if not isinstance(filled, LISTS):
        return None
    first = next(iter(filled), None)
    if isinstance(first, Mapping) and first.keys() >= _NAMES:
        return str(first["annotatorType"])
    return None if len(filled) else ""


def _kinds_in_arrow(columns: Iterable[tuple[pa.Field, Any]]) -> Iterator[tuple[str, str | None]]:
    for field, column in columns:
        if (kind := annotation_kind(field)) is not None:
            yield field.name, kind
        elif pa.types.is_null(field.type):
            yield field.name, None
        elif pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            if _is_annotation(field.type.value_type):
                yield field.name, _first_kind(column)
            elif pa.types.is_null(field.type.value_type):
                yield field.name, ""


def _is_annotation(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and {field.name for field in kind} >= _NAMES


def _first_kind(column: pa.Array | pa.ChunkedArray) -> str:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    annotations = next((found for chunk in chunks if len(found := chunk.flatten())), None)
    return "" if annotations is None else annotations.field("annotatorType")[0].as_py() or ""


def annotated_columns(frame: Any, kinds: Mapping[str, str]) -> Iterator[tuple[pa.Field, pa.Array | pa.ChunkedArray]]:
    """Yield columns of a frame as annotation columns that say their type.

    Args:
        frame: what has the columns.
        kinds: the type of each that is wanted.

    Raises:
        InputError: if a column holds something else in a row.
    """
    own = frame.schema if frame_kind(frame) == "arrow" else pa.schema([])
    for name, kind in kinds.items():
        reference = annotation_reference(own.field(name)) if name in own.names else ""
        yield annotation_field(name, kind, reference), _annotations(frame, name)


def _annotations(frame: Any, name: str) -> pa.Array | pa.ChunkedArray:
    column, kind = column_of(frame, name), frame_kind(frame)
    if kind == "pandas":
        return _from_cells(name, (cell if there else None for cell, there in zip(column, column.notna(), strict=True)))
    column = column.to_arrow() if kind == "polars" else column
    try:
        return column.cast(ANNOTATIONS)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):  # metadata that is no map
        return _from_cells(name, column.to_pylist())


def _from_cells(name: str, cells: Iterable[Any]) -> pa.Array:
    """Return lists of annotations, None for missing ones, as an annotation column."""
    try:
        return pa.array([None if cell is None else [*map(_entry, cell)] for cell in cells], ANNOTATIONS)
    except (KeyError, TypeError, ValueError):  # Arrow's message quotes a value, which may be a patient's
        msg = f"Column {name!r} holds something else than annotations in a row; give it as a stage has written it."
        raise InputError(msg) from None


def _entry(annotation: Mapping[str, Any]) -> dict[str, Any]:
    """Return an annotation with its metadata as Arrow takes a map."""
    metadata = annotation["metadata"]
    if metadata is None:
        return {**annotation}
    pairs = metadata.items() if isinstance(metadata, Mapping) else map(_pair, metadata)
    return {**annotation, "metadata": [(key, value) for key, value in pairs if value is not None]}


def _pair(pair: Any) -> tuple[str, str | None]:
    return (pair["key"], pair["value"]) if isinstance(pair, Mapping) else tuple(pair)
