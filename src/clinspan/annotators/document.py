"""DocumentAssembler: from a text column to `document` annotations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator, check_choice
from clinspan.codepoints import Ints
from clinspan.exceptions import ColumnTypeError, MissingColumnError
from clinspan.schema import DOCUMENT, annotation_column, index_strings, starts_of, with_annotations

# Java's \s and trim(), which the cleanup modes are defined with
_SPACE: Final = r"[ \t\n\x0b\f\r]"
_BLANKS: Final = "".join(map(chr, range(33)))
_SPELLED: Final = r"(?:\\r\\n|\\n|\\t)"

CLEANUPS: Final[dict[str, Callable[[str], str]]] = {
    "disabled": lambda text: text,
    "inplace": lambda text: re.sub(_SPACE, " ", text),
    "inplace_full": lambda text: re.sub(f"{_SPELLED}|{_SPACE}", " ", text),
    "shrink": lambda text: re.sub(f"{_SPACE}+", " ", text.strip(_BLANKS)),
    "shrink_full": lambda text: re.sub(f"(?:{_SPELLED})+|{_SPACE}+", " ", text.strip(_BLANKS)),
    "each": lambda text: re.sub(rf"{_SPACE}[\n\t]", " ", text),
    "each_full": lambda text: re.sub(rf"{_SPACE}(?:[\n\t]|{_SPELLED})", " ", text),
    "delete_full": lambda text: re.sub(_SPELLED, "", text.strip(_BLANKS)),
}


@dataclass(frozen=True, kw_only=True)
class DocumentAssembler(Annotator):
    """Turn a text column into documents; null and empty text give one empty document (0, -1).

    Attributes:
        input_col: column of strings, or of lists of strings (one document each).
        cleanup_mode: one of `CLEANUPS`; offsets then count characters of the cleaned text.
        id_col: column copied into the metadata key `id`.
        metadata_col: column of maps from strings to strings, or of dictionaries, copied into the metadata.

    Raises:
        InputError: if the clean-up mode is unknown.
    """

    output_type: ClassVar[str] = DOCUMENT

    input_col: str = "text"
    output_col: str = "document"
    cleanup_mode: str = "disabled"
    id_col: str | None = None
    metadata_col: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "cleanup_mode", self.cleanup_mode.strip().lower())
        check_choice("cleanup_mode", self.cleanup_mode, list(CLEANUPS))

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The plain columns it reads."""
        return tuple(name for name in (self.input_col, self.id_col, self.metadata_col) if name)

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `document` column.

        Raises:
            MissingColumnError: if the text, id or metadata column is absent.
            ColumnTypeError: if the text column holds something else, or ids or metadata cannot be spelled as text.
        """
        texts, row_starts = self._texts(_existing(batch, self.input_col))
        count = len(texts)
        lengths = pc.utf8_length(texts).to_numpy(zero_copy_only=False).astype(np.int64)
        rows = np.repeat(np.arange(len(row_starts) - 1), np.diff(row_starts))
        metadata = self._metadata(batch, rows, np.arange(count) - row_starts[rows])
        column = annotation_column(DOCUMENT, row_starts, np.zeros(count, np.int64), lengths, texts, metadata)
        return with_annotations(batch, self.output_col, DOCUMENT, column)

    def _texts(self, column: pa.Array) -> tuple[pa.StringArray, Ints]:
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            row_starts = starts_of(pc.fill_null(column.value_lengths(), 0).to_numpy())
            column = column.flatten()
        else:
            row_starts = np.arange(len(column) + 1)
        if pa.types.is_null(column.type) or pa.types.is_string(column.type) or _is_wide_string(column.type):
            texts = pc.fill_null(column.cast(pa.string()), "")
        else:
            raise ColumnTypeError.from_type(self.input_col, column.type)
        if self.cleanup_mode != "disabled":
            texts = pa.array(map(CLEANUPS[self.cleanup_mode], texts.to_pylist()), pa.string())
        return texts, row_starts

    def _metadata(self, batch: pa.RecordBatch, rows: Ints, elements: Ints) -> dict[str, pa.StringArray]:
        metadata = {}
        if self.metadata_col:
            metadata = _entries(_existing(batch, self.metadata_col).take(pa.array(rows)), self.metadata_col)
        if self.id_col:
            metadata["id"] = _as_strings(_existing(batch, self.id_col), self.id_col).take(pa.array(rows))
        return {**metadata, "sentence": index_strings(elements)}


def _entries(column: pa.Array, name: str) -> dict[str, pa.StringArray]:
    """Return the values of a column of maps by key; one of dictionaries comes as structs."""
    if pa.types.is_map(column.type) and pa.types.is_string(column.type.key_type):
        keys = pc.unique(column.keys).to_pylist()
        return {key: _as_strings(pc.map_lookup(column, pa.scalar(key), "first"), name) for key in keys}
    if pa.types.is_struct(column.type):
        return {field.name: _as_strings(pc.struct_field(column, field.name), name) for field in column.type}
    if pa.types.is_null(column.type):
        return {}
    msg = f"Column {name!r} holds {column.type}, not metadata: give dictionaries or a map from strings to strings."
    raise ColumnTypeError(msg)


def _as_strings(column: pa.Array, name: str) -> pa.StringArray:
    try:
        return pc.cast(column, pa.string())
    except pa.ArrowException:
        msg = f"Column {name!r} holds {column.type}, which has no spelling as text; convert it."
        raise ColumnTypeError(msg) from None


def _is_wide_string(kind: pa.DataType) -> bool:
    wide = pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return wide or (pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type))


def _existing(batch: pa.RecordBatch, name: str) -> pa.Array:
    if name not in batch.schema.names:
        raise MissingColumnError.from_name(name, batch.schema.names, argument="the assembler's parameters")
    return batch.column(name)
