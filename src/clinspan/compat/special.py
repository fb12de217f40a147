"""Stages with methods of their own, beside the setters and getters of their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from clinspan.annotators.chunk_merge import ALL, LONGEST
from clinspan.annotators.ner_converter import read_replacements
from clinspan.compat.saved import local_path
from clinspan.compat.stage import ModelStage, Stage
from clinspan.corpora.files import read_lines
from clinspan.exceptions import InputError

Rules = TypeVar("Rules", bound="TokenizerStage")
Classifier = TypeVar("Classifier", bound="ClassifierStage")
Sentences = TypeVar("Sentences", bound="SentenceStage")
Converter = TypeVar("Converter", bound="ConverterStage")
Merge = TypeVar("Merge", bound="MergeStage")


class TokenizerStage(Stage):
    """A tokenizer: what it has several of can be added to."""

    def addException(self: Rules, value: str) -> Rules:  # noqa: N802
        """Add an exception; return the stage."""
        return self._put("exceptions", *self._values("exceptions"), value)

    def setExceptionsPath(  # noqa: N802
        self: Rules,
        path: str,
        read_as: str = "TEXT",  # noqa: ARG002 - as in Spark NLP, and so the next
        options: Any = None,  # noqa: ARG002
    ) -> Rules:
        """Add the exceptions in a file; return the stage.

        Args:
            path: of a text file with one on each line.
            read_as: accepted and not used.
            options: accepted and not used.

        Raises:
            InputError: if there is no such file, or it is not UTF-8.
        """
        lines = (line.strip() for line in read_lines(_file(path)))
        return self._put("exceptions", *self._values("exceptions"), *filter(None, lines))

    def addInfixPattern(self: Rules, value: str) -> Rules:  # noqa: N802
        """Add a pattern that is tried before the others; return the stage."""
        return self._put("infix_patterns", value, *self._values("infix_patterns"))

    def addContextChars(self: Rules, value: str) -> Rules:  # noqa: N802
        """Add a character that is split off; return the stage."""
        return self._put("context_chars", *self._values("context_chars"), value)

    def addSplitChars(self: Rules, value: str) -> Rules:  # noqa: N802
        """Add a character to cut tokens at; return the stage."""
        return self._put("split_chars", *self._values("split_chars"), value)

    def _values(self, name: str) -> tuple[str, ...]:
        return tuple(self._value(name))

    def _put(self: Rules, name: str, *values: str) -> Rules:
        self._refuse(name, values)
        self._fields[name] = values
        return self


class ClassifierStage(ModelStage):
    """A token classifier; all of them run on ONNX Runtime."""

    def getEngine(self) -> str:  # noqa: N802
        """Return what runs the model."""
        return "onnx"

    @classmethod
    def pretrainedEngine(  # noqa: N802
        cls: type[Classifier],
        name: str = "",
        lang: str = "en",
        remote_loc: str | None = None,
        engine: str = "onnx",  # noqa: ARG003 - as in Spark NLP
    ) -> Classifier:
        """As `pretrained`; the engine is accepted and not used."""
        return cls.pretrained(name, lang, remote_loc)


class MedicalNerStage(ModelStage):
    """A BiLSTM tagger of Healthcare NLP: with the scores of all tags it gives an overall confidence as well."""

    def _given(self) -> dict[str, Any]:
        given = super()._given()
        both = given["include_confidence"] or given.get("include_all_confidence_scores", False)
        return {**given, "include_confidence": both}


class SentenceStage(ModelStage):
    """A sentence detector with a model."""

    def setModel(self: Sentences, modelArchitecture: str) -> Sentences:  # noqa: N802, N803
        """Set modelArchitecture, as `setModelArchitecture`; return the stage."""
        return self.setParams(modelArchitecture=modelArchitecture)


class ConverterStage(Stage):
    """A converter that renames entities."""

    def setReplaceDictResource(  # noqa: N802
        self: Converter,
        path: str,
        read_as: str = "TEXT",  # noqa: ARG002 - as in Healthcare NLP
        options: Mapping[str, str] | None = None,
    ) -> Converter:
        """Set replaceLabels to what a file says; return the stage.

        Args:
            path: of a text file with an entity name and its new name on each line.
            read_as: accepted and not used.
            options: its `delimiter`, by default a comma, stands between the names.

        Raises:
            InputError: if there is no such file, it is not UTF-8, or a line lacks the delimiter.
        """
        return self.setParams(replaceLabels=read_replacements(_file(path), (options or {}).get("delimiter", ",")))


class MergeStage(Stage):
    """A merger of chunks."""

    def setMergeOverlapping(self: Merge, value: bool) -> Merge:  # noqa: N802
        """Set keep: of overlapping chunks the longest, or all of them if not to be merged; return the stage."""
        return self.setParams(keep=LONGEST if value else ALL)

    def getMergeOverlapping(self) -> bool:  # noqa: N802
        """Return whether one of overlapping chunks stays."""
        return bool(self._value("keep") != ALL)


def _file(path: str) -> Path:
    file = local_path(path)
    if not file.is_file():
        msg = f"No file at {path}."
        raise InputError(msg)
    return file
