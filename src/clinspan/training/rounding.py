"""An encoder's matrices on the grid of the int8 graph while a network is trained (quantization-aware training).

The network that is written as floats then has the very matrices that its int8 graph holds; embedding tables are rounded
when that is written.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from clinspan.training.quantization import STEPS

_WEIGHT: Final = "weight"


class Rounded(nn.Module):
    """A matrix rounded by row; gradients pass as if it were not (straight-through, Bengio et al. 2013)."""

    def forward(self, weight: Tensor) -> Tensor:
        """Return the rounded weights, shape [outputs, inputs]."""
        exact = weight.detach()
        scales = exact.abs().amax(dim=1, keepdim=True).clamp(min=torch.finfo(exact.dtype).tiny) / STEPS
        return weight + ((exact / scales).round() * scales - exact)


def round_weights(encoder: Any) -> None:
    """Round the weights of all linear layers from now on."""
    for layer in [*encoder.modules()]:
        if isinstance(layer, nn.Linear):
            parametrize.register_parametrization(layer, _WEIGHT, Rounded())


def keep_rounded(encoder: Any) -> None:
    """Make the rounded weights the weights."""
    for layer in [*encoder.modules()]:
        if parametrize.is_parametrized(layer, _WEIGHT):
            parametrize.remove_parametrizations(layer, _WEIGHT, leave_parametrized=True)
