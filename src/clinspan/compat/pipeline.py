"""Pipeline and PipelineModel with the shapes of pyspark.ml, for frames of every kind."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from clinspan.annotators.base import Annotator
from clinspan.compat.approach import NerApproach
from clinspan.compat.frames import transformed
from clinspan.compat.params import Configured
from clinspan.compat.saved import local_path, read_metadata, stage_folder, write_metadata
from clinspan.compat.stage import Stage
from clinspan.compat.stages import CLASSES
from clinspan.compat.writer import Writer
from clinspan.exceptions import UnsupportedModelError

_CLASS: Final = "pyspark.ml.pipeline.PipelineModel"  # whose own reader takes what is written here


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

        Only the stages before one that learns go over the data.

        Raises:
            TypeError: if a stage is none.
        """
        for stage in self._stages:
            if not isinstance(stage, Configured):
                msg = f"Cannot recognize a pipeline stage of type {type(stage)}."
                raise TypeError(msg)
        fitted: list[Stage] = []
        seen = 0  # how many of them the frame has been through
        for stage in self._stages:
            if isinstance(stage, NerApproach) and fitted[seen:]:
                dataset, seen = PipelineModel(fitted[seen:]).transform(dataset), len(fitted)
            fitted.append(stage.fit(dataset))
        return PipelineModel(fitted)


class RecursivePipeline(Pipeline):
    """A pipeline whose model leaves lazy annotators out, as every pipeline here does."""


class PipelineModel:
    """A fitted pipeline.

    Attributes:
        stages: the stages.
        uid: its identifier.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = list(stages)
        self.uid = f"PipelineModel_{uuid.uuid4().hex[:12]}"

    def transform(self, dataset: Any, params: Any = None) -> Any:  # noqa: ARG002 - as in pyspark
        """Return the frame, of its own kind, with the columns of all stages."""
        return transformed(annotators_of(self), dataset)

    def write(self) -> Writer:
        """Return a writer: `model.write().overwrite().save(path)`."""
        return Writer(self._write)

    def _write(self, folder: Path) -> None:
        uids = [stage.uid for stage in self.stages]
        write_metadata(folder, _CLASS, self.uid, {"stageUids": uids, "language": "Python"})
        for i, stage in enumerate(self.stages):
            stage.write().overwrite().save(str(stage_folder(folder, stage.uid, i, len(uids))))

    def save(self, path: str) -> None:
        """Write the pipeline, models included, as a folder that is not there yet."""
        self.write().save(path)

    @classmethod
    def load(cls, path: str) -> PipelineModel:
        """Read a folder that `save` wrote, or pyspark's PipelineModel with stages of this package.

        Raises:
            UnsupportedModelError: if it is none.
        """
        folder = local_path(path)
        metadata = read_metadata(folder)
        uids = [Path(uid).name for uid in metadata["paramMap"].get("stageUids", ())]
        model = cls([_stage(stage_folder(folder, uid, i, len(uids))) for i, uid in enumerate(uids)])
        model.uid = metadata["uid"]
        return model


def annotators_of(model: Any) -> list[Annotator]:
    """Return the annotators of all stages of a fitted pipeline, pyspark's too, that are not lazy."""
    found = [stage.annotator() for stage in model.stages]
    return [annotator for annotator in found if not getattr(annotator, "lazy_annotator", False)]


def _stage(folder: Path) -> Stage:
    name = read_metadata(folder)["class"].rpartition(".")[2]
    if name not in CLASSES:
        msg = f"{folder} holds a stage of an unknown class {name!r}."
        raise UnsupportedModelError(msg)
    return CLASSES[name].load(str(folder))
