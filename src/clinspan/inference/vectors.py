"""Word vectors: one Arrow file of words with int8 vectors, each with a scale of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Bools
from clinspan.exceptions import DamagedModelError
from clinspan.inference.decoding import Floats

VECTORS_FILE: Final = "vectors.arrow"
_LARGEST: Final = 127


@dataclass(frozen=True)
class WordVectors:
    """Vectors of lower-case words.

    Attributes:
        words: shape [words].
        codes: the vectors as whole numbers, shape [words, dimension].
        scales: what a whole number is worth, shape [words].
    """

    words: pa.StringArray
    codes: npt.NDArray[np.int8]
    scales: Floats

    @classmethod
    def from_floats(cls, words: pa.StringArray, vectors: Floats) -> WordVectors:
        """Round vectors to 8 bits, the largest entry of each to ±127."""
        scales = np.maximum(np.abs(vectors).max(axis=1), np.finfo(np.float32).tiny) / _LARGEST
        return cls(words, np.rint(vectors / scales[:, None]).astype(np.int8), scales.astype(np.float32))

    @classmethod
    def open(cls, path: Path) -> WordVectors:
        """Read a file that `write` wrote.

        Raises:
            DamagedModelError: if it is none.
        """
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all().combine_chunks()
            words, scales, codes = (table.column(name).combine_chunks() for name in ("word", "scale", "code"))
        except (OSError, KeyError, pa.ArrowInvalid) as error:
            msg = f"{path.name} in {path.parent} holds no word vectors; install or download the model again."
            raise DamagedModelError(msg) from error
        return cls(words, codes.flatten().to_numpy().reshape(len(words), -1), scales.to_numpy())

    def write(self, path: Path) -> None:
        """Write one Arrow file."""
        codes = pa.FixedSizeListArray.from_arrays(pa.array(self.codes.ravel()), self.dimension)
        table = pa.table({"word": self.words, "scale": self.scales, "code": codes})
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)

    @property
    def dimension(self) -> int:
        """Entries of a vector."""
        return self.codes.shape[1]

    def lookup(self, words: pa.StringArray) -> tuple[Floats, Bools]:
        """Return the vectors of words, whatever their case, and which words are known; unknown ones are zero.

        Args:
            words: shape [words].
        """
        place = pc.fill_null(pc.index_in(folded(words), self.words), -1).to_numpy()
        known = place >= 0
        found = self.codes[place].astype(np.float32) * self.scales[place][:, None]
        found[~known] = 0
        return found, known


def folded(words: pa.StringArray) -> pa.StringArray:
    """Return words in the form that vectors are looked up by."""
    return pc.utf8_lower(words)
