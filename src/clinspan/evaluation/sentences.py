"""Scores for sentence detection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clinspan.evaluation.entity import MICRO, Score, score_entities
from clinspan.schema import Span
from clinspan.tagging import LabelledSpan

SENTENCE: Final = "whole sentences"
ALL: Final = "with the ends of texts"
_BOUNDARY: Final = "boundary"


def score_sentences(gold: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> Mapping[str, Score]:
    """Compare the sentences of documents.

    Args:
        gold: the sentences of each document, in order.
        found: those detected.

    Returns:
        Under `micro` the scores of the boundaries inside documents (the ends of all sentences but the last, which
        nobody can miss), then those of all ends, as the CoNLL shared tasks count, and under `whole sentences` those of
        sentences with both their edges.
    """
    return {
        MICRO: _scored([[_end(span) for span in spans[:-1]] for spans in side] for side in (gold, found)),
        ALL: _scored([[_end(span) for span in spans] for spans in side] for side in (gold, found)),
        SENTENCE: _scored(
            [[LabelledSpan(*span, SENTENCE) for span in spans] for spans in side] for side in (gold, found)
        ),
    }


def _scored(sides: Iterable[Sequence[Sequence[LabelledSpan]]]) -> Score:
    return score_entities(*sides)["strict"][MICRO]


def _end(span: Span) -> LabelledSpan:
    return LabelledSpan(span.stop - 1, span.stop, _BOUNDARY)
