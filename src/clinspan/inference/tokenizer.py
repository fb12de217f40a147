"""Sub-words of whole sentences, with the code points each covers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from clinspan.codepoints import Ints
from clinspan.exceptions import DamagedModelError
from clinspan.schema import starts_of

# threads belong to the engine; a pool inside the tokenizer would also survive a fork badly
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_WORD_MARKERS: Final = frozenset("▁Ġ")  # what Metaspace and ByteLevel put for the space before a word


class Subwords(NamedTuple):
    """The sub-words of several sentences end to end.

    Attributes:
        ids: vocabulary ids, shape [sub-words].
        starts: first character of each in the sentences laid end to end, shape [sub-words].
        stops: one past its last character; a bare word marker reaches over the character it leads.
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
        subwords = Subwords(ids, offsets[:, 0], offsets[:, 1], starts_of(counts))
        _lead_words(subwords, self._marker)
        return subwords

    @cached_property
    def _marker(self) -> int | None:
        """The id of the token that stands for the space before a word, None if this tokenizer has none."""
        splitter = self.tokenizer.pre_tokenizer
        words = splitter.pre_tokenize_str("a b") if splitter else []
        sign = words[-1][0][0] if words else ""
        found: int | None = self.tokenizer.token_to_id(sign) if sign in _WORD_MARKERS else None
        return found


def first_subwords(subwords: Subwords, starts: Ints, stops: Ints) -> Ints:
    """Return the first sub-word of each unit, -1 for a unit that has none.

    A unit is labelled at the first sub-word that ends after the unit's start: the one that covers its first
    character, or else (the normaliser dropped that character) the first one that begins inside it.
    """
    if not len(subwords.ids):
        return np.full(len(starts), -1, dtype=np.int64)
    reach = np.maximum.accumulate(subwords.stops)
    first = np.searchsorted(reach, starts, "right")
    begins = np.append(subwords.starts, np.iinfo(np.int64).max)[first]
    return np.where(begins < stops, first, -1)


def _lead_words(subwords: Subwords, marker: int | None) -> None:
    """Let a bare word marker reach over the first character of its word, which is labelled there.

    Only a marker does so: a tab or line break before a word is no part of it.
    """
    bare = np.flatnonzero(subwords.ids == marker) if marker is not None else np.zeros(0, dtype=np.int64)
    bare = bare[~np.isin(bare + 1, subwords.sentence_starts)]
    bare = bare[subwords.starts[bare + 1] == subwords.stops[bare]]
    subwords.stops[bare] += 1
