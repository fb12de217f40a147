"""Running annotators on a frame of any kind, whether it holds texts or annotation columns already.

Only the columns that the stages read leave a local frame; those they do not change stay the very ones it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.codepoints import Ints
from clinspan.compat.annotated import annotated_columns, kinds_of
from clinspan.compat.wiring import Wiring, wired
from clinspan.engines.cut import cut
from clinspan.engines.local import LocalEngine
from clinspan.frames import arrow_columns, frame_kind, is_spark_frame, listed, names_of, rows_of, with_columns
from clinspan.pipeline import Pipeline
from clinspan.rows import ROW
from clinspan.schema import DOCUMENT, Annotations, annotation_kinds, starts_of


def transformed(stages: Sequence[Annotator], frame: Any, uids: Sequence[str] = ()) -> Any:
    """Return the frame, of its own kind, after all stages.

    Args:
        stages: in order.
        frame: list of texts, pandas, Polars or Spark frame, or Arrow table.
        uids: what messages call the stages; by default their names.

    Raises:
        InputColsError: if a stage does not find its columns.
        InputError: if a column that is read holds something else than annotations.
    """
    if not stages:
        return frame
    if is_spark_frame(frame):
        from clinspan.engines import spark

        wired(stages, spark.kinds_of(frame), frame.columns, uids)
        return spark.transformed(stages, frame)
    frame = listed(frame)
    wiring = wired(stages, kinds_of(frame), names_of(frame), uids)
    if isinstance(stages[0], DocumentAssembler) and not wiring.read:
        return Pipeline(stages).transform(_without(frame, wiring.dropped))
    return _annotated(stages, frame, wiring)


def annotation_columns(
    frame: Any, choose: Callable[[Mapping[str, str]], dict[str, str]]
) -> tuple[pa.Table, dict[str, str]]:
    """Return annotation columns of a frame of any kind as an Arrow table, and which of them is of which type.

    Args:
        frame: what has the columns.
        choose: picks a column for each type, given all columns and their types.

    Raises:
        InputError: if a column holds something else than annotations in a row.
    """
    if is_spark_frame(frame):
        from clinspan.engines import spark

        names = choose(spark.kinds_of(frame))
        return spark.collected(frame, names.values()), names
    names = choose({name: kind for name, kind in kinds_of(frame).items() if kind is not None})
    return _table(annotated_columns(frame, {name: kind for kind, name in names.items()})), names


def _annotated(stages: Sequence[Annotator], frame: Any, wiring: Wiring) -> Any:
    before = _read(stages, frame, wiring.read)
    after = pa.Table.from_batches(LocalEngine().run(fused(stages), _parts(before)))
    if not after.column(ROW).equals(before.column(ROW)):
        frame = rows_of(frame, after.column(ROW).to_numpy())
    changed = {field.name: field for field in after.schema if field.name != ROW and _is_changed(field, before, after)}
    return with_columns(_without(frame, wiring.dropped), changed, after.to_batches())


def _read(stages: Sequence[Annotator], frame: Any, kinds: Mapping[str, str]) -> pa.Table:
    """Return the columns of a frame that the stages read, with the numbers of its rows."""
    plain = (name for stage in stages if isinstance(stage, DocumentAssembler) for name in stage.columns_read)
    beside = {**arrow_columns(frame, plain), ROW: pa.array(np.arange(len(frame)))}
    return _table([*annotated_columns(frame, kinds), *((pa.field(n, c.type), c) for n, c in beside.items())])


def _table(columns: Iterable[tuple[pa.Field, Any]]) -> pa.Table:
    fields, arrays = zip(*columns, strict=True)
    return pa.table(list(arrays), pa.schema(list(fields)))


def _parts(table: pa.Table) -> Iterator[pa.RecordBatch]:
    for batch in table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]:
        yield from cut(batch, _characters(batch))


def _characters(batch: pa.RecordBatch) -> Ints:
    """Return how much text the documents of each row have, or else the annotations of the first column."""
    kinds = annotation_kinds(batch.schema)
    name = next((name for name, kind in kinds.items() if kind == DOCUMENT), next(iter(kinds), None))
    if name is None:
        return np.zeros(batch.num_rows, dtype=np.int64)
    annotations = Annotations.from_column(batch.column(name))
    lengths = pc.fill_null(pc.binary_length(annotations.results), 0)
    sizes: Ints = np.diff(starts_of(lengths.to_numpy(zero_copy_only=False))[annotations.row_starts])
    return sizes


def _is_changed(field: pa.Field, before: pa.Table, after: pa.Table) -> bool:
    if field.name not in before.schema.names:
        return True
    same = before.schema.field(field.name).equals(field, check_metadata=True)
    return not same or not before.column(field.name).equals(after.column(field.name))


def _without(frame: Any, names: frozenset[str]) -> Any:
    """Return a frame without some columns, if it has them."""
    kind = frame_kind(frame)
    if kind == "list" or names.isdisjoint(names_of(frame)):
        return frame
    if kind == "pandas":
        return frame[[name for name in frame.columns if str(name) not in names]]
    return frame.select([name for name in names_of(frame) if name not in names])
