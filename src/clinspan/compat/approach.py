"""NerDLApproach and MedicalNerApproach: classes that learn a tagger from a frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final

from clinspan.compat.labelled import LabelledTokens
from clinspan.compat.params import Configured, Face, Self, configured_class
from clinspan.compat.saved import local_path, read_metadata, write_metadata
from clinspan.compat.stage import Stage
from clinspan.compat.training_log import TrainingLog
from clinspan.exceptions import InputError
from clinspan.training.extra import check_extra

_TEST_DATA: Final = "testDataset"
_METRICS: Final = ("f1_micro", "f1_macro")


class NerApproach(Configured):
    """Base of the classes that learn.

    The network is a BiLSTM with a convolution over characters and a CRF; its sizes are those of Spark NLP's own graphs.
    `verbose` is numbered as there: 0 to 3 print, 4 is silent.
    """

    spark_base = "Estimator"
    model_class: ClassVar[type[Stage]]

    def fit(self, dataset: Any = None, params: Any = None) -> Stage:  # noqa: ARG002 - as in pyspark
        """Learn from a frame and return the model as a stage, which `save` keeps.

        Args:
            dataset: a pandas, Polars or Spark frame or an Arrow table with the columns of sentences, tokens, word
                embeddings and labels.
            params: accepted and not used.

        Raises:
            MissingInputError: if a column is missing.
            InputError: if no column of labels was named, or there is nothing to learn from.
            MissingExtraError: if PyTorch is not installed.
        """
        tokens = self._tokens(dataset)
        check_extra()
        from clinspan.compat.fitting import fitted_tagger

        settings = {**self.face.fitting, **self._kept}
        test = self._test_tokens()
        model = self.model_class()
        model._fields = dict(self._fields)
        model._kept = {name: value for name, value in self._kept.items() if name in model.face.without_effect}
        model._model = fitted_tagger(tokens, test, settings, TrainingLog(self.uid, settings))
        return model

    @classmethod
    def load(cls: type[Self], path: str) -> Self:
        """Read a folder that `save` wrote.

        Raises:
            InputError: if it holds a stage of another class.
        """
        metadata = read_metadata(local_path(path))
        if (name := metadata["class"].rpartition(".")[2]) != cls.__name__:
            msg = f"{path} holds a {name}, which {cls.__name__} does not read."
            raise InputError(msg)
        learner, known = cls(), {*cls.face.params, *cls.face.without_effect, *cls.face.fitting, _TEST_DATA}
        learner.uid = metadata["uid"]
        return learner.setParams(**{name: value for name, value in metadata["paramMap"].items() if name in known})

    def _write(self, folder: Path) -> None:
        fields = {param: self._fields[name] for param, name in self.face.params.items() if name in self._fields}
        write_metadata(folder, f"{type(self).__module__}.{type(self).__name__}", self.uid, {**fields, **self._kept})

    def setTestDataset(  # noqa: N802
        self: Self,
        path: str,
        read_as: str = "SPARK",  # noqa: ARG002 - as in Spark NLP
        options: Any = None,
    ) -> Self:
        """Set test data, which is measured after each epoch; return the approach.

        Args:
            path: a Parquet file, or a folder of them, with the columns of the training data.
            read_as: accepted and not used.
            options: as in Spark NLP; its `format`, if there is one, is `parquet`.

        Raises:
            ValueError: if the format is another.
        """
        if (options or {}).get("format", "parquet") != "parquet":
            msg = f"The test data of {self.uid} are read from Parquet, not {options['format']!r}."
            raise ValueError(msg)
        self._kept[_TEST_DATA] = path
        return self

    def getTestDataset(self) -> str | None:  # noqa: N802
        """Return the path of the test data."""
        return self._kept.get(_TEST_DATA)

    def _tokens(self, frame: Any) -> LabelledTokens:
        label = self._kept.get("labelColumn")
        if label is None:
            msg = f"{self.uid} learns from labels: name their column with setLabelColumn."
            raise InputError(msg)
        return LabelledTokens.from_frame(frame, self.getInputCols(), label, type(self).__name__)

    def _test_tokens(self) -> LabelledTokens | None:
        path = self.getTestDataset()
        if path is None:
            return None
        from pyarrow import parquet

        return self._tokens(parquet.read_table(local_path(path)))

    def _check(self, param: str, value: Any) -> None:
        super()._check(param, value)
        if param == "validationSplit" and not 0 <= value < 1:
            msg = f"validationSplit is {value}; a share of the data, from 0 to below 1, is wanted."
            raise ValueError(msg)
        if param == "bestModelMetric" and value not in _METRICS:
            msg = f"bestModelMetric is {value!r}; possible values: {', '.join(_METRICS)}."
            raise ValueError(msg)


def approach_class(name: str, face: Face, module: str, model: type[Stage]) -> type[NerApproach]:
    """Make the class that learns the models of another class."""
    doc = f"Learns a `{model.__name__}` from a frame: `{name}().setLabelColumn(...).fit(frame)`."
    return configured_class(name, face, module, NerApproach, model_class=model, __doc__=doc)
