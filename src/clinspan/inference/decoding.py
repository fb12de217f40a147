"""From logits to tags: softmax, and the best sequence that the tagging scheme allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from clinspan.codepoints import Bools, Ints

Floats = npt.NDArray[np.float32]


def softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def best_tags(logits: Floats, sentence_starts: Ints, follow: Bools, first: Bools) -> Ints:
    """Return the most probable allowed tag sequence of each sentence.

    The arg-max of each token is already that sequence wherever it is allowed; only sentences in which
    it is not go through Viterbi.

    Args:
        logits: shape [tokens, tags].
        sentence_starts: first token of each sentence and the end of the last, shape [sentences + 1].
        follow: `follow[i, j]` is true where tag j may follow tag i.
        first: `first[j]` is true where tag j may begin a sentence.

    Returns:
        Tag index of each token, shape [tokens].
    """
    tags = logits.argmax(axis=-1) if len(logits) else np.zeros(0, dtype=np.int64)
    if (follow.all() and first.all()) or not len(tags):
        return tags
    begins = np.zeros(len(tags), dtype=np.bool_)
    begins[sentence_starts[:-1][np.diff(sentence_starts) > 0]] = True
    allowed = np.where(begins, first[tags], follow[np.roll(tags, 1), tags])
    sentences = np.unique(np.searchsorted(sentence_starts, np.flatnonzero(~allowed), "right") - 1)
    for sentence in sentences.tolist():
        part = slice(sentence_starts[sentence], sentence_starts[sentence + 1])
        tags[part] = viterbi(logits[part], follow, first)
    return tags


def viterbi(logits: Floats, follow: Bools, first: Bools) -> Ints:
    """Return the best allowed path through one sentence (Viterbi 1967), shape [tokens]."""
    barred = np.where(follow, 0.0, -np.inf)  # float64, as are the sums with it: float32 is too coarse for long ones
    score = np.where(first, logits[0], -np.inf)
    back = np.zeros((len(logits), logits.shape[1]), dtype=np.int64)
    for i, emission in enumerate(logits[1:], start=1):
        paths = score[:, None] + barred
        back[i] = paths.argmax(axis=0)
        score = paths.max(axis=0) + emission
    tags = np.zeros(len(logits), dtype=np.int64)
    tags[-1] = score.argmax()
    for i in range(len(logits) - 1, 0, -1):
        tags[i - 1] = back[i][tags[i]]
    return tags
