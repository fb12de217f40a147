"""Dropout for training on a CPU, where drawing a number for each feature takes longer than what is done with it."""

from __future__ import annotations

from typing import Final, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
_BYTES: Final = 8  # of one draw
_LEVELS: Final = 256  # of a byte
_LOWEST: Final = -(2**63)


class ByteDropout(nn.Module):
    """Dropout that takes one byte of chance for a feature; a draw gives eight.

    Args:
        p: share of features dropped, to the next 1/256.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.dropped = round(p * _LEVELS)

    def forward(self, features: Tensor) -> Tensor:
        """Return the features that are kept, scaled so that their mean stays, and 0 for the others."""
        if not self.training or not self.dropped:
            return features
        keep = random_bytes(features.numel()).view(features.shape) >= self.dropped
        return features * keep.to(features.dtype).mul_(_LEVELS / (_LEVELS - self.dropped))


def random_bytes(count: int) -> Tensor:
    """Return evenly distributed bytes, on the CPU."""
    draws = torch.empty(-(-count // _BYTES), dtype=torch.int64).random_(_LOWEST, None)
    return draws.view(torch.uint8)[:count]


def on_cpu(network: Network) -> Network:
    """Put `ByteDropout` in the place of `nn.Dropout` throughout a network that is trained on a CPU."""
    for parent in network.modules():
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                setattr(parent, name, ByteDropout(child.p))
    return network
