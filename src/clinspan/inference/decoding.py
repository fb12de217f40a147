"""From logits to tags: softmax, and the best sequence that the tagging scheme allows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from clinspan.codepoints import Bools, Ints
from clinspan.schema import starts_of
from clinspan.tagging import OUTSIDE, allowed_transitions, parse_tag

Floats = npt.NDArray[np.float32]
Scores = npt.NDArray[np.floating]
_SENTENCES_AT_ONCE = 256  # bounds the memory of a step


def softmax(logits: Floats) -> Floats:
    """Return probabilities over the last axis."""
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def decoded(logits: Floats, sentence_starts: Ints, tags: Sequence[str]) -> tuple[Ints, Floats]:
    """Return the best tag of each unit and the probability of every tag.

    A unit without logits, because the tokenizer drops all its characters, belongs to the entity that goes on behind it
    in its sentence, and is as sure as the unit behind; elsewhere it is outside.

    Args:
        logits: NaN for a unit without any, shape [units, tags].
        sentence_starts: first unit of each sentence and the end of the last, shape [sentences + 1].
        tags: the tag set.

    Returns:
        Tag indices, shape [units], and probabilities, shape [units, tags].
    """
    follow, first = allowed_transitions(tags)
    known = ~np.isnan(logits[:, 0])
    if known.all():
        return best_tags(logits, sentence_starts, follow, first), softmax(logits)
    before = starts_of(known)  # known units before each
    found, sure = best_tags(logits[known], before[sentence_starts], follow, first), softmax(logits[known])
    tag_ids = np.full(len(logits), tags.index(OUTSIDE) if OUTSIDE in tags else 0)
    scores = np.eye(len(tags), dtype=np.float32)[tag_ids]
    tag_ids[known], scores[known] = found, sure
    within = np.flatnonzero(~known & np.append(~first[found], False)[before[:-1]])
    behind = before[within]
    tag_ids[within] = _middles(tags)[found[behind]]
    scores[within] = np.eye(len(tags), dtype=np.float32)[tag_ids[within]] * sure[behind, found[behind], None]
    return tag_ids, scores


def _middles(tags: Sequence[str]) -> Ints:
    """Return for each tag the one of the middle of its entity; the tag itself if there is none."""
    index = {tag: i for i, tag in enumerate(tags)}
    return np.array([index.get(f"I-{parse_tag(tag).label}", i) for i, tag in enumerate(tags)])


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
    wrong = np.unique(np.searchsorted(sentence_starts, np.flatnonzero(~allowed), "right") - 1)
    lengths = np.diff(sentence_starts)[wrong]
    words = np.repeat(sentence_starts[:-1][wrong] - starts_of(lengths)[:-1], lengths) + np.arange(lengths.sum())
    barred = (np.where(mask, 0.0, -np.inf) for mask in (follow, first))
    tags[words] = viterbi(logits[words], starts_of(lengths), *barred)
    return tags


def viterbi(logits: Floats, sentence_starts: Ints, follow: Scores, first: Scores) -> Ints:
    """Return the best path through each sentence (Viterbi 1967), one step of all sentences at a time.

    Sums are float64: float32 is too coarse for long sentences.

    Args:
        logits: shape [words, tags].
        sentence_starts: first word of each sentence and the end of the last, shape [sentences + 1].
        follow: score of tag j after tag i, minus infinity where it may not be; shape [tags, tags].
        first: score of tag j at the beginning, shape [tags].

    Returns:
        Tag index of each word, shape [words].
    """
    follow, first = follow.astype(np.float64), first.astype(np.float64)
    order = np.argsort(-np.diff(sentence_starts), kind="stable")
    groups = [order[i : i + _SENTENCES_AT_ONCE] for i in range(0, len(order), _SENTENCES_AT_ONCE)]
    tags = np.zeros(len(logits), dtype=np.int64)
    for group in groups:
        _decode_group(tags, logits, sentence_starts[group], sentence_starts[group + 1], follow, first)
    return tags


def _decode_group(tags: Ints, logits: Floats, starts: Ints, stops: Ints, follow: Scores, first: Scores) -> None:
    """Write the best tags of sentences that are sorted by length, the longest first."""
    lengths = stops - starts
    active = [int(np.searchsorted(-lengths, -step)) for step in range(int(lengths.max(initial=0)))]
    if not active:
        return
    bounds = starts_of(active)
    steps = np.repeat(np.arange(len(active)), active)
    words = starts[np.arange(len(steps)) - bounds[steps]] + steps  # all first words, all second words, ...
    edges = list(pairwise(bounds.tolist()))
    tags[words] = _backward(*_forward(logits[words], edges, follow, first), edges)


def _forward(
    logits: Floats, edges: Sequence[tuple[int, int]], follow: Scores, first: Scores
) -> tuple[Scores, list[Ints]]:
    """Go through the sentences, sorted by length, step by step.

    Args:
        logits: of all first words, all second words and so on, shape [words, tags].
        edges: the first and one past the last word of each step.
        follow: as in `viterbi`.
        first: as in `viterbi`.

    Returns:
        The score of the best path to each tag of the last word, shape [sentences, tags], and for each step but the
        first the tag that path came from, shape [sentences left, tags].
    """
    scores = first + logits[slice(*edges[0])]
    rows, columns, before = np.arange(len(scores))[:, None], np.arange(len(first)), follow.T.copy()
    came_from = []
    for begin, end in edges[1:]:
        paths = scores[: end - begin, None] + before  # the tag before in the last axis, which is the fast one
        best = paths.argmax(axis=-1)
        scores[: end - begin] = paths[rows[: end - begin], columns, best] + logits[begin:end]
        came_from.append(best)
    return scores, came_from


def _backward(scores: Scores, came_from: Sequence[Ints], edges: Sequence[tuple[int, int]]) -> Ints:
    """Follow the best paths from their ends.

    Args:
        scores: as `_forward` returns them.
        came_from: as `_forward` returns them.
        edges: as in `_forward`.

    Returns:
        The tags, in the order of the logits in `_forward`, shape [words].
    """
    tag, rows = scores.argmax(axis=1), np.arange(len(scores))
    found = np.empty(edges[-1][1], dtype=np.int64)
    for (begin, end), best in zip(edges[:0:-1], reversed(came_from), strict=True):
        count = end - begin
        found[begin:end] = tag[:count]
        tag[:count] = best[rows[:count], tag[:count]]
    found[slice(*edges[0])] = tag
    return found
