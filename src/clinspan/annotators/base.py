"""What an annotator is.

An annotator is a pure function from an Arrow RecordBatch to the same batch with one more annotation
column. It is a frozen dataclass: complete once constructed, comparable, and its fields are its parameters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Final

import pyarrow as pa

from clinspan.exceptions import InputError, MissingInputError
from clinspan.schema import annotation_kinds

_TEXTS: Final = "tuple[str, ...]"  # as annotations spell it


@dataclass(frozen=True, kw_only=True)
class Annotator(ABC):
    """Base of all annotators.

    Attributes:
        input_cols: annotation columns to read, in any order; they are told apart by their type.
        output_col: column to write.
    """

    input_types: ClassVar[tuple[str, ...]] = ()
    optional_types: ClassVar[tuple[str, ...]] = ()
    output_type: ClassVar[str] = ""

    input_cols: tuple[str, ...] = ()
    output_col: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_cols", column_names(self.input_cols))
        for name in (f.name for f in fields(self) if f.type == _TEXTS and not f.name.endswith("_cols")):
            object.__setattr__(self, name, list_of_texts(name, getattr(self, name)))

    @abstractmethod
    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return `batch` plus one annotation column; the other columns are untouched."""

    @property
    def name(self) -> str:
        """The class name, for messages."""
        return type(self).__name__

    def outputs(self) -> Mapping[str, str]:
        """Return the columns this stage writes and their annotation types."""
        return {self.output_col: self.output_type}

    def columns_after(self, available: Mapping[str, str]) -> dict[str, str]:
        """Return the annotation columns that a later stage finds, given those that this one does."""
        return {**available, **self.outputs()}

    def inputs(self, available: Mapping[str, str]) -> dict[str, str]:
        """Match input columns to annotation types.

        Args:
            available: annotation columns and their types.

        Returns:
            The column to read for each type.

        Raises:
            MissingInputError: if a column or a required type is missing.
        """
        return columns_by_type(self.name, self.input_cols, self.input_types, available, self.optional_types)

    def column(self, batch: pa.RecordBatch, kind: str) -> pa.ListArray | None:
        """Return the input column of an annotation type, None where an optional one is not given."""
        name = self.inputs(annotation_kinds(batch.schema)).get(kind)
        return None if name is None else batch.column(name)


def columns_by_type(
    stage: str,
    columns: Sequence[str],
    wanted: Sequence[str],
    available: Mapping[str, str],
    optional: Sequence[str] = (),
) -> dict[str, str]:
    """Match columns to annotation types.

    Args:
        stage: who reads them, for messages.
        columns: their names, in any order.
        wanted: the types needed.
        available: annotation columns and their types.
        optional: further types to match.

    Returns:
        The column of each type, the first of several.

    Raises:
        MissingInputError: if a column or a type that is needed is missing.
    """
    found: dict[str, str] = {}
    for column in columns:
        kind = available.get(column)
        if kind in (*wanted, *optional):
            found.setdefault(kind, column)
    absent = [c for c in columns if c not in available]
    lacking = [kind for kind in wanted if kind not in found]
    if absent or lacking:
        missing = [f"column {c!r}" for c in absent] or [f"a column of type {kind!r}" for kind in lacking]
        raise MissingInputError.from_stage(stage, missing, available)
    return found


def column_names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Return column names as a tuple; a single name may be given as it is."""
    return (given,) if isinstance(given, str) else tuple(given)


def list_of_texts(name: str, given: Iterable[str] | None) -> tuple[str, ...]:
    """Return the value of a parameter that is a list; None is an empty one.

    Raises:
        TypeError: if it is a text, which would be taken apart into its characters.
    """
    if isinstance(given, str):
        msg = f"{name} is a list of texts, not a text; write [{given!r}]."
        raise TypeError(msg)
    return tuple(given or ())


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Refuse a parameter value that is not among the choices.

    Raises:
        InputError: naming them.
    """
    if value not in choices:
        msg = f"{name} is {value!r}; possible values: {', '.join(choices)}."
        raise InputError(msg)
