"""`from clinspan import medical`: the classes of Healthcare NLP, as in `sparknlp_jsl` and `johnsnowlabs.medical`."""

from __future__ import annotations

from typing import Any

from clinspan.compat.params import Configured
from clinspan.compat.stages import CLASSES, LEARNERS, MEDICAL

_CLASSES: dict[str, type[Configured]] = {name: {**CLASSES, **LEARNERS}[target] for name, target in MEDICAL.items()}
globals().update(_CLASSES)

__all__ = [*_CLASSES]


def __getattr__(name: str) -> Any:
    msg = f"clinspan.medical has no {name!r}; it has {', '.join(sorted(__all__))}."
    raise AttributeError(msg)
