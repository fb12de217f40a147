"""Batches of labelled windows, and the loss of a batch."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from clinspan.training.examples import IGNORED, UNMARKED, Teaching, repeated

Window = tuple[Any, dict[str, Any]]  # ids, and targets by head


@dataclass(frozen=True)
class Batch:
    """Windows of one corpus, padded to one length; tensors of shape [windows, length].

    Attributes:
        heads: how the corpus teaches each head.
        input_ids, attention_mask: what the encoder reads.
        targets: tag indices by head.
    """

    heads: Mapping[str, Teaching]
    input_ids: Tensor
    attention_mask: Tensor
    targets: Mapping[str, Tensor]

    @classmethod
    def from_windows(cls, heads: Mapping[str, Teaching], windows: Sequence[Window]) -> Batch:
        """Pad windows with zeros after their end."""
        ids = _padded([ids for ids, _ in windows], 0)
        mask = _padded([np.ones_like(ids) for ids, _ in windows], 0)
        return cls(heads, ids, mask, {h: _padded([t[h] for _, t in windows], IGNORED) for h in heads})

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        targets = {head: tensor.to(device) for head, tensor in self.targets.items()}
        return Batch(self.heads, self.input_ids.to(device), self.attention_mask.to(device), targets)


def _padded(rows: Sequence[Any], filler: int) -> Tensor:
    length = max(map(len, rows))
    return torch.from_numpy(np.stack([np.pad(row, (0, length - len(row)), constant_values=filler) for row in rows]))


def make_batches(
    windows: Sequence[Window], heads: Mapping[str, Teaching], *, size: int, passes: float, rng: random.Random
) -> list[Batch]:
    """Put windows of like length together, in random order.

    Args:
        windows: those of one corpus.
        heads: how it teaches each head.
        size: most padded sub-words in a batch.
        passes: how often each window is taken; a fraction takes a random share.
        rng: where chance comes from.
    """
    chosen = repeated(windows, passes, rng)
    order = sorted(range(len(chosen)), key=lambda i: len(chosen[i][0]) + rng.uniform(-4, 4))
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * (len(chosen[i][0]) + 8) > size:
            groups.append([])
        groups[-1].append(i)
    return [Batch.from_windows(heads, [chosen[i] for i in group]) for group in groups if group]


def tag_loss(logits: Tensor, targets: Tensor, possible: Tensor) -> Tensor:
    """Return the mean loss of the units that say something; 0 where none does.

    A unit with a known tag costs its cross-entropy; one that is not marked in a corpus that marks only some labels
    costs the negative logarithm of the probability of all tags it may have (the marginal likelihood of partial
    annotation, Tsuboi et al. 2008).

    Args:
        logits: shape [units, tags].
        targets: tag index, `UNMARKED` or `IGNORED`, shape [units].
        possible: whether an unmarked unit may have a tag, shape [tags].
    """
    scores = logits.log_softmax(-1)
    known, unmarked = targets >= 0, targets == UNMARKED
    loss = nll_loss(scores[known], targets[known], reduction="sum")
    if unmarked.any():
        loss = loss - scores[unmarked][:, possible].logsumexp(-1).sum()
    return loss / (known.sum() + unmarked.sum()).clamp(min=1)
