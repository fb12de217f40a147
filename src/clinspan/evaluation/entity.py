"""Scores for entities: strict, partial and type-only, with bootstrap intervals.

The measures of SemEval-2013 task 9 (Segura-Bedmar et al. 2013), as nervaluate counts them. Strict: the same edges and
label. Partial: a point for the same edges and half a point for an overlap, whatever the labels. Type: an overlap with
the same label. A span is matched once at most: with its equal if there is one, the others in order of position. A label
is scored among its own spans; the total of partial matches all spans, while in nervaluate that of type does so as well
and is a little lower.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from clinspan.tagging import LabelledSpan

MICRO: Final = "micro"
_COLUMNS: Final = {  # of counts: what is right, predicted and gold in each mode
    "strict": (0, 3, 4),
    "partial": (1, 3, 4),
    "type": (2, 3, 4),
}
MODES: Final = tuple(_COLUMNS)
_TYPE: Final = 2
_COUNTED: Final = 5
_REPLICATES: Final = 1000
_FEWEST_DOCUMENTS: Final = 10  # of fewer, samples say nothing about others
_DRAWN_AT_ONCE: Final = 1_000_000
Floats = npt.NDArray[np.float64]


class Score(NamedTuple):
    """Precision, recall and F1, the 95 % interval of F1 (None for a few documents), and the number of gold spans."""

    precision: float
    recall: float
    f1: float
    low: float | None
    high: float | None
    support: int


@dataclass(frozen=True)
class EntityScores:
    """Scores by mode and label; the label `micro` is the total."""

    by_mode: dict[str, dict[str, Score]]
    documents: int

    def __getitem__(self, mode: str) -> dict[str, Score]:
        return self.by_mode[mode]


Documents = Sequence[Sequence[LabelledSpan]]
Spans = set[LabelledSpan]


def score_entities(gold: Documents, predicted: Documents, *, replicates: int = _REPLICATES) -> EntityScores:
    """Compare predicted spans with gold spans, document by document.

    Args:
        gold: the spans of each document.
        predicted: the spans found in each.
        replicates: bootstrap samples of documents for the intervals; there are none of fewer than 10 documents.
    """
    labels = sorted({span.label for spans in (*gold, *predicted) for span in spans})
    rows = {name: i for i, name in enumerate((*labels, MICRO))}
    counts = np.zeros((len(gold), len(rows), _COUNTED))
    for document, g, p in zip(counts, gold, predicted, strict=True):
        _count(document, set(g), set(p), rows)
    totals, drawn = counts.sum(axis=0), _drawn(counts, replicates)
    by_mode = {
        mode: {name: _score(totals[row, columns], drawn[:, row, columns]) for name, row in rows.items()}
        for mode, columns in _COLUMNS.items()
    }
    return EntityScores(by_mode, len(gold))


def strict_f1(gold: Documents, predicted: Documents) -> float:
    """Return the strict micro F1 alone, for choosing a model while it trains."""
    pairs = [(set(g), set(p)) for g, p in zip(gold, predicted, strict=True)]
    counts = [(len(g & p), len(p), len(g)) for g, p in pairs]
    return float(_rates(np.array(counts, dtype=np.float64).reshape(-1, 3).sum(axis=0))[2])


def _count(counts: Floats, gold: Spans, predicted: Spans, rows: Mapping[str, int]) -> None:
    """Write the counts of a document, shape [labels and total, 5]."""
    for label in {span.label for span in gold | predicted}:
        counts[rows[label]] = _tally(*({span for span in spans if span.label == label} for spans in (gold, predicted)))
    total = _tally(gold, predicted)
    total[_TYPE] = counts[:, _TYPE].sum()
    counts[rows[MICRO]] = total


def _tally(gold: Spans, predicted: Spans) -> list[float]:
    """Count what is right in each mode, labels apart; what is predicted, and what is gold."""
    same = gold & predicted
    pairs = _pairs(gold - same, predicted - same)
    edges = sum(g[:2] == p[:2] for g, p in pairs)
    right = (len(same), len(same) + (len(pairs) + edges) / 2, len(same) + len(pairs))
    return [*right, len(predicted), len(gold)]


def _pairs(gold: Iterable[LabelledSpan], predicted: Iterable[LabelledSpan]) -> list[tuple[LabelledSpan, LabelledSpan]]:
    """Match spans that overlap, each once, in order of position."""
    left, right, found = deque(sorted(gold)), deque(sorted(predicted)), []
    while left and right:
        if left[0].stop <= right[0].start:
            left.popleft()
        elif right[0].stop <= left[0].start:
            right.popleft()
        else:
            found.append((left.popleft(), right.popleft()))
    return found


def _drawn(counts: Floats, replicates: int) -> Floats:
    """Return the sums of counts over documents drawn with replacement, shape [samples, labels and total, 5]."""
    documents, *shape = counts.shape
    if documents < _FEWEST_DOCUMENTS or not replicates:
        return np.zeros((0, *shape))
    generator = np.random.default_rng(13)
    even = np.full(documents, 1 / documents)
    size = max(1, _DRAWN_AT_ONCE // documents)
    blocks = [min(size, replicates - done) for done in range(0, replicates, size)]
    flat = counts.reshape(documents, -1)
    sums = [generator.multinomial(documents, even, size=block) @ flat for block in blocks]
    return np.concatenate(sums).reshape(-1, *shape)


def _score(totals: Floats, drawn: Floats) -> Score:
    precision, recall, f1 = (float(rate) for rate in _rates(totals))
    low, high = (float(edge) for edge in np.quantile(_rates(drawn)[2], (0.025, 0.975))) if len(drawn) else (None, None)
    return Score(precision, recall, f1, low, high, int(totals[2]))


def _rates(totals: Floats) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of what is right, predicted and gold, shape [..., 3]."""
    right, predicted, gold = np.moveaxis(totals, -1, 0)
    precision = right / np.maximum(predicted, 1)
    recall = right / np.maximum(gold, 1)
    return precision, recall, 2 * precision * recall / np.maximum(precision + recall, 1e-12)
