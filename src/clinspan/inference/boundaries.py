"""Where sentences may end, and a small network that says where they do.

A candidate is a place behind which a new sentence may begin: a line break, white space unless it joins a word to one
in lower case, or a mark that a capital letter follows without a space. A convolution over the characters around it
decides (Deep-EOS, Schweter & Ahmed 2019). As candidates lie close together, it runs once over the text, and each
candidate then takes what it found around it; a text sees nothing of its neighbours.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from clinspan.codepoints import SPACE, CharacterTable, CodePoints, Ints, runs
from clinspan.exceptions import DamagedModelError, UnsupportedModelError
from clinspan.inference.alphabet import NOTHING, UNKNOWN, Alphabet
from clinspan.inference.decoding import Floats
from clinspan.inference.session import OnnxSession

DETAILS_FILE: Final = "sentences.json"
CHARACTERS: Final = "characters"
WINDOWS: Final = "windows"  # where the window of each candidate begins
OUTPUT: Final = "boundary"
REACH: Final = 16  # characters read on either side of a candidate, unless a model says so; a run of white space is one
_AT_ONCE: Final = 8192  # characters in one call

Codes = npt.NDArray[np.uint32]

# what stands at a candidate: white space, a line break, an empty line, or a sign where there is nothing
_SPACES: Final = np.array([0x20, 0x0A, 0x2029], dtype=np.uint32)
_JOINT: Final = 0x01
_LOWER, _UPPER, _DIGIT, _LETTER, _ENDER, _CLOSER, _OPENER, _GAP, _OTHER = range(1, 10)
_MARKS: Final = (
    dict.fromkeys(".?!…:;。！？", _ENDER)
    | dict.fromkeys("\"'”’»)]}*", _CLOSER)
    | dict.fromkeys("¿¡", _OPENER)
    | dict.fromkeys(map(chr, _SPACES.tolist()), _GAP)
)
_CATEGORIES: Final = {"Ll": _LOWER, "Lu": _UPPER, "Lt": _UPPER, "Lo": _LETTER, "Lm": _LETTER, "Nd": _DIGIT}
# a character that the alphabet lacks reads as another one of its kind; all digits are alike
_STAND_INS: Final = np.zeros(_OTHER + 1, dtype=np.uint32)
_STAND_INS[[_LOWER, _UPPER, _LETTER, _DIGIT, _ENDER]] = [ord(c) for c in "xXx0."]

_kinds: Final = CharacterTable(lambda c: _MARKS.get(c) or _CATEGORIES.get(unicodedata.category(c), _OTHER))


@dataclass(frozen=True)
class _Stream:
    """The characters of all rows, a run of white space as one.

    Attributes:
        symbols: code points, shape [symbols].
        places: where each stands in the text.
        row_starts: first symbol of each row and the end of the last, shape [rows + 1].
    """

    symbols: Codes
    places: Ints
    row_starts: Ints

    @classmethod
    def from_text(cls, text: CodePoints) -> _Stream:
        space = text.classes == SPACE
        starts, stops = runs(space, text.row_starts)
        lines = np.append(0, np.cumsum(text.codes == _SPACES[1]))
        kept = ~space
        kept[starts] = True
        places = np.flatnonzero(kept)
        symbols = text.codes[places]
        symbols[np.searchsorted(places, starts)] = _SPACES[np.minimum(lines[stops] - lines[starts], 2)]
        return cls(symbols, places, np.searchsorted(places, text.row_starts))

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        return _kinds(self.symbols)

    def candidates(self) -> tuple[Ints, Ints]:
        """Return the symbols that are white space, and those that are marks, where a sentence may end."""
        inner = np.ones(len(self.symbols), dtype=np.bool_)
        filled = self.row_starts[:-1] < self.row_starts[1:]
        inner[self.row_starts[:-1][filled]] = inner[self.row_starts[1:][filled] - 1] = False
        at = np.flatnonzero(inner)
        kind, before, after = self.kinds[at], self.kinds[at - 1], self.kinds[at + 1]
        ended = (self.symbols[at] != _SPACES[0]) | (before == _ENDER) | (before == _CLOSER) | (after != _LOWER)
        new = (after == _UPPER) | (after == _OPENER) | (after == _LETTER)
        return at[(kind == _GAP) & ended], at[(kind == _ENDER) & new]

    def joined(self, marks: Ints) -> _Stream:
        """Return the stream with a sign behind each of these marks, where the next character begins."""
        return _Stream(
            np.insert(self.symbols, marks + 1, _JOINT),
            np.insert(self.places, marks + 1, self.places[marks] + 1),
            self.row_starts + np.searchsorted(marks, self.row_starts),
        )

    def apart(self, at: Ints, reach: int) -> tuple[Codes, Ints]:
        """Return the symbols with `reach` times nothing on either side of each row, and where symbols are then."""
        symbols = np.insert(self.symbols, np.repeat(self.row_starts, reach), NOTHING)
        return symbols, at + reach * np.searchsorted(self.row_starts, at, side="right")


@dataclass(frozen=True)
class Candidates:
    """The places in a text where a sentence may end, in order.

    Attributes:
        stops: one past the last character of the sentence that would end, shape [candidates].
        resumes: first character of the next.
        symbols: code points of all rows as a model reads them, rows kept apart.
        at: where in `symbols` each candidate is.
        reach: symbols that belong to it on either side.
    """

    stops: Ints
    resumes: Ints
    symbols: Codes
    at: Ints
    reach: int

    @classmethod
    def from_text(cls, text: CodePoints, reach: int = REACH) -> Candidates:
        """Find all candidates of all rows."""
        stream = _Stream.from_text(text)
        gaps, marks = stream.candidates()
        at = np.sort(np.concatenate([gaps + np.searchsorted(marks, gaps), marks + np.arange(len(marks)) + 1]))
        stream = stream.joined(marks)
        return cls(stream.places[at - 1] + 1, stream.places[at + 1], *stream.apart(at, reach), reach)

    @property
    def windows(self) -> Codes:
        """The symbols around each candidate, and in the middle what stands there; shape [candidates, width]."""
        return self.symbols[self.at[:, None] + np.arange(-self.reach, self.reach + 1)]


def sentence_ranges(text: CodePoints, found: Candidates, accepted: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the sentences of all rows as half-open ranges without white space at either side.

    Args:
        text: the rows.
        found: its candidates.
        accepted: which of them end a sentence, shape [candidates].
    """
    seen = np.flatnonzero(text.classes != SPACE)
    edges = np.searchsorted(seen, text.row_starts)
    filled = edges[:-1] < edges[1:]
    first, last = seen[edges[:-1][filled]], seen[edges[1:][filled] - 1]
    starts = np.concatenate([first, found.resumes[accepted]])
    stops = np.concatenate([last + 1, found.stops[accepted]])
    return np.sort(starts), np.sort(stops)


@dataclass(frozen=True)
class BoundaryModel:
    """A graph from characters, and candidates among them, to the probability that a sentence ends there.

    Attributes:
        session: the graph.
        alphabet: the characters it knows.
        reach: how many it reads on either side.
    """

    session: OnnxSession
    alphabet: Alphabet
    reach: int = REACH

    @classmethod
    def open(cls, folder: Path) -> BoundaryModel:
        """Load `model.onnx` and `sentences.json` from a folder whose files have been verified.

        Raises:
            DamagedModelError: if they are not those of a sentence model.
            UnsupportedModelError: if another version of clinspan has trained it.
        """
        session = OnnxSession.open(folder / "model.onnx")
        if WINDOWS not in session.inputs:
            msg = f"The sentence model in {folder} is of a form that clinspan no longer reads; train it again."
            raise UnsupportedModelError(msg)
        try:
            details = json.loads((folder / DETAILS_FILE).read_text(encoding="utf-8"))
            alphabet, reach = Alphabet(details["characters"]), int(details.get("reach", REACH))
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"The files in {folder} are not those of a sentence model; install or download the model again."
            raise DamagedModelError(msg) from error
        return cls(session, alphabet, reach)

    def probabilities(self, found: Candidates) -> Floats:
        """Return the probability of a sentence end at each candidate, shape [candidates]."""
        ids = character_ids(self.alphabet, found.symbols)
        edges = np.flatnonzero(np.diff(found.at // _AT_ONCE, prepend=-1)).tolist()
        parts = [self._some(ids, found.at[a:b]) for a, b in pairwise([*edges, len(found.at)])]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _some(self, ids: Ints, at: Ints) -> Floats:
        part = ids[None, at[0] - self.reach : at[-1] + self.reach + 1]
        return self.session.feed({CHARACTERS: part, WINDOWS: at[None] - at[0]}, [OUTPUT])[OUTPUT][:, 0]


def character_ids(alphabet: Alphabet, codes: Codes) -> Ints:
    """Return what the network reads, in the shape of the code points."""
    kinds = _kinds(codes)
    ids = alphabet.ids(np.where(kinds == _DIGIT, _STAND_INS[_DIGIT], codes).astype(np.uint32))
    ids = np.where(ids == UNKNOWN, alphabet.ids(_STAND_INS[kinds]), ids)
    return np.where(codes == NOTHING, NOTHING, ids)
