"""Texts as arrays of Unicode code points: the arithmetic under every offset.

Arrow keeps text as UTF-8 bytes, users count code points. `CodePoints` lays the texts of a column end to
end and knows both positions of every character, so that tokens of a whole batch are found and sliced
without a Python object for each.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNSEEN: Final = 0
SPACE: Final = 1
WORD: Final = 2  # letters, digits, marks and what joins them
SINGLE: Final = 3  # punctuation, symbols and ideographs: each a unit of its own

_BYTE_ORDER_MARK: Final = "\ufeff"


class CharacterTable:
    """A property of characters, looked up for arrays of code points; filled as characters are met.

    Args:
        of: the property of a character, 1 to 255.
    """

    def __init__(self, of: Callable[[str], int]) -> None:
        self._of = of
        self._known: npt.NDArray[np.uint8] = np.zeros(sys.maxunicode + 1, dtype=np.uint8)

    def __call__(self, codes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint8]:
        """Return the property of each code point."""
        found = self._known[codes]
        if not found.all():
            for code in np.unique(codes[found == UNSEEN]).tolist():
                self._known[code] = self._of(chr(code))
            found = self._known[codes]
        return found


def character_class(character: str) -> int:
    """Return SPACE, WORD or SINGLE, after the pre-tokenizer of BERT (Devlin et al. 2019)."""
    category = unicodedata.category(character)
    if character.isspace() or category in ("Cc", "Zs") or character == _BYTE_ORDER_MARK:
        return SPACE
    if _is_ideograph(ord(character)):
        return SINGLE
    return WORD if category[0] in "LNM" or category == "Cf" else SINGLE


def _is_ideograph(code: int) -> bool:
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x323AF


character_classes: Final = CharacterTable(character_class)


@dataclass(frozen=True)
class CodePoints:
    """The rows of a text column end to end.

    Attributes:
        codes: code points, shape [characters].
        row_starts: first character of each row and the end of the last, shape [rows + 1].
        utf8: the same text as bytes.
        byte_starts: byte position of each character and the end of the last, shape [characters + 1].
    """

    codes: npt.NDArray[np.uint32]
    row_starts: Ints
    utf8: npt.NDArray[np.uint8]
    byte_starts: Ints

    @classmethod
    def from_arrow(cls, texts: pa.StringArray) -> CodePoints:
        """Read a string array; null counts as empty text."""
        offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)[texts.offset :][: len(texts) + 1]
        data = texts.buffers()[2]
        first, last = (int(offsets[0]), int(offsets[-1])) if len(texts) else (0, 0)
        utf8 = np.frombuffer(data, dtype=np.uint8)[first:last] if data else np.zeros(0, dtype=np.uint8)
        row_bytes = (offsets - first).astype(np.int64) if len(texts) else np.zeros(1, dtype=np.int64)
        if not (utf8 & 0x80).any():
            return cls(utf8.astype(np.uint32), row_bytes, utf8, np.arange(len(utf8) + 1, dtype=np.int64))
        codes = np.frombuffer(utf8.tobytes().decode().encode("utf-32-le"), dtype=np.uint32)
        byte_starts = np.append(np.flatnonzero((utf8 & 0xC0) != 0x80), len(utf8))
        return cls(codes, np.searchsorted(byte_starts, row_bytes), utf8, byte_starts)

    @cached_property
    def classes(self) -> npt.NDArray[np.uint8]:
        """SPACE, WORD or SINGLE for each character."""
        return character_classes(self.codes)

    def slices(self, starts: Ints, stops: Ints) -> pa.StringArray:
        """Return the text of each half-open range of characters, shape [ranges]."""
        return gather_bytes(self.utf8, self.byte_starts[starts], self.byte_starts[stops])


def gather_bytes(utf8: npt.NDArray[np.uint8], starts: Ints, stops: Ints) -> pa.StringArray:
    """Copy byte ranges, which must fall on character edges, into a string array."""
    lengths = stops - starts
    offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=offsets[1:])
    source = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return pa.StringArray.from_buffers(len(lengths), pa.py_buffer(offsets), pa.py_buffer(utf8[source]))


def word_units(text: CodePoints, *edges: Ints) -> tuple[Ints, Ints]:
    """Find the tagging units: each run of letters and digits, and each other visible character.

    Args:
        text: the rows.
        edges: further positions that no unit may cross, such as the edges of tokens.

    Returns:
        Half-open character ranges over the rows end to end, in order; none crosses a row.
    """
    word, single = text.classes == WORD, text.classes == SINGLE
    joined = _joined_to_previous(word, text.row_starts, *edges)
    starts = np.flatnonzero(single | (word & ~joined[:-1]))
    stops = np.flatnonzero(single | (word & ~joined[1:])) + 1
    return starts, stops


def runs(member: Bools, row_starts: Ints) -> tuple[Ints, Ints]:
    """Find the maximal runs of members, as half-open ranges; none crosses a row."""
    joined = _joined_to_previous(member, row_starts)
    return np.flatnonzero(member & ~joined[:-1]), np.flatnonzero(member & ~joined[1:]) + 1


def _joined_to_previous(member: Bools, *edges: Ints) -> Bools:
    joined = np.zeros(len(member) + 1, dtype=np.bool_)
    joined[1:-1] = member[:-1] & member[1:]
    for positions in edges:
        joined[positions] = False
    return joined
