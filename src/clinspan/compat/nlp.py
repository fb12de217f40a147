"""`from clinspan import nlp`: the open classes, as in `sparknlp` and `johnsnowlabs.nlp`."""

from __future__ import annotations

from typing import Any

from clinspan.compat.annotation import Annotation
from clinspan.compat.light import LightPipeline, PretrainedPipeline
from clinspan.compat.pipeline import Pipeline, PipelineModel, RecursivePipeline
from clinspan.compat.session import start
from clinspan.compat.stage import Stage
from clinspan.compat.stages import CLASSES, OPEN

_STAGES: dict[str, type[Stage]] = {name: CLASSES[target] for name, target in OPEN.items()}
globals().update(_STAGES)

__all__ = [
    "Annotation",
    "LightPipeline",
    "Pipeline",
    "PipelineModel",
    "PretrainedPipeline",
    "RecursivePipeline",
    "start",
    *_STAGES,
]


def __getattr__(name: str) -> Any:
    msg = f"clinspan.nlp has no {name!r}; it has {', '.join(sorted(__all__))}."
    raise AttributeError(msg)
