"""`from clinspan import medical`: the classes of Healthcare NLP, as in `sparknlp_jsl` and `johnsnowlabs.medical`."""

from __future__ import annotations

from typing import Any

from clinspan.compat.stage import Stage
from clinspan.compat.stages import CLASSES, MEDICAL

_STAGES: dict[str, type[Stage]] = {name: CLASSES[target] for name, target in MEDICAL.items()}
globals().update(_STAGES)

__all__ = [*_STAGES]


def __getattr__(name: str) -> Any:
    msg = f"clinspan.medical has no {name!r}; it has {', '.join(sorted(__all__))}."
    raise AttributeError(msg)
