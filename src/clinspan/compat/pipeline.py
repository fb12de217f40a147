"""Pipeline and PipelineModel with the shapes of pyspark.ml, for frames of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clinspan.annotators.base import Annotator
from clinspan.compat.frames import transformed
from clinspan.compat.stage import Stage, Writer
from clinspan.compat.stages import class_of
from clinspan.persistence import load_stages, save_stages


class Pipeline:
    """Stages in order, as pyspark.ml.Pipeline.

    Args:
        stages: stages of this module.
    """

    def __init__(self, stages: Sequence[Any] = ()) -> None:
        self._stages = list(stages)

    def setStages(self, value: Sequence[Any]) -> Pipeline:  # noqa: N802
        """Set the stages; return the pipeline."""
        self._stages = list(value)
        return self

    def getStages(self) -> list[Any]:  # noqa: N802
        """Return the stages."""
        return self._stages

    def fit(self, dataset: Any = None, params: Any = None) -> PipelineModel:  # noqa: ARG002 - as in pyspark
        """Return the fitted pipeline.

        Raises:
            TypeError: if a stage is none.
        """
        for stage in self._stages:
            if not isinstance(stage, Stage):
                msg = f"Cannot recognize a pipeline stage of type {type(stage)}."
                raise TypeError(msg)
        return PipelineModel([stage.fit(dataset) for stage in self._stages])


class RecursivePipeline(Pipeline):
    """A pipeline whose model leaves lazy annotators out, as every pipeline here does."""


class PipelineModel:
    """A fitted pipeline.

    Attributes:
        stages: the stages.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = list(stages)

    def annotators(self) -> list[Annotator]:
        """Return the annotators of all stages that are not lazy."""
        found = [stage.annotator() for stage in self.stages]
        return [annotator for annotator in found if not getattr(annotator, "lazy_annotator", False)]

    def transform(self, dataset: Any, params: Any = None) -> Any:  # noqa: ARG002 - as in pyspark
        """Return the frame, of its own kind, with the columns of all stages."""
        return transformed(self.annotators(), dataset)

    def write(self) -> Writer:
        """Return a writer: `model.write().overwrite().save(path)`."""
        return Writer(lambda path: save_stages([stage.annotator() for stage in self.stages], path))

    def save(self, path: str) -> None:
        """Write the pipeline, models included, as a folder that is not there yet."""
        self.write().save(path)

    @classmethod
    def load(cls, path: str) -> PipelineModel:
        """Read a folder that `save` wrote."""
        return cls([class_of(annotator.name).from_annotator(annotator) for annotator in load_stages(Path(path))])
