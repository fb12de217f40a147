"""From sentences to what a model reads and what it tags.

A model tags *units*: each word (a run of letters and digits) and each punctuation mark, finer than the
tokens of Spark NLP, which keep `dell'aspirina` and `cocaine-induced` whole. A model trained on
whitespace-separated tokens (`unit: token`) tags those instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clinspan.codepoints import SPACE, CodePoints, Ints, runs, word_units
from clinspan.inference.tokenizer import Subwords, SubwordTokenizer, first_subwords
from clinspan.inference.windows import Windows, pack_passages, split_windows

WORD_UNIT: Final = "word"
TOKEN_UNIT: Final = "token"  # noqa: S105 - the field's word for a piece of text


@dataclass(frozen=True)
class Units:
    """The tagging units of several sentences.

    Attributes:
        text: the sentences end to end.
        starts: first character of each unit in `text`, shape [units].
        stops: one past its last character.
        sentence_starts: first unit of each sentence and the end of the last, shape [sentences + 1].
    """

    text: CodePoints
    starts: Ints
    stops: Ints
    sentence_starts: Ints

    @classmethod
    def from_sentences(cls, sentences: pa.StringArray, tokens: tuple[Ints, Ints] | None, unit: str) -> Units:
        """Find the units of sentences.

        Args:
            sentences: the texts.
            tokens: half-open ranges of tokens over the sentences end to end; units stay inside them.
                None: units are found in the text alone.
            unit: `word` or `token`.
        """
        text = CodePoints.from_arrow(sentences)
        if unit == TOKEN_UNIT:
            starts, stops = tokens if tokens is not None else whitespace_tokens(text)
        elif tokens is None:
            starts, stops = word_units(text)
        else:
            starts, stops = word_units(text, *tokens)
            owner = np.searchsorted(tokens[0], starts, "right") - 1
            inside = (owner >= 0) & (stops <= np.append(tokens[1], 0)[owner])
            starts, stops = starts[inside], stops[inside]
        return cls(text, starts, stops, np.searchsorted(starts, text.row_starts))

    @property
    def texts(self) -> pa.StringArray:
        """The text of each unit, shape [units]; cut out at each call."""
        return self.text.slices(self.starts, self.stops)


def whitespace_tokens(text: CodePoints) -> tuple[Ints, Ints]:
    """Return the runs between white space as half-open ranges."""
    return runs(text.classes != SPACE, text.row_starts)


@dataclass(frozen=True)
class Encoded:
    """Units with the sub-words and windows that carry them through a model.

    Attributes:
        units: what is tagged.
        subwords: what the model reads.
        windows: the ranges of sub-words it reads at once.
        first: first sub-word of each unit, -1 where it has none, shape [units].
    """

    units: Units
    subwords: Subwords
    windows: Windows
    first: Ints

    @classmethod
    def from_units(cls, units: Units, sentences: pa.StringArray, documents: Ints, encoder: Encoder) -> Encoded:
        """Encode sentences whose units are known; `documents` tells which belong together."""
        subwords = encoder.tokenizer.encode(sentences.to_pylist(), units.text.row_starts)
        passages = pack_passages(subwords.sentence_starts, documents, size=min(encoder.context, encoder.size))
        windows = split_windows(passages, size=encoder.size, overlap=encoder.overlap)
        first = first_subwords(subwords, units.starts, units.stops)
        return cls(units, subwords, windows, first)

    def window_ids(self, tokenizer: SubwordTokenizer) -> list[npt.NDArray[np.int64]]:
        """Return the ids of each window between its special ids."""
        before, after = np.array(tokenizer.prefix, np.int64), np.array(tokenizer.suffix, np.int64)
        ids = self.subwords.ids
        return [
            np.concatenate((before, ids[start:stop], after))
            for start, stop in zip(self.windows.starts.tolist(), self.windows.stops.tolist(), strict=True)
        ]


@dataclass(frozen=True)
class Encoder:
    """How a model reads text: its tokenizer and its measures, in sub-words.

    Attributes:
        tokenizer: the sub-words and the special ids around them.
        max_length: most sub-words in a window, special ones included.
        overlap: fewest that neighbouring windows of a long passage share.
        context: most in a passage of several sentences; 0 reads every sentence by itself.
    """

    tokenizer: SubwordTokenizer
    max_length: int
    overlap: int
    context: int = 0

    @property
    def size(self) -> int:
        """Most sub-words in a window, the special ones not counted."""
        return self.max_length - len(self.tokenizer.prefix) - len(self.tokenizer.suffix)
