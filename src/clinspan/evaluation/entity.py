"""Scores for entities: strict, partial and type-only, with bootstrap intervals.

Strict and partial after the MUC-5 and SemEval-2013 task 9 measures: strict counts spans with the same
edges and label; partial gives half a point for an overlap with the same label; type counts any overlap
with the same label as right.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from clinspan.tagging import LabelledSpan

MODES: Final = ("strict", "partial", "type")
MICRO: Final = "micro"
_REPLICATES: Final = 1000


class Score(NamedTuple):
    """Precision, recall and F1 with the 95 % interval of F1, and the number of gold spans."""

    precision: float
    recall: float
    f1: float
    low: float
    high: float
    support: int


@dataclass(frozen=True)
class EntityScores:
    """Scores by mode and label; the label `micro` is the total."""

    by_mode: dict[str, dict[str, Score]]
    documents: int

    def __getitem__(self, mode: str) -> dict[str, Score]:
        return self.by_mode[mode]


Documents = Sequence[Sequence[LabelledSpan]]


def score_entities(gold: Documents, predicted: Documents, *, replicates: int = _REPLICATES) -> EntityScores:
    """Compare predicted spans with gold spans, document by document.

    Args:
        gold: the spans of each document.
        predicted: the spans found in each.
        replicates: bootstrap samples of documents for the intervals; 0 leaves them at the score.
    """
    labels = sorted({span.label for spans in (*gold, *predicted) for span in spans})
    index = {label: i for i, label in enumerate(labels)}
    samples = _samples(len(gold), replicates)
    by_mode = {}
    for mode in MODES:
        counts = np.stack(
            [_counts(set(g), set(p), index, mode) for g, p in zip(gold, predicted, strict=True)]
            or [np.zeros((len(labels), 4))]
        )
        by_label = {label: _score(counts[:, i], samples) for label, i in index.items()}
        by_mode[mode] = {**by_label, MICRO: _score(counts.sum(axis=1), samples)}
    return EntityScores(by_mode, len(gold))


def strict_f1(gold: Documents, predicted: Documents) -> float:
    """Return the strict micro F1 alone, for choosing a model while it trains."""
    return score_entities(gold, predicted, replicates=0)["strict"][MICRO].f1


def _counts(
    gold: set[LabelledSpan], predicted: set[LabelledSpan], index: dict[str, int], mode: str
) -> npt.NDArray[np.float64]:
    """Count right among predicted, predicted, right among gold, and gold, for each label."""
    counts = np.zeros((len(index), 4))
    for column, spans, others in ((0, predicted, gold), (2, gold, predicted)):
        for span in spans:
            counts[index[span.label], column] += _credit(span, others, mode)
            counts[index[span.label], column + 1] += 1
    return counts


def _credit(span: LabelledSpan, others: Iterable[LabelledSpan], mode: str) -> float:
    if span in others:
        return 1.0
    if mode == "strict":
        return 0.0
    overlaps = any(o.label == span.label and o.start < span.stop and span.start < o.stop for o in others)
    return (0.5 if mode == "partial" else 1.0) * overlaps


def _samples(documents: int, replicates: int) -> npt.NDArray[np.float64]:
    """Return how often each document is drawn in each bootstrap sample, shape [samples, documents]."""
    if not documents:
        return np.zeros((0, 0))
    generator = np.random.default_rng(13)
    even = np.full(documents, 1 / documents)
    return generator.multinomial(documents, even, size=replicates).astype(np.float64)


def _score(counts: npt.NDArray[np.float64], samples: npt.NDArray[np.float64]) -> Score:
    precision, recall, f1 = (float(x) for x in _rates(counts.sum(axis=0)))
    low, high = (f1, f1)
    if len(samples) and len(counts):
        low, high = (float(x) for x in np.quantile(_rates(samples @ counts)[2], (0.025, 0.975)))
    return Score(precision, recall, f1, low, high, int(counts[:, 3].sum()))


def _rates(totals: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    right_p, predicted, right_g, gold = np.moveaxis(totals, -1, 0)
    precision = right_p / np.maximum(predicted, 1)
    recall = right_g / np.maximum(gold, 1)
    return precision, recall, 2 * precision * recall / np.maximum(precision + recall, 1e-12)
