"""`from clinspan import nlp`: the open classes, as in `sparknlp` and `johnsnowlabs.nlp`."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final

from clinspan.compat.annotation import Annotation
from clinspan.compat.conll import CoNLL
from clinspan.compat.light import LightPipeline, PretrainedPipeline
from clinspan.compat.one_liner import load, to_pretty_df
from clinspan.compat.params import Configured
from clinspan.compat.pipeline import Pipeline, PipelineModel, RecursivePipeline
from clinspan.compat.session import start
from clinspan.compat.stages import CLASSES, LEARNERS, OPEN
from clinspan.compat.visualizer import NerVisualizer


class ReadAs:
    """How a resource is read; accepted wherever Spark NLP takes it, and not needed here."""

    TEXT, SPARK, BINARY = "TEXT", "SPARK", "BINARY"


_CLASSES: dict[str, type[Configured]] = {name: {**CLASSES, **LEARNERS}[target] for name, target in OPEN.items()}
globals().update(_CLASSES)

viz = SimpleNamespace(NerVisualizer=NerVisualizer)
_OF_SPARK: Final = {  # what johnsnowlabs.nlp hands on; imported when asked for
    "SparkSession": ("pyspark.sql", "SparkSession"),
    "DataFrame": ("pyspark.sql", "DataFrame"),
    "SQL": ("pyspark.sql", ""),
    "F": ("pyspark.sql.functions", ""),
    "T": ("pyspark.sql.types", ""),
}

__all__ = [
    "Annotation",
    "CoNLL",
    "LightPipeline",
    "Pipeline",
    "PipelineModel",
    "PretrainedPipeline",
    "ReadAs",
    "RecursivePipeline",
    "load",
    "start",
    "to_pretty_df",
    "viz",
    *_CLASSES,
]


def __getattr__(name: str) -> Any:
    if name in _OF_SPARK:
        module, attribute = _OF_SPARK[name]
        return getattr(import_module(module), attribute) if attribute else import_module(module)
    msg = f"clinspan.nlp has no {name!r}; it has {', '.join(sorted(__all__))}."
    raise AttributeError(msg)
