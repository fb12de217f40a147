"""Parameters: what all classes with Spark NLP names have in common, made from the fields of the annotators."""

from __future__ import annotations

import re
import uuid
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from clinspan.annotators.base import Annotator, list_of_texts
from clinspan.compat.spark_ml import with_spark_bases
from clinspan.compat.writer import Writer
from clinspan.registry import annotator_class

Self = TypeVar("Self", bound="Configured")
_HIDDEN: Final = frozenset({"model", "pool"})
_FIELDS: Final = "_fields"  # where the parameters of the annotator are kept
LONGEST_SENTENCE: Final = "maxSentenceLength"
_ONE_OR_MORE: Final = "outputCols"  # which Spark NLP takes as one text, too
_CAP: Final = 512  # sub-words, of the transformers Spark NLP reads


@dataclass(frozen=True)
class Face:
    """What a Spark NLP class is here.

    Attributes:
        annotator: name of the annotator behind it.
        uid: what its identifiers begin with.
        inputs: types of the columns that `setInputCols` takes; empty: any number.
        defaults: fields whose default differs from the annotator's.
        without_effect: parameters that are accepted and kept, with their defaults; here they change nothing, but for
            `lazyAnnotator`, which pipelines heed.
        unset: fields that Spark NLP has no setter of.
        fitting: parameters of what `fit` does, with their defaults.
        pretrained: name that `pretrained()` takes by default; "" for stages without a model.
    """

    annotator: str
    uid: str
    inputs: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    without_effect: Mapping[str, Any] = field(default_factory=dict)
    fitting: Mapping[str, Any] = field(default_factory=dict)
    pretrained: str = ""

    @cached_property
    def behind(self) -> type[Annotator]:
        """The annotator class."""
        return annotator_class(self.annotator)

    @cached_property
    def params(self) -> dict[str, str]:
        """Parameter names in Spark NLP and the fields they set."""
        hidden = _HIDDEN.union(self.unset)
        return {camel_case(f.name): f.name for f in fields(self.behind) if f.name not in hidden}

    def default(self, name: str) -> Any:
        """Return the default of a field, None where it has none."""
        if name in self.defaults:
            return self.defaults[name]
        found = next(f for f in fields(self.behind) if f.name == name)
        if found.default_factory is not MISSING:
            return found.default_factory()
        return None if found.default is MISSING else found.default


class Configured:
    """Base of the classes with Spark NLP names: parameters are set one by one; setters return the object."""

    face: ClassVar[Face]
    spark_base: ClassVar[str]  # what it is in pyspark.ml

    def __new__(cls: type[Self], *_: Any, **__: Any) -> Self:  # noqa: D102
        made: Self = object.__new__(with_spark_bases(cls, cls.spark_base))
        return made

    def __init__(self, **params: Any) -> None:
        self.uid = f"{self.face.uid}_{uuid.uuid4().hex[:12]}"
        self._fields: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        self.setParams(**params)

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
        return list(self._value("input_cols"))

    def _value(self, field_name: str) -> Any:
        """Return what a field of the annotator is set to, or its default."""
        return self._fields.get(field_name, self.face.default(field_name))

    def setParams(self: Self, **params: Any) -> Self:  # noqa: N802
        """Set several parameters by name."""
        for name, value in params.items():
            getattr(self, f"set{name[0].upper()}{name[1:]}")(value)
        return self

    def copy(self: Self, extra: Any = None) -> Self:  # noqa: ARG002 - as in pyspark
        """Return an object with the same parameters and identifier."""
        twin = type(self)()
        twin.uid, twin._fields, twin._kept = self.uid, dict(self._fields), dict(self._kept)
        return twin

    def write(self) -> Writer:
        """Return a writer: `stage.write().overwrite().save(path)`."""
        return Writer(self._write)

    def save(self, path: str) -> None:
        """Write the stage, its model included, as a folder that is not there yet."""
        self.write().save(path)

    @abstractmethod
    def _write(self, folder: Path) -> None:
        """Write what `load` reads."""

    def _check(self, param: str, value: Any) -> None:
        """Refuse values that Spark NLP refuses."""
        if param == LONGEST_SENTENCE and value > _CAP:
            msg = (
                f"The models do not support token sequences longer than {_CAP}; clinspan reads longer ones in windows."
            )
            raise ValueError(msg)
        if param == LONGEST_SENTENCE and value < 1:
            msg = "The maxSentenceLength must be at least 1"
            raise ValueError(msg)

    def _refuse(self, attribute: str, value: Any) -> None:
        """Refuse values of a field that the annotator refuses, as far as this can be told before it is made."""

    def __repr__(self) -> str:
        return self.uid


def camel_case(name: str) -> str:
    """Return a field's name as Spark NLP spells it: `white_list` is `whiteList`."""
    return re.sub(r"_(\w)", lambda found: found.group(1).upper(), name)


def configured_class(name: str, face: Face, module: str, base: type[Self], **members: Any) -> type[Self]:
    """Make a class with a setter and a getter for every parameter.

    Args:
        name: of the class.
        face: what it is here.
        module: where it is to be found.
        base: what it derives from.
        members: further attributes.
    """
    found: dict[str, Any] = {"face": face, "__module__": module}
    for param, attribute in face.params.items():
        if attribute != "input_cols":
            found |= _accessors(param, attribute, _FIELDS, face.default(attribute))
    for param, value in {**face.without_effect, **face.fitting}.items():
        found |= _accessors(param, param, "_kept", value)
    return type(name, (base,), found | members)


def _accessors(param: str, attribute: str, store: str, default: Any) -> dict[str, Any]:
    tail = param[0].upper() + param[1:]

    listed = isinstance(default, tuple) and store == _FIELDS

    def setter(self: Configured, value: Any, *more: Any) -> Configured:
        self._check(param, value)
        value = _listed(param, value, *more) if listed else _single(param, value, *more)
        if store == _FIELDS:
            self._refuse(attribute, value)
        getattr(self, store)[attribute] = value
        return self

    def getter(self: Configured) -> Any:
        value = getattr(self, store).get(attribute, default)
        return list(value) if isinstance(value, tuple) else value

    setter.__name__, getter.__name__ = f"set{tail}", f"get{tail}"
    setter.__doc__, getter.__doc__ = f"Set {param}; return the stage.", f"Return {param}."
    return {setter.__name__: setter, getter.__name__: getter}


def _listed(param: str, value: Any, *more: Any) -> tuple[str, ...]:
    """Return texts that were given as a list, or one by one."""
    one_by_one = more or (param == _ONE_OR_MORE and isinstance(value, str))
    return list_of_texts(param, [value, *more] if one_by_one else value)


def _single(param: str, value: Any, *more: Any) -> Any:
    if more:
        msg = f"{param} takes one value, not {1 + len(more)}."
        raise TypeError(msg)
    return tuple(value) if isinstance(value, list) else value
