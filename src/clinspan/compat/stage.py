"""Stages: annotators under their Spark NLP names."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Final, TypeVar

from clinspan.annotators.base import Annotator
from clinspan.compat.converted import open_saved
from clinspan.compat.frames import transformed
from clinspan.compat.params import Configured, Face, configured_class
from clinspan.compat.saved import local_path, read_metadata, write_metadata
from clinspan.exceptions import InputError, ModelNotFoundError, UnsupportedModelError
from clinspan.hub.importers.archives import cached
from clinspan.hub.importers.spark_nlp import is_spark_nlp, opened
from clinspan.inference.model import BiLstmModel, HeadModel, OpenedModel, SentenceModel, VectorModel, open_model
from clinspan.persistence import is_saved, load_stages, save_stages

Self = TypeVar("Self", bound="Stage")
_OF_COLUMNS: Final = frozenset({"ChunkMerge", "Finisher"})  # which are nothing before they have their columns
_READERS: Final = {  # of each kind of model: the annotator, and a class with it behind
    HeadModel: ("TokenClassifier", "MedicalBertForTokenClassifier"),
    VectorModel: ("WordEmbeddings", "WordEmbeddingsModel"),
    BiLstmModel: ("BiLstmTagger", "NerDLModel"),
    SentenceModel: ("SentenceDetectorDL", "SentenceDetectorDLModel"),
}


class Stage(Configured):
    """Base of the classes that annotate: set parameters one by one, then fit or transform.

    `transform` takes a list of texts, a pandas or Polars frame, an Arrow table or a
    Spark frame, and returns the same kind.
    """

    spark_base = "Transformer"

    def __init__(self, **params: Any) -> None:
        self._model: OpenedModel | None = None
        super().__init__(**params)

    def annotator(self) -> Annotator:
        """Return the annotator with the parameters set so far.

        Raises:
            InputError: if a model is wanted and none was given.
        """
        return self.face.behind(**self._given())

    def _given(self) -> dict[str, Any]:
        return {**self.face.defaults, **self._fields}

    def _refuse(self, attribute: str, value: Any) -> None:
        if not self.face.pretrained and self.face.annotator not in _OF_COLUMNS:
            self.face.behind(**{attribute: value})

    def transform(self, dataset: Any, params: Any = None) -> Any:  # noqa: ARG002 - as in pyspark
        """Return the frame with the column of this stage added."""
        return transformed([self.annotator()], dataset, [self.uid])

    def fit(self: Self, dataset: Any = None, params: Any = None) -> Self:  # noqa: ARG002 - as in pyspark
        """Return the stage: there is nothing to learn from the data."""
        return self

    @property
    def lazy(self) -> bool:
        """Whether pipelines leave it out."""
        return bool(getattr(self, "getLazyAnnotator", bool)())

    def copy(self: Self, extra: Any = None) -> Self:
        """Return a stage with the same parameters, model and identifier."""
        twin = super().copy(extra)
        twin._model = self._model
        return twin

    def _write(self, folder: Path) -> None:
        save_stages([self.annotator()], folder)
        write_metadata(folder, f"{type(self).__module__}.{type(self).__name__}", self.uid, self._kept)

    @classmethod
    def load(cls: type[Self], path: str) -> Self:
        """Read a folder that `save` wrote."""
        folder = local_path(path)
        (annotator,) = load_stages(folder)
        if type(annotator) is not cls.face.behind:
            msg = f"{path} holds a {annotator.name}, which {cls.__name__} does not read."
            raise InputError(msg)
        stage, metadata = cls.from_annotator(annotator), read_metadata(folder)
        stage.uid = metadata["uid"]
        stage._kept = {name: value for name, value in metadata["paramMap"].items() if name in cls.face.without_effect}
        return stage

    @classmethod
    def from_annotator(cls: type[Self], annotator: Annotator) -> Self:
        """Return the stage of an annotator."""
        stage = cls()
        stage._fields = {name: getattr(annotator, name) for name in cls.face.params.values()}
        stage._model = getattr(annotator, "model", None)
        return stage


class ModelStage(Stage):
    """A stage with a model."""

    @classmethod
    def pretrained(cls: type[Self], name: str = "", lang: str = "en", remote_loc: str | None = None) -> Self:  # noqa: ARG003
        """Return a stage with a model of clinspan's own, one that was imported, or one that Spark NLP has downloaded.

        Args:
            name: any name that `clinspan models` lists, Spark NLP's included.
            lang: ISO 639-1 code; `xx` for any.
            remote_loc: accepted and not used: nothing is downloaded.

        Raises:
            ModelNotFoundError: suggesting the nearest name.
            UnsupportedModelError: if the name is that of another kind of model; the message says which class opens it.
        """
        stage = cls()
        try:
            stage._model = _of_kind(open_model(name or cls.face.pretrained, language=lang), cls)
        except ModelNotFoundError:
            if (archive := cached(name, lang)) is None:
                raise
            return _from_spark_nlp(stage, archive)
        return stage

    @classmethod
    def loadSavedModel(cls: type[Self], folder: str, spark: Any = None) -> Self:  # noqa: ARG003, N802
        """Return a stage with a token classifier that was exported for Spark NLP: `model.onnx` and `assets/`.

        Args:
            folder: the folder, or a zip archive of it.
            spark: accepted and not used.

        Raises:
            DamagedModelError: if a file is absent or malformed.
            UnsupportedModelError: if it is nothing that can be read; the message says what to do instead.
        """
        return _from_spark_nlp(cls(), local_path(folder))

    @classmethod
    def load(cls: type[Self], path: str) -> Self:
        """Read a folder that `save` wrote, or one that Spark NLP saved, or an archive of that."""
        folder = local_path(path)
        return super().load(path) if is_saved(folder) or not is_spark_nlp(folder) else _from_spark_nlp(cls(), folder)

    def getClasses(self) -> list[str]:  # noqa: N802
        """Return the tags of the model."""
        return [] if self._model is None else list(getattr(self.annotator(), "classes", self._model.head.tags))

    def _given(self) -> dict[str, Any]:
        if self._model is None:
            msg = f"{type(self).__name__} has no model; use {type(self).__name__}.pretrained(name, lang)."
            raise InputError(msg)
        return {**super()._given(), "model": self._model}

    def _check(self, param: str, value: Any) -> None:
        super()._check(param, value)
        cased = None if self._model is None else self._model.manifest.cased
        if param == "caseSensitive" and cased is not None and cased != value:
            msg = f"{self.uid}: caseSensitive={value} has no effect; the model is {'cased' if cased else 'uncased'}."
            warnings.warn(msg, stacklevel=3)


def _of_kind(model: OpenedModel, cls: type[Stage]) -> OpenedModel:
    """Refuse a model of another kind than a class reads."""
    annotator, reader = _READERS[type(model)]
    if cls.face.annotator != annotator:
        msg = (
            f"{model.head.name} is of the kind {model.manifest.architecture!r}, which {cls.__name__} does not read; "
            f"open it with {reader}.pretrained."
        )
        raise UnsupportedModelError(msg)
    return model


def _from_spark_nlp(stage: Self, path: Path) -> Self:
    """Give a stage the model and the parameters that Spark NLP saved."""
    with opened(path) as saved:
        if stage.face.annotator != "TokenClassifier":
            msg = f"{path} holds a token classifier, which {type(stage).__name__} does not read."
            raise InputError(msg)
        stage._model = open_saved(saved)
    return stage.setParams(**saved.params)


def stage_class(name: str, face: Face, module: str, base: type[Stage] | None = None) -> type[Stage]:
    """Make the class of a stage, with a base that has further methods where one is given."""
    base = base or (ModelStage if face.pretrained else Stage)
    return configured_class(name, face, module, base, __doc__=f"`{face.annotator}` under its name in Spark NLP.")
