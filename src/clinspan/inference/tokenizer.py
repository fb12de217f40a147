"""Sub-words of whole sentences, with the code points each covers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from clinspan.codepoints import SPACE, CodePoints, Ints
from clinspan.exceptions import DamagedModelError
from clinspan.schema import starts_of

# threads belong to the engine; a pool inside the tokenizer would also survive a fork badly
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class Subwords(NamedTuple):
    """The sub-words of several sentences end to end.

    Attributes:
        ids: vocabulary ids, shape [sub-words].
        starts: first character of each in the sentences laid end to end, shape [sub-words].
        stops: one past its last character.
        sentence_starts: first sub-word of each sentence and the end of the last, shape [sentences + 1].
    """

    ids: npt.NDArray[np.int64]
    starts: Ints
    stops: Ints
    sentence_starts: Ints


@dataclass(frozen=True)
class SubwordTokenizer:
    """A `tokenizer.json` without truncation or padding, and the special ids around a sequence."""

    tokenizer: Any
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]

    @classmethod
    def open(cls, path: Path) -> SubwordTokenizer:
        """Read `tokenizer.json`.

        Raises:
            DamagedModelError: if the file is no tokenizer.
        """
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the binding raises bare Exception
            msg = f"{path.name} in {path.parent} cannot be read as a tokenizer; import or download the model again."
            raise DamagedModelError(msg) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        probe = tokenizer.encode("a")
        inner = [i for i, special in enumerate(probe.special_tokens_mask) if not special] or [len(probe.ids)]
        return cls(tokenizer, tuple(probe.ids[: inner[0]]), tuple(probe.ids[inner[-1] + 1 :]))

    def encode(self, sentences: Sequence[str], row_starts: Ints) -> Subwords:
        """Cut sentences into sub-words.

        Args:
            sentences: the texts.
            row_starts: first character of each sentence in the texts end to end.
        """
        encodings = self.tokenizer.encode_batch(list(sentences), add_special_tokens=False)
        counts = np.array([len(encoding) for encoding in encodings], dtype=np.int64)
        total = int(counts.sum())
        ids = np.fromiter(chain.from_iterable(e.ids for e in encodings), dtype=np.int64, count=total)
        edges = chain.from_iterable(chain.from_iterable(e.offsets for e in encodings))
        offsets = np.fromiter(edges, dtype=np.int64, count=2 * total).reshape(-1, 2)
        offsets += np.repeat(row_starts[:-1], counts)[:, None]
        return Subwords(ids, offsets[:, 0], offsets[:, 1], starts_of(counts))


def first_subwords(subwords: Subwords, text: CodePoints, starts: Ints, stops: Ints) -> Ints:
    """Return the first sub-word of each unit, -1 for a unit that has none.

    A unit is labelled at the sub-word that covers its first character, or else (the normaliser dropped
    that character) at the first one that begins inside it. White space at the front of a sub-word does
    not count: `▁heart` begins at the h.
    """
    if not len(subwords.ids):
        return np.full(len(starts), -1, dtype=np.int64)
    begin = _skip_spaces(text, subwords.starts, subwords.stops)
    begin = np.maximum.accumulate(begin)
    covering = np.searchsorted(begin, starts, "right") - 1
    covering = np.searchsorted(begin, begin[np.maximum(covering, 0)], "left")  # bytes of one character
    covers = (begin[covering] <= starts) & (_reach(begin, subwords.stops)[covering] > starts)
    following = np.searchsorted(begin, starts, "left")
    inside = np.append(begin, np.iinfo(np.int64).max)[following] < stops
    return np.where(covers, covering, np.where(inside, following, -1))


def _reach(begin: Ints, stops: Ints) -> Ints:
    """Return the furthest character covered by all sub-words that begin at the same one."""
    first = np.searchsorted(begin, begin, "left")
    reach = stops.copy()
    np.maximum.at(reach, first, stops)
    return reach[first]


def _skip_spaces(text: CodePoints, starts: Ints, stops: Ints) -> Ints:
    spaces = text.classes == SPACE
    if not spaces[starts[starts < len(spaces)]].any():
        return starts
    visible = np.append(np.flatnonzero(~spaces), len(spaces))
    return np.minimum(visible[np.searchsorted(visible, starts)], stops)
