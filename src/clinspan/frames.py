"""Frames in and out: lists, pandas, Polars and Arrow, at the edge only.

Only the text column of a frame is converted; the other columns stay untouched in the frame they came
in. Libraries are looked up in `sys.modules`, never imported: whoever has a pandas frame has pandas.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Ints
from clinspan.exceptions import TEXT_COL, ColumnTypeError, InputError, MissingColumnError
from clinspan.texts import TEXT, is_text, python_values, text_column


def text_values(frame: Any, text_col: str) -> Iterable[Any]:
    """Return the texts of a list, data frame or table.

    Raises:
        MissingColumnError: if the frame has no such column.
        ColumnTypeError: if the column holds numbers or other things.
        InputError: if the frame is of no known kind.
    """
    if isinstance(frame, str | bytes):
        return [frame]
    kind = frame_kind(frame)
    if kind == "list":
        return frame
    column = column_of(frame, text_col)
    _check_type(text_col, column)
    return python_values(column) if kind == "arrow" else column.to_list()


def names_of(frame: Any) -> list[str]:
    """Return the columns of a frame, a Spark one too; a list has its texts alone."""
    if is_spark_frame(frame):
        return list(frame.columns)
    kind = frame_kind(frame)
    return [TEXT] if kind == "list" else list(map(str, frame.schema.names if kind == "arrow" else frame.columns))


def column_of(frame: Any, name: str, argument: str = TEXT_COL) -> Any:
    """Return a column of a data frame or table, of its own kind.

    Args:
        frame: of any kind.
        name: of the column.
        argument: what names another column, for messages.

    Raises:
        MissingColumnError: if there is none of that name; a list has none but its texts.
        InputError: if there are several.
    """
    kind, names = frame_kind(frame), names_of(frame)
    if kind == "list":
        raise MissingColumnError.from_name(name, names, argument=argument)
    at = place_of(name, names, argument)
    return frame.iloc[:, at] if kind == "pandas" else frame.to_series(at) if kind == "polars" else frame.column(at)


def place_of(name: str, names: Sequence[str], argument: str = TEXT_COL) -> int:
    """Return where a column stands among all.

    Raises:
        MissingColumnError: if there is none of that name.
        InputError: if there are several.
    """
    if name not in names:
        raise MissingColumnError.from_name(name, names, argument=argument)
    if (count := names.count(name)) > 1:
        msg = f"{count} columns are called {name!r}; rename all but one."
        raise InputError(msg)
    return names.index(name)


def arrow_columns(frame: Any, names: Iterable[str], argument: str = TEXT_COL) -> dict[str, pa.Array]:
    """Return columns of a frame as Arrow arrays.

    Raises:
        MissingColumnError: if the frame has no such column.
        ColumnTypeError: if a column holds values of kinds that do not go together.
    """
    return {name: _as_arrow(name, column_of(frame, name, argument)) for name in names}


def _as_arrow(name: str, column: Any) -> pa.Array:
    if hasattr(column, "to_arrow"):  # of Polars
        column = column.to_arrow()
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        try:
            column = pa.array(column, from_pandas=True)
        except (pa.ArrowException, UnicodeError, OverflowError):  # they quote a value, which may be a patient's
            msg = f"Column {name!r} holds values of several kinds, or no clean text; convert it to one, such as text."
            raise ColumnTypeError(msg) from None
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def numbered(names: Iterable[str]) -> list[str]:
    """Return names that differ, for columns: one that is taken gets the next free number, as in `ner_2`."""
    found: list[str] = []
    for name in names:
        free = (spelled for spelled in chain([name], (f"{name}_{n}" for n in count(2))) if spelled not in found)
        found.append(next(free))
    return found


def only(frame: Any, names: Sequence[str]) -> Any:
    """Return some columns of a data frame or table, a Spark one too, in that order."""
    return frame.select(list(names)) if is_spark_frame(frame) or frame_kind(frame) != "pandas" else frame[list(names)]


def rows_of(frame: Any, rows: Ints) -> Any:
    """Return rows of a frame by their numbers, perhaps several times or not at all, as a frame of its kind."""
    kind = frame_kind(frame)
    if kind == "list":
        values = [*frame]
        return [values[row] for row in rows]
    return frame.iloc[rows] if kind == "pandas" else frame[rows] if kind == "polars" else frame.take(pa.array(rows))


def listed(frame: Any) -> Any:
    """Return the frame; a lone text or an iterator becomes a list, which can be read twice."""
    if isinstance(frame, str | bytes):
        return [frame]
    return list(frame) if isinstance(frame, Iterator) else frame


def _check_type(name: str, column: Any) -> None:
    kind = _as_arrow(name, column[:0]).type  # null for objects of any kind: each is looked at on its own
    if not is_text(kind, lists=True) and len(column) and not _all_missing(column):
        raise ColumnTypeError.from_type(name, getattr(column, "dtype", kind))


def _all_missing(column: Any) -> bool:
    return bool(column.null_count == len(column)) if hasattr(column, "null_count") else bool(column.isna().all())


def frame_kind(frame: Any) -> str:
    """Return `list`, `pandas`, `polars` or `arrow`.

    Raises:
        InputError: for anything else.
    """
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return "arrow"
    for name in ("pandas", "polars"):
        module = sys.modules.get(name)
        if module is not None and isinstance(frame, module.DataFrame):
            return name
    if isinstance(frame, Iterable) and not isinstance(frame, Mapping):
        return "list"
    msg = f"Cannot read texts from {type(frame).__name__}; give a list, a pandas or Polars frame, or an Arrow table."
    raise InputError(msg)


def is_spark_frame(frame: Any) -> bool:
    """Whether a frame is one of Spark's, told without importing Spark."""
    return type(frame).__module__.startswith("pyspark.sql") and hasattr(frame, "mapInArrow")


def with_columns(frame: Any, columns: Mapping[str, pa.Field], batches: Sequence[pa.RecordBatch]) -> Any:
    """Return the frame, of its own kind, with columns of the batches added or replaced.

    Args:
        frame: what `text_values` was given; a list becomes an Arrow table with the column `text`.
        columns: fields of the columns to add, by name.
        batches: annotated batches that cover the frame's rows in order.
    """
    schema = pa.schema(list(columns.values()))
    table = pa.Table.from_batches([batch.select(list(columns)).cast(schema) for batch in batches], schema)
    kind = frame_kind(frame)
    if kind == "pandas":
        values = {name: _objects(table.column(name)) for name in columns}
        return frame.assign(**values)
    if kind == "polars":
        polars = sys.modules["polars"]
        return frame.with_columns(polars.from_arrow(_without_maps(table)).get_columns())
    if kind == "list":
        return _appended(pa.table({TEXT: text_column(frame)}), table)
    if isinstance(frame, pa.RecordBatch):
        whole = _appended(pa.Table.from_batches([frame]), table).combine_chunks()
        return (whole.to_batches() or [pa.RecordBatch.from_pylist([], schema=whole.schema)])[0]
    return _appended(frame, table)


def _appended(frame: pa.Table, added: pa.Table) -> pa.Table:
    for column_field, column in zip(added.schema, added.columns, strict=True):
        at = frame.schema.get_field_index(column_field.name)
        frame = frame.set_column(at, column_field, column) if at >= 0 else frame.append_column(column_field, column)
    return frame


def _objects(column: pa.ChunkedArray) -> Any:
    """Return lists of dictionaries, as Spark's `toPandas` would give rows."""
    values = np.empty(len(column), dtype=object)
    values[:] = column.to_pylist(maps_as_pydicts="strict")
    return values


def _without_maps(table: pa.Table) -> pa.Table:
    """Polars has no maps; it gets their Arrow layout, lists of (key, value) pairs."""
    for i, column_field in enumerate(table.schema):
        plain = _plain(column_field.type)
        if plain != column_field.type:
            table = table.set_column(i, column_field.name, _cast_plain(table.column(i), plain))
    return table


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_map(kind):
        return pa.list_(pa.struct([pa.field("key", kind.key_type), pa.field("value", kind.item_type)]))
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(f.name, _plain(f.type)) for f in kind])
    return kind


def _cast_plain(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([_rebuilt(chunk, kind) for chunk in column.chunks], kind)


def _rebuilt(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Lay a nested array out anew with maps as lists."""
    if array.type == kind:
        return array
    if pa.types.is_struct(kind):
        fields = [_rebuilt(array.field(i), f.type) for i, f in enumerate(kind)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=pc.is_null(array))
    if pa.types.is_map(array.type):
        pairs = pa.StructArray.from_arrays([array.keys, array.items], fields=list(kind.value_type))
        return pa.ListArray.from_arrays(array.offsets, pairs, type=kind)
    mask = pc.is_null(array) if array.null_count else None
    return pa.ListArray.from_arrays(array.offsets, _rebuilt(array.values, kind.value_type), type=kind, mask=mask)
