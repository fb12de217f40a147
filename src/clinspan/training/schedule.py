"""Learning rates by step."""

from __future__ import annotations

from typing import Any


def warm_then_down(steps: int, warmup: float) -> Any:
    """Return the factor on the learning rate by step: up over the share `warmup`, then straight down to zero."""
    warm = max(1, int(steps * warmup))
    return lambda step: (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))
