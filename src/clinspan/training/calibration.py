"""Biases of the tags, chosen on dev sets, so that a head finds neither too much nor too little."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from clinspan.evaluation.entity import strict_f1
from clinspan.inference.decoding import Floats
from clinspan.tagging import OUTSIDE
from clinspan.training.examples import Examples

BEGIN: Final = "B-"
_STEPS: Final = np.arange(-2.0, 3.01, 0.25)  # tried one after the other for `O`, then for all tags that begin a span
_ROUNDS: Final = 2
Judged = Sequence[tuple[Examples, Floats]]  # dev sets with the logits of their sub-words


def calibrated(tags: Sequence[str], judged: Judged, head: str) -> npt.NDArray[np.float32]:
    """Return what to add to the logits of each tag for the best mean strict F1 on dev sets, shape [tags].

    Two numbers are chosen, one for `O` and one for all tags that begin a span, in turns; where nothing is gained they
    are zero.

    Args:
        tags: of the head.
        judged: dev sets that measure it.
        head: its name.
    """
    kinds = np.array([[tag == OUTSIDE, tag.startswith(BEGIN)] for tag in tags], dtype=np.float32)
    offsets = np.zeros(2, dtype=np.float32)
    best = _score(judged, head, kinds @ offsets)
    for kind in [0, 1] * _ROUNDS:
        for step in _STEPS:
            tried = offsets.copy()
            tried[kind] = step
            score = _score(judged, head, kinds @ tried)
            if score > best:
                best, offsets = score, tried
    return kinds @ offsets


def add_to_bias(layer: nn.Linear, offsets: npt.NDArray[np.float32]) -> None:
    """Add offsets to the bias of a classifier, so that the graph needs nothing else."""
    with torch.no_grad():
        layer.bias += torch.from_numpy(offsets).to(layer.bias)


def _score(judged: Judged, head: str, offsets: Any) -> float:
    return float(np.mean([strict_f1(*examples.compared(head, logits + offsets)) for examples, logits in judged]))
