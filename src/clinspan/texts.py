"""Texts in, batches out: whole documents, bounded by characters, with a note of what is no text."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from clinspan.rows import ROW

BATCH_CHARACTERS: Final = 16_000  # few, so that threads prepare one batch while the model runs another
TEXT: Final = "text"
LISTS: Final = (list, tuple, np.ndarray)
_TEXT_TYPES: Final = (
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)
_LIST_TYPES: Final = (pa.ListType, pa.LargeListType, pa.FixedSizeListType, pa.ListViewType, pa.LargeListViewType)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a text that a reader could not read, with the reason."""

    reason: str


@dataclass
class TextSource:
    """A stream of texts as batches of whole documents, with a note of the rows that are no text.

    Attributes:
        values: the texts; None and NaN count as empty.
        nested: whether a row is a list of texts.
        errors: what is wrong with a row, by row number; filled as rows are read.
        rows: how many have been read.
        batch_characters: a batch ends with the document that reaches this many characters.
    """

    values: Iterable[Any]
    nested: bool = False
    errors: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    batch_characters: int = BATCH_CHARACTERS

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield batches of `TEXT`, strings or lists of strings, null for a row in error, and `ROW`, row numbers."""
        texts: list[str | list[str | None] | None] = []
        size = 0
        for value in self.values:
            text, error = self.checked(value)
            if error:
                self.errors[self.rows] = error
            texts.append(text)
            self.rows += 1
            size += _size(text) + 1
            if size >= self.batch_characters:
                yield _text_batch(texts, self.rows)
                texts, size = [], 0
        if texts:
            yield _text_batch(texts, self.rows)

    def checked(self, value: object) -> tuple[str | list[str | None] | None, str | None]:
        """Return (text or texts, None), or (None, what is wrong)."""
        if not (self.nested and isinstance(value, LISTS)):
            return checked_text(value)
        checked = [checked_text(text) for text in value]
        error = next((wrong for _, wrong in checked if wrong), None)
        return (None, error) if error else ([text for text, _ in checked], None)


def text_column(values: Iterable[Any]) -> pa.Array | pa.ChunkedArray:
    """Return texts, or lists of texts, as a column; what is neither is null."""
    source = TextSource(values, nested=holds_lists(values))
    return _column([source.checked(value)[0] for value in values])


def holds_lists(values: Iterable[Any]) -> bool:
    """Whether the first row that has anything is a list of texts."""
    return isinstance(next((value for value in values if not _is_missing(value)), None), LISTS)


def _size(text: str | list[str | None] | None) -> int:
    return sum(map(_size, text)) if isinstance(text, list) else len(text or "")


def _text_batch(texts: Sequence[str | list[str | None] | None], stop: int) -> pa.RecordBatch:
    """Return the texts of the rows that end before `stop`."""
    rows = pa.array(np.arange(stop - len(texts), stop))
    return pa.RecordBatch.from_arrays([_column(texts), rows], names=[TEXT, ROW])


def _column(texts: Sequence[str | list[str | None] | None]) -> pa.Array | pa.ChunkedArray:
    if any(isinstance(text, list) for text in texts):
        return pa.array([[text] if isinstance(text, str) else text for text in texts], pa.list_(pa.string()))
    return pa.array(texts, pa.string())


def no_texts() -> pa.RecordBatch:
    """Return a batch of texts that has no rows."""
    return _text_batch([], 0)


def checked_text(value: object) -> tuple[str | None, str | None]:
    """Return (text, None), or (None, what is wrong); None and NaN are empty text."""
    if isinstance(value, str):
        return _encodable(value)
    if _is_missing(value):
        return None, None
    if isinstance(value, bytes):
        return _decoded(value)
    if isinstance(value, Unreadable):
        return None, value.reason
    return None, f"a text is wanted, not {type(value).__name__}"


def _is_missing(value: object) -> bool:
    if value is None or value is getattr(sys.modules.get("pandas"), "NA", None):
        return True
    return isinstance(value, float) and bool(np.isnan(value))


def is_text(kind: pa.DataType, *, lists: bool = False) -> bool:
    """Whether a column of that Arrow type may hold texts, perhaps as bytes, or, if wanted, lists of them."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    if lists and isinstance(kind, _LIST_TYPES):
        return is_text(kind.value_type)
    return any(holds(kind) for holds in _TEXT_TYPES)


def python_values(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Return an Arrow column as a list; if one of its strings is not UTF-8, all as bytes: it costs its own row."""
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        values = plain.cast(_as_bytes(plain.type)).to_pylist()
    return values


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_as_bytes(kind.value_type))
    return pa.large_binary()


def _encodable(text: str) -> tuple[str | None, str | None]:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return None, f"a lone surrogate at character {error.start}; decode the source with errors='replace'"
    return text, None


def _decoded(raw: bytes) -> tuple[str | None, str | None]:
    try:
        return raw.decode(), None
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start}; convert the source to UTF-8"
