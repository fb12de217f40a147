"""Finisher: from annotation columns to plain ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from clinspan.annotators.base import Annotator, column_names
from clinspan.exceptions import ColumnTypeError, InputError, MissingColumnError
from clinspan.schema import Annotations, annotation_kinds

_STRINGS = pa.list_(pa.string())
_PAIRS = pa.list_(pa.struct([pa.field("_1", pa.string()), pa.field("_2", pa.string())]))


@dataclass(frozen=True, kw_only=True)
class Finisher(Annotator):
    """Write the results of annotation columns as lists of strings, or as one string each.

    Attributes:
        input_cols: annotation columns of any type.
        output_cols: columns to write; `finished_<input>` by default.
        value_split_symbol: between the parts of one annotation, in the string form.
        annotation_split_symbol: between annotations, in the string form.
        clean_annotations: drop every annotation column of the frame.
        include_metadata: list form: add a column `<output>_metadata` of (key, value) pairs; string form:
            spell the metadata before each result.
        output_as_array: lists of strings (True) or strings.

    Raises:
        InputError: if there are not as many output columns as input columns.
    """

    output_type: ClassVar[str] = ""

    output_cols: tuple[str, ...] = ()
    value_split_symbol: str = "#"
    annotation_split_symbol: str = "@"
    clean_annotations: bool = True
    include_metadata: bool = False
    output_as_array: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        names = column_names(self.output_cols) or tuple(f"finished_{name}" for name in self.input_cols)
        if len(names) != len(self.input_cols):
            msg = f"Finisher has {len(self.input_cols)} input_cols and {len(names)} output_cols; give as many."
            raise InputError(msg)
        object.__setattr__(self, "output_cols", names)

    def inputs(self, available: Mapping[str, str]) -> dict[str, str]:
        """Check that every input is an annotation column.

        Raises:
            MissingColumnError: if one is absent.
        """
        for name in self.input_cols:
            if name not in available:
                raise MissingColumnError.from_name(name, available, argument="input_cols")
        return {}

    def outputs(self) -> Mapping[str, str]:
        """Return nothing: the columns written hold no annotations."""
        return {}

    def columns_after(self, available: Mapping[str, str]) -> dict[str, str]:
        """Return nothing where the annotation columns are dropped."""
        return {} if self.clean_annotations else dict(available)

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the finished columns and, with `clean_annotations`, drop all annotation columns.

        Raises:
            MissingColumnError: if an input column is absent.
            ColumnTypeError: if it holds no annotations.
        """
        kinds = annotation_kinds(batch.schema)
        added: dict[str, pa.Array] = {}
        for name, output in zip(self.input_cols, self.output_cols, strict=True):
            if name not in batch.schema.names:
                raise MissingColumnError.from_name(name, batch.schema.names, argument="input_cols")
            if name not in kinds:
                raise ColumnTypeError.from_type(name, "no annotations")
            added |= self._finished(output, batch.column(name))
        dropped = set(kinds) if self.clean_annotations else set()
        kept = {name: batch.column(name) for name in batch.schema.names if name not in dropped}
        fields = [batch.schema.field(name) for name in kept if name not in added]
        fields += [pa.field(name, column.type) for name, column in added.items()]
        return pa.RecordBatch.from_arrays([({**kept, **added})[f.name] for f in fields], schema=pa.schema(fields))

    def _finished(self, output: str, column: pa.ListArray) -> dict[str, pa.Array]:
        annotations = Annotations.from_column(column)
        row_starts = pa.array(annotations.row_starts, pa.int32())
        if not self.output_as_array:
            return {output: pa.array([self._spelled(row) for row in column.to_pylist()], pa.string())}
        finished = {output: pa.ListArray.from_arrays(row_starts, annotations.results).cast(_STRINGS)}
        if self.include_metadata:
            rows = [[pair for a in row or () for pair in a["metadata"]] for row in column.to_pylist()]
            finished[f"{output}_metadata"] = pa.array(rows, _PAIRS)
        return finished

    def _spelled(self, row: list[dict[str, Any]] | None) -> str:
        return self.annotation_split_symbol.join(map(self._spelled_one, row or ()))

    def _spelled_one(self, annotation: dict[str, Any]) -> str:
        if not self.include_metadata:
            return str(annotation["result"])
        pairs = [*annotation["metadata"], ("result", annotation["result"])]
        return self.value_split_symbol.join(f"{key}->{value}" for key, value in pairs)
