"""Spark: a chain of stages as one `mapInArrow`, on classic PySpark, Spark Connect and Sail.

A frame that this module made remembers its source and its stages. Further stages extend that plan, so that a chain
crosses to Python and back once however many stages it has. Models travel by name or folder and are opened once in each
worker process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator
from clinspan.annotators.chunk_merge import SOURCE_KEY
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.engines.local import LocalEngine
from clinspan.frames import BATCH_CHARACTERS
from clinspan.persistence import stages_from_json, stages_to_json
from clinspan.schema import ANNOTATIONS, ANNOTATOR_TYPE_KEY, annotation_field, annotation_kinds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
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
    source, before = getattr(frame, _PLAN, (frame, ()))
    plan = (*before, *stages)
    threads = int(frame.sparkSession.conf.get("spark.task.cpus", "1"))
    worker = Worker(stages_to_json(plan), tuple(kinds_of(source).items()), threads)
    result: DataFrame = source.mapInArrow(worker, _schema_after(plan, source))
    setattr(result, _PLAN, (source, plan))
    return result


def long_frame(frame: DataFrame, id_col: str, chunk_col: str, models: Mapping[str, str]) -> DataFrame:
    """Return the long table of a chunk column: one row per entity, with the columns of `EntityRecognizer.entities`.

    Args:
        frame: annotated.
        id_col: column that identifies rows.
        chunk_col: column of chunks.
        models: the chunk columns they came from, as `ChunkMerge` notes them, and the models' names; of one alone
            nothing is noted.
    """
    from pyspark.sql import functions as sql

    rows = frame.select(frame[id_col], sql.explode(chunk_col).alias("chunk"))
    chunk, metadata = rows["chunk"], rows["chunk"]["metadata"]
    names = [sql.when(metadata[SOURCE_KEY] == column, sql.lit(name)) for column, name in models.items()]
    return rows.select(
        rows[id_col],
        chunk["begin"].cast("long").alias("start"),
        (chunk["end"] + 1).cast("long").alias("end"),
        chunk["result"].alias("text"),
        metadata["entity"].alias("label"),
        metadata["confidence"].cast("float").alias("confidence"),
        metadata["sentence"].cast("long").alias("sentence"),
        (sql.coalesce(*names) if len(models) > 1 else sql.lit(*models.values())).alias("model"),
    )


def kinds_of(frame: DataFrame) -> dict[str, str]:
    """Return the annotation columns of a frame and their types, as the metadata of its schema says."""
    found = {field.name: field.metadata.get(ANNOTATOR_TYPE_KEY) for field in frame.schema.fields}
    return {name: kind for name, kind in found.items() if kind}


def _schema_after(plan: Sequence[Annotator], source: DataFrame) -> StructType:
    """Return the schema after all stages, found by running them on no rows."""
    from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

    nothing = pa.RecordBatch.from_pylist([], schema=to_arrow_schema(source.schema))
    (after,) = LocalEngine(threads=1).run(plan, [_with_kinds(nothing, kinds_of(source))])
    schema = from_arrow_schema(after.schema)
    for name, kind in annotation_kinds(after.schema).items():
        schema[name].metadata = {ANNOTATOR_TYPE_KEY: kind}
    return schema


@dataclass(frozen=True)
class Worker:
    """What a worker process runs on its batches; it travels as plain values.

    Attributes:
        plan: the stages as text.
        kinds: the annotation columns of the source and their types.
        threads: how many to use.
    """

    plan: str
    kinds: tuple[tuple[str, str], ...]
    threads: int

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches annotated."""
        with _OPENING:  # tasks that are threads of one process open a plan once, too
            stages = opened(self.plan)
        parts = (part for batch in batches for part in _cut(_with_kinds(batch, dict(self.kinds)), stages))
        yield from LocalEngine(self.threads).run(stages, parts)


@lru_cache(maxsize=4)
def opened(plan: str) -> tuple[Annotator, ...]:
    """Open the models of a plan, once in a process."""
    return fused(stages_from_json(plan))


def _with_kinds(batch: pa.RecordBatch, kinds: Mapping[str, str]) -> pa.RecordBatch:
    """Return the batch with its annotation columns in their type, and saying it."""
    for name, kind in kinds.items():
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, annotation_field(name, kind), batch.column(at).cast(ANNOTATIONS))
    return batch


def _cut(batch: pa.RecordBatch, stages: Sequence[Annotator]) -> Iterator[pa.RecordBatch]:
    """Cut a batch by characters, so that memory is bounded by them and not by the number of rows."""
    column = next((stage.input_col for stage in stages if isinstance(stage, DocumentAssembler)), None)
    if column is None or not pa.types.is_string(batch.schema.field(column).type):
        yield batch
        return
    sizes = np.cumsum(pc.fill_null(pc.binary_length(batch.column(column)), 0).to_numpy(zero_copy_only=False))
    cuts = np.flatnonzero(np.diff(sizes // BATCH_CHARACTERS)) + 1
    for start, stop in zip([0, *cuts], [*cuts, batch.num_rows], strict=True):
        yield batch.slice(start, stop - start)
