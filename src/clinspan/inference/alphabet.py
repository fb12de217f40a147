"""The characters that a network knows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clinspan.codepoints import Ints

NOTHING: Final = 0
UNKNOWN: Final = 1
_FIRST: Final = 2  # id of the first character


@dataclass(frozen=True)
class Alphabet:
    """The characters a network knows, sorted; their ids begin with 2, 0 is no character, 1 an unknown one."""

    characters: str

    @classmethod
    def from_codes(cls, codes: Iterable[int]) -> Alphabet:
        """Return the alphabet of all of these code points."""
        return cls("".join(map(chr, sorted(set(codes)))))

    def ids(self, codes: npt.NDArray[np.uint32]) -> Ints:
        """Return the id of each code point, in the shape of the argument."""
        known = np.array([ord(character) for character in self.characters], dtype=np.uint32)
        if not len(known):
            return np.full(codes.shape, UNKNOWN, dtype=np.int64)
        place = np.minimum(np.searchsorted(known, codes), len(known) - 1)
        return np.where(known[place] == codes, place + _FIRST, UNKNOWN)

    def __len__(self) -> int:
        return len(self.characters) + _FIRST
