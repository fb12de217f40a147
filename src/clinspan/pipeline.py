"""Pipeline: stages in order, checked when it is built, fused when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.fusion import fused
from clinspan.engines.base import Engine
from clinspan.engines.local import LocalEngine
from clinspan.frames import arrow_columns, is_spark_frame, listed, rows_of, text_values, with_columns
from clinspan.persistence import load_stages, save_stages
from clinspan.rows import ROW, blanked, warn_of_rows
from clinspan.texts import TEXT, TextSource, holds_lists, no_texts


@dataclass(frozen=True)
class Pipeline:
    """A chain of annotators.

    Attributes:
        stages: the annotators; each reads columns that the ones before it write.
        engine: who runs them; threads on this machine by default.

    Raises:
        MissingInputError: when built, if a stage reads a column that no earlier stage writes.
    """

    stages: Sequence[Annotator]
    engine: Engine = field(default_factory=LocalEngine)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple(self.stages))
        check_stages(self.stages)

    def plan(self) -> tuple[Annotator, ...]:
        """Return the stages to run: classifiers on one graph with the same inputs become one stage."""
        return fused(self._working)

    def run(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Annotate a stream of batches, in order and in bounded memory."""
        return self.engine.run(self.plan(), batches)

    def transform(self, frame: Any, *, text_col: str | None = None) -> Any:
        """Return the frame, of its own kind, with the columns of all stages added.

        A stage that makes several rows of one, as one that explodes sentences does, repeats the row's other columns.

        Args:
            frame: list of texts, pandas, Polars or Spark frame, or Arrow table.
            text_col: the text column, of texts or of lists of texts; by default the one the assembler reads.

        Raises:
            MissingColumnError: if there is no such column, or none of the others that an assembler reads.
            ColumnTypeError: if it does not hold text.

        Warns:
            RowWarning: naming rows that could not be annotated; their new columns are null.
        """
        if is_spark_frame(frame):
            from clinspan.engines import spark

            return spark.transformed(self.reading(text_col or self.text_col)._working, frame)
        frame = listed(frame)
        values = text_values(frame, text_col or self.text_col)
        source = TextSource(values, nested=holds_lists(values))
        beside = arrow_columns(frame, self._columns_beside_text, "id_col or metadata_col of the assembler")
        batches = list(self.run(_named(source.batches(), self.text_col, beside)))
        if not batches:
            batches = list(self.run(_named([no_texts()], self.text_col, beside)))
        warn_of_rows(source.errors)
        schema = batches[0].schema
        added = [name for name in schema.names if name not in {self.text_col, ROW, *beside}]
        columns = {name: schema.field(name) for name in added}
        return with_columns(_rows_after(frame, batches, source.rows), columns, blanked(batches, source.errors, added))

    def reading(self, text_col: str) -> Pipeline:
        """Return the pipeline with its first assembler, and others of the same column, reading another column."""
        return replace(self, stages=[_reading(stage, self.text_col, text_col) for stage in self.stages])

    def renamed(self, rename: Callable[[str], str]) -> Pipeline:
        """Return the pipeline with other names for its annotation columns.

        Args:
            rename: gives the new name of a column; its stages write one column each.
        """
        return replace(self, stages=[_renamed(stage, rename) for stage in self.stages])

    @property
    def text_col(self) -> str:
        """The column that the first assembler reads."""
        found = (stage.input_col for stage in self.stages if isinstance(stage, DocumentAssembler))
        return next(found, TEXT)

    @property
    def _working(self) -> list[Annotator]:
        return [stage for stage in self.stages if not _lazy(stage)]

    @property
    def _columns_beside_text(self) -> list[str]:
        """The other plain columns that assemblers read, such as ids."""
        read = (name for s in self.stages if isinstance(s, DocumentAssembler) for name in s.columns_read)
        return [name for name in dict.fromkeys(read) if name != self.text_col]

    def save(self, folder: Path | str) -> None:
        """Write the pipeline as a folder: `metadata.json` and one folder a stage, models included.

        Raises:
            OutputError: if anything but a saved pipeline is there, or it cannot be written.
        """
        save_stages(self.stages, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> Pipeline:
        """Read a folder that `save` wrote.

        Raises:
            UnsupportedModelError: if the folder is no saved pipeline.
        """
        return cls(load_stages(Path(folder)))


def check_stages(stages: Sequence[Annotator]) -> Mapping[str, str]:
    """Check that each stage finds its inputs, and return the annotation columns at the end.

    Raises:
        MissingInputError: naming the stage that does not.
    """
    available: dict[str, str] = {}
    for stage in stages:
        stage.inputs(available)
        if not _lazy(stage):
            available = stage.columns_after(available)
    return available


def _lazy(stage: Annotator) -> bool:
    return bool(getattr(stage, "lazy_annotator", False))


def _reading(stage: Annotator, name: str, text_col: str) -> Annotator:
    """Return an assembler of the column `name` as one of `text_col`, any other stage as it is."""
    if isinstance(stage, DocumentAssembler) and stage.input_col == name:
        return replace(stage, input_col=text_col)
    return stage


def _renamed(stage: Annotator, rename: Callable[[str], str]) -> Annotator:
    return replace(stage, input_cols=tuple(map(rename, stage.input_cols)), output_col=rename(stage.output_col))


def _named(
    batches: Iterable[pa.RecordBatch], text_col: str, beside: Mapping[str, pa.Array]
) -> Iterator[pa.RecordBatch]:
    """Yield batches of texts under the name that the stages read, with their rows of the columns beside."""
    first = 0
    for batch in batches:
        columns = [*batch.columns, *(column.slice(first, batch.num_rows) for column in beside.values())]
        yield pa.RecordBatch.from_arrays(columns, names=[text_col, ROW, *beside])
        first += batch.num_rows


def _rows_after(frame: Any, batches: Iterable[pa.RecordBatch], count: int) -> Any:
    """Return the frame with the rows that the batches hold; the frame itself if they are all of it in order."""
    rows = np.concatenate([batch.column(ROW) for batch in batches])
    return frame if np.array_equal(rows, np.arange(count)) else rows_of(frame, rows)
