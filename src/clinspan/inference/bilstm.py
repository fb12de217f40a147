"""A loaded BiLSTM tagger: words as vectors and characters in, logits out, the best path by Viterbi.

Architecture after Chiu & Nichols 2016 (a convolution over a word's characters, beside its vector, under a
bidirectional LSTM), with the transition scores of a conditional random field (Lample et al. 2016).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from clinspan.codepoints import CodePoints, Ints
from clinspan.exceptions import DamagedModelError
from clinspan.inference.alphabet import NOTHING, Alphabet
from clinspan.inference.decoding import Floats, viterbi
from clinspan.inference.session import OnnxSession
from clinspan.inference.windows import split_windows
from clinspan.tagging import allowed_transitions

DETAILS_FILE: Final = "bilstm.json"
INPUTS: Final = ("vectors", "characters")
SPELLED: Final = 30  # most characters of a word that are read
_HALF: Final = SPELLED // 2  # taken from each end of a longer word
_MOST_WORDS: Final = 1024  # most words in a call; one costs some 15 kB
_OVERLAP: Final = 128  # fewest words that neighbouring windows of a longer sentence share
_WINDOWS_PER_TASK: Final = 16
_Window = list[int]  # first word and one past the last, of what is read and of what counts


def spelling(alphabet: Alphabet, words: pa.StringArray) -> Ints:
    """Return the ids of the first and the last characters of each word, shape [words, 30].

    A word of up to 30 characters is taken whole; 0 fills the row.
    """
    text = CodePoints.from_arrow(words)
    ids = np.append(alphabet.ids(text.codes), NOTHING)
    starts, stops = text.row_starts[:-1, None], text.row_starts[1:, None]
    column = np.arange(SPELLED)
    at = np.where(column < _HALF, starts + column, np.maximum(starts, stops - SPELLED) + column)
    return ids[np.where(at < stops, at, len(ids) - 1)]


@dataclass(frozen=True)
class BiLstm:
    """A graph from word vectors and characters to logits.

    Attributes:
        session: the graph.
        alphabet: the characters it knows.
        output: name of its logits.
        transitions: score of tag j after tag i, and in the last row of tag j at the beginning; shape [tags + 1, tags].
    """

    session: OnnxSession
    alphabet: Alphabet
    output: str
    transitions: Floats

    @property
    def dimension(self) -> int:
        """Length of the word vectors it reads."""
        return next(int(i.shape[2]) for i in self.session.session.get_inputs() if i.name == INPUTS[0])

    @classmethod
    def open(cls, folder: Path, output: str, tags: Sequence[str]) -> BiLstm:
        """Load `model.onnx` and `bilstm.json` from a folder whose files have been verified.

        Raises:
            DamagedModelError: if they are not those of a BiLSTM tagger.
        """
        session = OnnxSession.open(folder / "model.onnx")
        try:
            details = json.loads((folder / DETAILS_FILE).read_text(encoding="utf-8"))
            alphabet, learnt = Alphabet(details["characters"]), np.array(details["transitions"], dtype=np.float32)
            scores = learnt if details.get("any_order") else allowed_scores(learnt, tags)
        except (OSError, ValueError, KeyError, TypeError) as error:
            msg = f"The files in {folder} are not those of a BiLSTM tagger; install or download the model again."
            raise DamagedModelError(msg) from error
        return cls(session, alphabet, output, scores)

    def logits(
        self, vectors: Floats, words: pa.StringArray, sentence_starts: Ints, pool: Executor | None = None
    ) -> Floats:
        """Run the graph, one sentence a call, so that none depends on another; a very long one in windows that overlap.

        Args:
            vectors: of the words, shape [words, dimension].
            words: the words themselves.
            sentence_starts: first word of each sentence and the end of the last, shape [sentences + 1].
            pool: threads to share the sentences.

        Returns:
            Shape [words, tags].
        """
        characters = spelling(self.alphabet, words)
        windows = split_windows(sentence_starts, size=_MOST_WORDS, overlap=_OVERLAP)
        edges = np.stack([windows.starts, windows.stops, windows.keep_starts, windows.keep_stops], axis=1).tolist()
        tasks = [edges[i : i + _WINDOWS_PER_TASK] for i in range(0, len(edges), _WINDOWS_PER_TASK)]

        def work(task: Sequence[_Window]) -> list[Floats]:
            return [self._kept(vectors, characters, window) for window in task]

        done = map(work, tasks) if pool is None else pool.map(work, tasks)
        parts = [part for task in done for part in task]
        return np.concatenate(parts) if parts else np.zeros((0, self.transitions.shape[1]), dtype=np.float32)

    def _kept(self, vectors: Floats, characters: Ints, window: _Window) -> Floats:
        """Run the graph on a window and return the part of the result that counts."""
        start, stop, keep_start, keep_stop = window
        read: dict[str, Any] = dict(zip(INPUTS, (vectors[None, start:stop], characters[None, start:stop]), strict=True))
        return self.session.feed(read, [self.output])[self.output][0, keep_start - start : keep_stop - start]

    def best_tags(self, logits: Floats, sentence_starts: Ints) -> Ints:
        """Return the best tag sequence of each sentence, shape [words]."""
        return viterbi(logits, sentence_starts, self.transitions[:-1], self.transitions[-1])


def allowed_scores(learnt: Floats, tags: Sequence[str]) -> Floats:
    """Return learnt transition scores with minus infinity where the tagging scheme forbids the step.

    Args:
        learnt: as in `BiLstm`, shape [tags + 1, tags].
        tags: the tag set.
    """
    follow, first = allowed_transitions(tags)
    return np.where(np.concatenate([follow, first[None]]), learnt, -np.inf)
