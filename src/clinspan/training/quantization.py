"""Training with int8 in view: the forward pass rounds as the exported graph will (Jacob et al. 2018).

Weights are rounded to 7 bits with a scale per output channel, activations to 8 bits with one scale per call, as
`export.quantize` does; gradients pass as if nothing were rounded.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

_ACTIVATIONS: Final = (0, 255)
_WEIGHTS: Final = (-64, 63)
_LEAST: Final = 1e-8


class RoundedLinear(nn.Linear):
    """A linear layer that rounds its input and its weights; its parameters are those of a plain one."""

    def forward(self, features: Tensor) -> Tensor:
        """Return the product of rounded numbers, shape [..., out]."""
        return nn.functional.linear(_rounded(features.float()), _rounded_weight(self.weight), self.bias)


def _rounded(features: Tensor) -> Tensor:
    low, high = features.detach().aminmax()
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = ((high - low) / _ACTIVATIONS[1]).clamp(min=_LEAST)
    zero = (-low / scale).round().to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(features, scale, zero, *_ACTIVATIONS)


def _rounded_weight(weight: Tensor) -> Tensor:
    scale = (weight.detach().abs().amax(dim=1) / -_WEIGHTS[0]).clamp(min=_LEAST)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, *_WEIGHTS)


def round_products(encoder: Any, *, on: bool) -> None:
    """Switch rounding on or off in every linear layer of an encoder; its weights stay as they are."""
    old, new = (nn.Linear, RoundedLinear) if on else (RoundedLinear, nn.Linear)
    for module in encoder.modules():
        if type(module) is old:
            module.__class__ = new
