"""Token-level scores over B-, I- and O tags: the table that model cards of the field print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clinspan.codepoints import Ints

Counts = Mapping[str, Sequence[int]]  # right, predicted and gold, by tag


class TokenScore(NamedTuple):
    """Scores of one tag or of an average; support in tokens."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class TokenTable:
    """Scores by tag, accuracy, and the averages; every average includes O.

    Attributes:
        by_tag: scores by tag, sorted by name.
        accuracy: share of tokens whose tag is right.
        macro: means over tags.
        weighted: means over tags, by support.
    """

    by_tag: Mapping[str, TokenScore]
    accuracy: float
    macro: TokenScore
    weighted: TokenScore

    @classmethod
    def from_tags(cls, gold: Ints, predicted: Ints, tags: Sequence[str]) -> TokenTable:
        """Compare two tag sequences, given as indices into `tags`, shape [tokens] each."""
        return cls.from_counts(tag_counts(gold, predicted, tags))

    @classmethod
    def from_counts(cls, counts: Counts) -> TokenTable:
        """Build the table from (right, predicted, gold) counts by tag."""
        by_tag = {tag: token_score(*counts[tag]) for tag in sorted(counts)}
        total = sum(score.support for score in by_tag.values())
        right = sum(c[0] for c in counts.values())
        return cls(by_tag, right / max(total, 1), _mean(by_tag, weighted=False), _mean(by_tag, weighted=True))

    def __str__(self) -> str:
        total = self.weighted.support
        width = max(12, *(len(tag) for tag in self.by_tag)) if self.by_tag else 12
        lines = [f"{'label':>{width}}{'precision':>11}{'recall':>10}{'f1-score':>10}{'support':>10}"]
        lines += [_line(tag, score, width) for tag, score in self.by_tag.items()]
        lines.append(f"{'accuracy':>{width}}{'-  ':>11}{'-  ':>10}{self.accuracy:>10.2f}{total:>10d}")
        lines += [_line("macro-avg", self.macro, width), _line("weighted-avg", self.weighted, width)]
        return "\n".join(lines)


def _line(name: str, score: TokenScore, width: int) -> str:
    return f"{name:>{width}}{score.precision:>11.2f}{score.recall:>10.2f}{score.f1:>10.2f}{score.support:>10d}"


def tag_counts(gold: Ints, predicted: Ints, tags: Sequence[str]) -> dict[str, list[int]]:
    """Return how often each tag that occurs is right, predicted and gold.

    Args:
        gold: the right tag of each token, as an index into `tags`.
        predicted: the tag found.
        tags: the tag set.
    """
    parts = (gold[gold == predicted], predicted, gold)
    columns = (np.bincount(part, minlength=len(tags)).tolist() for part in parts)
    return {tag: counts for tag, *counts in zip(tags, *columns, strict=True) if any(counts)}


def token_score(right: int, predicted: int, gold: int) -> TokenScore:
    """Return the score of counts; what has nothing to be divided by is 0."""
    precision, recall = right / max(predicted, 1), right / max(gold, 1)
    return TokenScore(precision, recall, _harmonic_mean(precision, recall), gold)


def micro_average(counts: Counts) -> TokenScore:
    """Return the score of the sums over tags."""
    return token_score(*(sum(count[i] for count in counts.values()) for i in range(3)))


def macro_average(counts: Counts) -> TokenScore:
    """Return the means over tags of precision and recall, and the harmonic mean of these two, as NerDLApproach does."""
    precision, recall, _, support = _mean({tag: token_score(*c) for tag, c in counts.items()}, weighted=False)
    return TokenScore(precision, recall, _harmonic_mean(precision, recall), support)


def _harmonic_mean(a: float, b: float) -> float:
    return 2 * a * b / max(a + b, 1e-12)


def _mean(scores: Mapping[str, TokenScore], *, weighted: bool) -> TokenScore:
    total = sum(score.support for score in scores.values())
    weights = [score.support if weighted else 1 for score in scores.values()]
    share = max(sum(weights), 1)
    precision, recall, f1 = (
        sum(w * score[i] for w, score in zip(weights, scores.values(), strict=True)) / share for i in range(3)
    )
    return TokenScore(precision, recall, f1, total)
