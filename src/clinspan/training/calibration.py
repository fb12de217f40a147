"""Biases of the tags, chosen on dev sets, so that a head does not find too much."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
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
_OUTSIDE_STEPS: Final = (0.0, 0.25, 0.5)  # never below zero: spans would grow over the words beside them
_BEGIN_STEPS: Final = (-0.5, -0.25, 0.0, 0.25)  # small, so that text unlike the dev sets is read much as before
Judged = Sequence[tuple[Examples, Floats]]  # dev sets with the logits of their sub-words


def calibrated(tags: Sequence[str], judged: Judged, head: str) -> npt.NDArray[np.float32]:
    """Return what to add to the logits of each tag for the best mean strict F1 on dev sets, shape [tags].

    Two numbers are chosen together, one for `O` and one for all tags that begin a span; of equally good ones the
    smallest.

    Args:
        tags: of the head.
        judged: dev sets that measure it.
        head: its name.
    """
    kinds = np.array([[tag == OUTSIDE, tag.startswith(BEGIN)] for tag in tags], dtype=np.float32)
    pairs = sorted(product(_OUTSIDE_STEPS, _BEGIN_STEPS), key=lambda pair: abs(pair[0]) + abs(pair[1]))
    offsets = [kinds @ np.array(pair, dtype=np.float32) for pair in pairs]
    return max(offsets, key=lambda tried: _score(judged, head, tried))


def add_to_bias(layer: nn.Module, offsets: npt.NDArray[np.float32]) -> None:
    """Add offsets to the bias of a classifier, so that the graph needs nothing else."""
    with torch.no_grad():
        bias: Any = layer.bias
        bias += torch.from_numpy(offsets).to(bias)


def _score(judged: Judged, head: str, offsets: Any) -> float:
    return float(np.mean([strict_f1(*examples.compared(head, logits + offsets)) for examples, logits in judged]))
