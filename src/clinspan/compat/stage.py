"""Stages: annotators under their Spark NLP names, with setters and getters made from the annotators' fields."""

from __future__ import annotations

import re
import uuid
import warnings
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from clinspan.annotators.base import Annotator
from clinspan.compat.converted import open_saved
from clinspan.compat.frames import transformed
from clinspan.compat.saved import local_path, read_metadata, write_metadata
from clinspan.compat.spark_ml import with_spark_bases
from clinspan.compat.writer import Writer
from clinspan.exceptions import InputError, ModelNotFoundError
from clinspan.hub.importers.archives import cached
from clinspan.hub.importers.spark_nlp import is_spark_nlp, opened
from clinspan.inference.model import OpenedModel, open_model
from clinspan.persistence import is_saved, load_stages, save_stages
from clinspan.registry import annotator_class

Self = TypeVar("Self", bound="Stage")
_HIDDEN: Final = frozenset({"model", "pool"})
LONGEST_SENTENCE: Final = "maxSentenceLength"
_CAP: Final = 512  # sub-words, of the transformers Spark NLP reads


@dataclass(frozen=True)
class Face:
    """What a Spark NLP class is here.

    Attributes:
        annotator: name of the annotator behind it.
        uid: what its identifiers begin with.
        inputs: types of the columns that `setInputCols` takes; empty: any number.
        defaults: fields whose default differs from the annotator's.
        without_effect: parameters that are accepted and kept, with their defaults; here they change nothing.
        pretrained: name that `pretrained()` takes by default; "" for stages without a model.
    """

    annotator: str
    uid: str
    inputs: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    without_effect: Mapping[str, Any] = field(default_factory=dict)
    pretrained: str = ""

    @cached_property
    def behind(self) -> type[Annotator]:
        """The annotator class."""
        return annotator_class(self.annotator)

    @cached_property
    def params(self) -> dict[str, str]:
        """Parameter names in Spark NLP and the fields they set."""
        return {camel_case(f.name): f.name for f in fields(self.behind) if f.name not in _HIDDEN}

    def default(self, name: str) -> Any:
        """Return the default of a field, None where it has none."""
        if name in self.defaults:
            return self.defaults[name]
        found = next(f for f in fields(self.behind) if f.name == name)
        if found.default_factory is not MISSING:
            return found.default_factory()
        return None if found.default is MISSING else found.default


class Stage:
    """Base of the classes with Spark NLP names: set parameters one by one, then fit or transform.

    Setters return the stage. `transform` takes a list of texts, a pandas or Polars frame, an Arrow table or a
    Spark frame, and returns the same kind.
    """

    face: ClassVar[Face]

    def __new__(cls: type[Self], *_: Any, **__: Any) -> Self:  # noqa: D102
        made: Self = object.__new__(with_spark_bases(cls, "Transformer"))
        return made

    def __init__(self, **params: Any) -> None:
        self.uid = f"{self.face.uid}_{uuid.uuid4().hex[:12]}"
        self._fields: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self._model: OpenedModel | None = None
        self.setParams(**params)

    def annotator(self) -> Annotator:
        """Return the annotator with the parameters set so far.

        Raises:
            InputError: if a model is wanted and none was given.
        """
        return self.face.behind(**self._given())

    def _given(self) -> dict[str, Any]:
        return {**self.face.defaults, **self._fields}

    def transform(self, dataset: Any, params: Any = None) -> Any:  # noqa: ARG002 - as in pyspark
        """Return the frame with the column of this stage added."""
        return transformed([self.annotator()], dataset)

    def fit(self: Self, dataset: Any = None, params: Any = None) -> Self:  # noqa: ARG002 - as in pyspark
        """Return the stage: there is nothing to learn from the data."""
        return self

    def setInputCols(self: Self, *value: Any) -> Self:  # noqa: N802
        """Set the columns to read: one name, several, or a list; in any order."""
        names = value[0] if len(value) == 1 else list(value)
        if not isinstance(names, str | list | tuple):
            msg = "InputCols datatype not supported. It must be either str or list"
            raise TypeError(msg)
        names = (names,) if isinstance(names, str) else tuple(names)
        wanted = self.face.inputs
        if wanted and len(names) != len(wanted):
            msg = (
                f"setInputCols in {self.uid} expecting {len(wanted)} columns. Provided column amount: {len(names)}. "
                f"Which should be columns from the following annotators: {list(wanted)}"
            )
            raise TypeError(msg)
        self._fields["input_cols"] = names
        return self

    def getInputCols(self) -> list[str]:  # noqa: N802
        """Return the columns to read."""
        return list(self._fields.get("input_cols", self.face.default("input_cols")))

    def setParams(self: Self, **params: Any) -> Self:  # noqa: N802
        """Set several parameters by name."""
        for name, value in params.items():
            getattr(self, f"set{name[0].upper()}{name[1:]}")(value)
        return self

    def copy(self: Self, extra: Any = None) -> Self:  # noqa: ARG002 - as in pyspark
        """Return a stage with the same parameters and identifier."""
        twin = type(self)()
        twin.uid, twin._model = self.uid, self._model
        twin._fields, twin._kept = dict(self._fields), dict(self._kept)
        return twin

    def write(self) -> Writer:
        """Return a writer: `stage.write().overwrite().save(path)`."""
        return Writer(self._write)

    def _write(self, folder: Path) -> None:
        save_stages([self.annotator()], folder)
        write_metadata(folder, f"{type(self).__module__}.{type(self).__name__}", self.uid)

    def save(self, path: str) -> None:
        """Write the stage, its model included, as a folder that is not there yet."""
        self.write().save(path)

    @classmethod
    def load(cls: type[Self], path: str) -> Self:
        """Read a folder that `save` wrote."""
        folder = local_path(path)
        (annotator,) = load_stages(folder)
        if not isinstance(annotator, cls.face.behind):
            msg = f"{path} holds a {annotator.name}, which {cls.__name__} does not read."
            raise InputError(msg)
        stage = cls.from_annotator(annotator)
        stage.uid = read_metadata(folder)["uid"]
        return stage

    @classmethod
    def from_annotator(cls: type[Self], annotator: Annotator) -> Self:
        """Return the stage of an annotator."""
        stage = cls()
        stage._fields = {name: getattr(annotator, name) for name in cls.face.params.values()}
        stage._model = getattr(annotator, "model", None)
        return stage

    def __repr__(self) -> str:
        return self.uid


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
        """
        stage = cls()
        try:
            stage._model = open_model(name or cls.face.pretrained, language=lang)
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
        return [] if self._model is None else list(self._model.head.tags)

    def _given(self) -> dict[str, Any]:
        if self._model is None:
            msg = f"{type(self).__name__} has no model; use {type(self).__name__}.pretrained(name, lang)."
            raise InputError(msg)
        return {**super()._given(), "model": self._model}

    def _on_case(self, value: bool) -> None:
        cased = None if self._model is None else self._model.manifest.cased
        if cased is not None and cased != value:
            msg = f"{self.uid}: caseSensitive={value} has no effect; the model is {'cased' if cased else 'uncased'}."
            warnings.warn(msg, stacklevel=3)


def _from_spark_nlp(stage: Self, path: Path) -> Self:
    """Give a stage the model and the parameters that Spark NLP saved."""
    with opened(path) as saved:
        if stage.face.annotator != "TokenClassifier":
            msg = f"{path} holds a token classifier, which {type(stage).__name__} does not read."
            raise InputError(msg)
        stage._model = open_saved(saved)
    return stage.setParams(**saved.params)


def camel_case(name: str) -> str:
    """Return a field's name as Spark NLP spells it: `white_list` is `whiteList`."""
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def stage_class(name: str, face: Face, module: str) -> type[Stage]:
    """Make a class with a setter and a getter for every parameter."""
    base = ModelStage if face.pretrained else Stage
    methods: dict[str, Any] = {
        "face": face,
        "__doc__": f"`{face.annotator}` under its name in Spark NLP.",
        "__module__": module,
    }
    for param, attribute in face.params.items():
        if attribute != "input_cols":
            methods |= _accessors(param, attribute, "_fields", face.default(attribute))
    for param, value in face.without_effect.items():
        methods |= _accessors(param, param, "_kept", value)
    return type(name, (base,), methods)


def _accessors(param: str, attribute: str, store: str, default: Any) -> dict[str, Any]:
    tail = param[0].upper() + param[1:]

    def setter(self: Stage, value: Any) -> Stage:
        _check(param, value)
        if param == "caseSensitive" and isinstance(self, ModelStage):
            self._on_case(value)
        getattr(self, store)[attribute] = tuple(value) if isinstance(value, list) else value
        return self

    def getter(self: Stage) -> Any:
        value = getattr(self, store).get(attribute, default)
        return list(value) if isinstance(value, tuple) else value

    setter.__name__, getter.__name__ = f"set{tail}", f"get{tail}"
    setter.__doc__, getter.__doc__ = f"Set {param}; return the stage.", f"Return {param}."
    return {setter.__name__: setter, getter.__name__: getter}


def _check(param: str, value: Any) -> None:
    if param == LONGEST_SENTENCE and value > _CAP:
        msg = f"The models do not support token sequences longer than {_CAP}; clinspan reads longer ones in windows."
        raise ValueError(msg)
    if param == LONGEST_SENTENCE and value < 1:
        msg = "The maxSentenceLength must be at least 1"
        raise ValueError(msg)
