"""`from clinspan import nlp`: the open classes, as in `sparknlp` and `johnsnowlabs.nlp`."""

from __future__ import annotations

from typing import Any

from clinspan.compat.annotation import Annotation
from clinspan.compat.conll import CoNLL
from clinspan.compat.light import LightPipeline, PretrainedPipeline
from clinspan.compat.params import Configured
from clinspan.compat.pipeline import Pipeline, PipelineModel, RecursivePipeline
from clinspan.compat.session import start
from clinspan.compat.stages import CLASSES, LEARNERS, OPEN

_CLASSES: dict[str, type[Configured]] = {name: {**CLASSES, **LEARNERS}[target] for name, target in OPEN.items()}
globals().update(_CLASSES)

__all__ = [
    "Annotation",
    "CoNLL",
    "LightPipeline",
    "Pipeline",
    "PipelineModel",
    "PretrainedPipeline",
    "RecursivePipeline",
    "start",
    *_CLASSES,
]


def __getattr__(name: str) -> Any:
    msg = f"clinspan.nlp has no {name!r}; it has {', '.join(sorted(__all__))}."
    raise AttributeError(msg)
