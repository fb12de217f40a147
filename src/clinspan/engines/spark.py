"""Spark: a chain of stages as one `mapInArrow`, on classic PySpark, Spark Connect and Sail.

A frame that this module made remembers its source and its stages. Further stages extend that plan, so that a chain
crosses to Python and back once however many stages it has. Models travel by name or folder and are opened once in each
worker process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.engines.base import Finish, whole
from clinspan.engines.cut import cut
from clinspan.engines.local import LocalEngine
from clinspan.persistence import stages_from_json, stages_to_json
from clinspan.schema import ANNOTATIONS, ANNOTATOR_TYPE_KEY, REFERENCE_KEY, annotation_field, annotation_kinds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_PLAN: Final = "_clinspan_plan"
_OPENING: Final = Lock()


def transformed(stages: Sequence[Annotator], frame: DataFrame) -> DataFrame:
    """Return the frame with the columns of the stages added.

    A task uses as many threads as `spark.task.cpus` says, one by default: Spark runs as many tasks at once as
    its executors have cores.

    Args:
        stages: in order.
        frame: of classic PySpark or of Spark Connect; a streaming one too.

    Raises:
        MissingInputError: if a stage reads a column that is not there.
    """
    source, plan = _extended(frame, stages)
    result = _mapped(plan, source, whole)
    setattr(result, _PLAN, (source, plan))
    return result


def finished(stages: Sequence[Annotator], frame: DataFrame, finish: Finish) -> DataFrame:
    """Return what is left of the annotated batches; only that travels back from the workers.

    Args:
        stages: in order.
        frame: as for `transformed`.
        finish: what makes an annotated batch into the rows of the result.
    """
    source, plan = _extended(frame, stages)
    return _mapped(plan, source, finish)


def _extended(frame: DataFrame, stages: Sequence[Annotator]) -> tuple[DataFrame, tuple[Annotator, ...]]:
    """Return the source of a frame that this module made, and its stages with the further ones.

    A frame that classic Spark keeps (`cache`, `persist`) is a source of its own: its stages need not run again.
    """
    kept = vars(frame).get("is_cached", False)
    source, before = (frame, ()) if kept else getattr(frame, _PLAN, (frame, ()))
    return source, (*before, *stages)


def _mapped(plan: Sequence[Annotator], source: DataFrame, finish: Finish) -> DataFrame:
    threads = int(source.sparkSession.conf.get("spark.task.cpus", "1") or 1)
    worker = Worker(stages_to_json(plan), _annotation_fields(source), threads, finish)
    return source.mapInArrow(worker, _schema_after(plan, source, finish))


def kinds_of(frame: DataFrame) -> dict[str, str]:
    """Return the annotation columns of a frame and their types, as the metadata of its schema says."""
    return annotation_kinds(pa.schema(_annotation_fields(frame)))


def _annotation_fields(frame: DataFrame) -> tuple[pa.Field, ...]:
    about = {field.name: field.metadata for field in frame.schema.fields if field.metadata.get(ANNOTATOR_TYPE_KEY)}
    return tuple(
        annotation_field(name, known[ANNOTATOR_TYPE_KEY], known.get(REFERENCE_KEY, "")) for name, known in about.items()
    )


def spark_frame(session: SparkSession, table: pa.Table) -> DataFrame:
    """Return a table as a frame of Spark whose columns say their annotation type."""
    return session.createDataFrame(table.to_pylist(maps_as_pydicts="strict"), _spark_schema(table.schema))


def collected(frame: DataFrame, columns: Iterable[str]) -> pa.Table:
    """Return annotation columns of a frame as an Arrow table."""
    chosen = frame.select(*columns)
    fields = _annotation_fields(chosen)
    if hasattr(chosen, "toArrow"):  # since Spark 4
        return _typed(chosen.toArrow(), fields)
    rows = [{name: _with_pairs(value) for name, value in row.asDict(True).items()} for row in chosen.collect()]
    return pa.Table.from_pylist(rows, pa.schema(fields))


def _with_pairs(annotations: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return annotations with their metadata as Arrow takes maps."""
    return [{**one, "metadata": list((one["metadata"] or {}).items())} for one in annotations or ()]


def _schema_after(plan: Sequence[Annotator], source: DataFrame, finish: Finish) -> StructType:
    """Return the schema after all stages and the finish, found by running them on no rows."""
    from pyspark.sql.pandas.types import to_arrow_schema

    nothing = pa.RecordBatch.from_pylist([], schema=to_arrow_schema(source.schema))
    (after,) = LocalEngine(threads=1).run(plan, [_typed(nothing, _annotation_fields(source))])
    return _spark_schema(finish(after).schema)


def _spark_schema(schema: pa.Schema) -> StructType:
    from pyspark.sql.pandas.types import from_arrow_schema

    found: StructType = from_arrow_schema(schema)
    for name in annotation_kinds(schema):
        known = schema.field(name).metadata
        found[name].metadata = {key.decode(): value.decode() for key, value in known.items()}
    return found


@dataclass(frozen=True)
class Worker:
    """What a worker process runs on its batches; it travels as plain values.

    Attributes:
        plan: the stages as text.
        fields: the annotation columns of the source.
        threads: how many to use.
        finish: what makes an annotated batch into the rows of the result.
    """

    plan: str
    fields: tuple[pa.Field, ...]
    threads: int
    finish: Finish

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches annotated and finished."""
        with _OPENING:  # tasks that are threads of one process open a plan once, too
            stages = opened(self.plan)
        parts = (part for batch in batches for part in _cut(_typed(batch, self.fields), stages))
        for annotated in LocalEngine(self.threads).run(stages, parts):
            result = self.finish(annotated)
            yield from result.to_batches() if isinstance(result, pa.Table) else [result]


@lru_cache(maxsize=4)
def opened(plan: str) -> tuple[Annotator, ...]:
    """Open the models of a plan, once in a process."""
    return fused(stages_from_json(plan))


def _typed(batch: pa.RecordBatch | pa.Table, fields: Iterable[pa.Field]) -> Any:
    """Return a batch or a table with its annotation columns in their type, and saying it."""
    for field in fields:
        at = batch.schema.get_field_index(field.name)
        batch = batch.set_column(at, field, batch.column(at).cast(ANNOTATIONS))
    return batch


def _cut(batch: pa.RecordBatch, stages: Sequence[Annotator]) -> Iterator[pa.RecordBatch]:
    """Cut a batch by characters, so that memory is bounded by them and not by the number of rows."""
    column = next((stage.input_col for stage in stages if isinstance(stage, DocumentAssembler)), None)
    if column is None or not pa.types.is_string(batch.schema.field(column).type):
        yield batch
        return
    yield from cut(batch, pc.fill_null(pc.binary_length(batch.column(column)), 0).to_numpy(zero_copy_only=False))
