"""Pipeline and PipelineModel with the shapes of pyspark.ml, for frames of every kind."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from clinspan.compat.approach import NerApproach
from clinspan.compat.frames import transformed
from clinspan.compat.params import Configured
from clinspan.compat.saved import local_path, read_metadata, stage_folder, write_metadata
from clinspan.compat.stage import Stage
from clinspan.compat.stages import CLASSES, LEARNERS
from clinspan.compat.writer import Writer
from clinspan.exceptions import UnsupportedModelError

Self = TypeVar("Self", bound="Chain")


class Chain:
    """Base of a pipeline and its model: stages in order, saved as pyspark.ml does.

    Attributes:
        stages: the stages.
        uid: its identifier.
    """

    spark_class: ClassVar[str]  # whose own reader takes what is written here
    known: ClassVar[Mapping[str, type[Any]]]  # classes of the stages, by name

    def __init__(self, stages: Sequence[Any] = ()) -> None:
        self.stages = list(stages)
        self.uid = f"{type(self).__name__}_{uuid.uuid4().hex[:12]}"

    def write(self) -> Writer:
        """Return a writer: `pipeline.write().overwrite().save(path)`."""
        return Writer(self._write)

    def _write(self, folder: Path) -> None:
        uids = [stage.uid for stage in self.stages]
        write_metadata(folder, self.spark_class, self.uid, {"stageUids": uids, "language": "Python"})
        for i, stage in enumerate(self.stages):
            stage.write().overwrite().save(str(stage_folder(folder, stage.uid, i, len(uids))))

    def save(self, path: str) -> None:
        """Write the stages, models included, as a folder that is not there yet."""
        self.write().save(path)

    @classmethod
    def load(cls: type[Self], path: str) -> Self:
        """Read a folder that `save` wrote, or that of pyspark's own class with stages of this package.

        Raises:
            UnsupportedModelError: if it is none.
        """
        folder = local_path(path)
        metadata = read_metadata(folder)
        uids = [Path(uid).name for uid in metadata["paramMap"].get("stageUids", ())]
        chain = cls([cls._stage(stage_folder(folder, uid, i, len(uids))) for i, uid in enumerate(uids)])
        chain.uid = metadata["uid"]
        return chain

    @classmethod
    def _stage(cls, folder: Path) -> Any:
        name = read_metadata(folder)["class"].rpartition(".")[2]
        known: dict[str, type[Any]] = {**cls.known, "Pipeline": Pipeline, "PipelineModel": PipelineModel}
        if name not in known:
            msg = f"{folder} holds a stage of an unknown class {name!r}."
            raise UnsupportedModelError(msg)
        return known[name].load(str(folder))


class Pipeline(Chain):
    """Stages in order, as pyspark.ml.Pipeline; some may have to learn."""

    spark_class = "pyspark.ml.pipeline.Pipeline"
    known: ClassVar[Mapping[str, type[Any]]] = {**CLASSES, **LEARNERS}

    def setStages(self, value: Sequence[Any]) -> Pipeline:  # noqa: N802
        """Set the stages; return the pipeline."""
        self.stages = list(value)
        return self

    def getStages(self) -> list[Any]:  # noqa: N802
        """Return the stages."""
        return self.stages

    def fit(self, dataset: Any = None, params: Any = None) -> PipelineModel:  # noqa: ARG002 - as in pyspark
        """Return the fitted pipeline.

        Only the stages before one that learns go over the data.

        Raises:
            TypeError: if a stage is none.
        """
        for stage in self.stages:
            if not isinstance(stage, Configured | Chain):
                raise TypeError(_unknown(stage))
        fitted: list[Any] = []
        seen = 0  # how many of them the frame has been through
        for stage in self.stages:
            if _learns(stage) and fitted[seen:]:
                dataset, seen = PipelineModel(fitted[seen:]).transform(dataset), len(fitted)
            fitted.append(stage.fit(dataset) if hasattr(stage, "fit") else stage)
        return PipelineModel(fitted)


class RecursivePipeline(Pipeline):
    """A pipeline whose model leaves lazy annotators out, as every pipeline here does."""


class PipelineModel(Chain):
    """A fitted pipeline."""

    spark_class = "pyspark.ml.pipeline.PipelineModel"
    known: ClassVar[Mapping[str, type[Any]]] = CLASSES

    def transform(self, dataset: Any, params: Any = None) -> Any:  # noqa: ARG002 - as in pyspark
        """Return the frame, of its own kind, with the columns of all stages."""
        stages = working_stages(self)
        return transformed([stage.annotator() for stage in stages], dataset, [stage.uid for stage in stages])


def working_stages(model: Any, *, others: bool = True) -> list[Stage]:
    """Return the stages of a fitted pipeline, pyspark's too, that are not lazy; those of pipelines within it as well.

    Args:
        model: the fitted pipeline.
        others: whether a stage that is none of this package's is an error, or left out.

    Raises:
        TypeError: if there is such a stage.
    """
    found: list[Stage] = []
    for stage in model.stages:
        if hasattr(stage, "stages"):
            found += working_stages(stage, others=others)
        elif isinstance(stage, Stage):
            found += [] if stage.lazy else [stage]
        elif others:
            raise TypeError(_unknown(stage))
    return found


def _learns(stage: Any) -> bool:
    return any(map(_learns, stage.stages)) if isinstance(stage, Chain) else isinstance(stage, NerApproach)


def _unknown(stage: Any) -> str:
    return f"Cannot recognize a pipeline stage of type {type(stage)}."
