"""Scores for sentence detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from clinspan.evaluation.entity import MICRO, Score, score_entities
from clinspan.schema import Span
from clinspan.tagging import LabelledSpan

SENTENCE: Final = "whole sentences"
_BOUNDARY: Final = "boundary"


def score_sentences(gold: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> Mapping[str, Score]:
    """Compare the sentences of documents.

    Args:
        gold: the sentences of each document, in order.
        found: those detected.

    Returns:
        Under `micro` the scores of the boundaries inside documents (the ends of all sentences but the last, which
        nobody can miss), and under `whole sentences` those of sentences with both their edges.
    """
    boundaries = score_entities(*([_boundaries(spans) for spans in side] for side in (gold, found)))
    sentences = score_entities(*([_whole(spans) for spans in side] for side in (gold, found)))
    return {MICRO: boundaries["strict"][MICRO], SENTENCE: sentences["strict"][MICRO]}


def _boundaries(spans: Sequence[Span]) -> list[LabelledSpan]:
    return [LabelledSpan(span.stop - 1, span.stop, _BOUNDARY) for span in spans[:-1]]


def _whole(spans: Sequence[Span]) -> list[LabelledSpan]:
    return [LabelledSpan(span.start, span.stop, SENTENCE) for span in spans]
