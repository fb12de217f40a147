"""Token-level scores over B-, I- and O tags: the table that model cards of the field print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clinspan.codepoints import Ints


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
        size = len(tags)
        right = np.bincount(gold[gold == predicted], minlength=size)
        counts = np.stack([right, np.bincount(predicted, minlength=size), np.bincount(gold, minlength=size)], axis=1)
        return cls.from_counts({tag: tuple(c) for tag, c in zip(tags, counts.tolist(), strict=True) if any(c)})

    @classmethod
    def from_counts(cls, counts: Mapping[str, tuple[int, ...]]) -> TokenTable:
        """Build the table from (right, predicted, gold) counts by tag."""
        by_tag = {tag: _score(*counts[tag]) for tag in sorted(counts)}
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


def _score(right: int, predicted: int, gold: int) -> TokenScore:
    precision, recall = right / max(predicted, 1), right / max(gold, 1)
    return TokenScore(precision, recall, 2 * precision * recall / max(precision + recall, 1e-12), gold)


def _mean(scores: Mapping[str, TokenScore], *, weighted: bool) -> TokenScore:
    total = sum(score.support for score in scores.values())
    weights = [score.support if weighted else 1 for score in scores.values()]
    share = max(sum(weights), 1)
    precision, recall, f1 = (
        sum(w * score[i] for w, score in zip(weights, scores.values(), strict=True)) / share for i in range(3)
    )
    return TokenScore(precision, recall, f1, total)
