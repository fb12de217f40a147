"""LightPipeline and PretrainedPipeline: texts in, dictionaries out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.finisher import Finisher
from clinspan.annotators.sentence_base import SentenceStage
from clinspan.compat.annotation import Annotation
from clinspan.compat.pipeline import PipelineModel, working_stages
from clinspan.compat.stage import ModelStage
from clinspan.compat.stages import CLASSES
from clinspan.compat.wiring import wired
from clinspan.exceptions import TextError
from clinspan.frames import names_of, only, place_of
from clinspan.inference.model import BiLstmModel, open_model
from clinspan.pipeline import Pipeline, check_stages
from clinspan.rows import describe_rows
from clinspan.texts import TextSource

Found = dict[str, list[Any]]
_METADATA: Final = "clinspan_metadata"
_MAP: Final = pa.map_(pa.string(), pa.string())


class LightPipeline:
    """Annotates texts, one or many, without a frame.

    Args:
        pipelineModel: a fitted pipeline, of pyspark too, whose first stage is a DocumentAssembler. Stages of pyspark
            are left out; those of pipelines within it count as its own.
        parse_embeddings: give vectors; they are left out by default.
        output_cols: columns to give; all by default.

    Raises:
        InputColsError: if a stage does not find its columns.
    """

    def __init__(
        self,
        pipelineModel: Any,  # noqa: N803
        parse_embeddings: bool = False,
        output_cols: Sequence[str] | None = None,
    ) -> None:
        self.pipeline_model = pipelineModel
        stages = working_stages(pipelineModel, others=False)
        annotators = [_on_texts(stage.annotator()) for stage in stages]
        wired(annotators, {}, [], [stage.uid for stage in stages])
        self._pipeline = Pipeline([stage for stage in annotators if not isinstance(stage, Finisher)])
        self._written = [*check_stages(self._pipeline.stages)]
        finished = [name for stage in annotators if isinstance(stage, Finisher) for name in stage.input_cols]
        self._chosen = list(output_cols or ())
        self._wanted = self._chosen or finished
        self._vectors = parse_embeddings

    def annotate(self, target: Any, optional_target: Any = None, metadata: Any = None) -> Any:
        """Return the results by column: a dictionary for a text, a list of them for a list.

        Args:
            target: a text, a list of texts, or a list of ids with the texts after it.
            optional_target: texts, if `target` holds ids; or the metadata.
            metadata: what the metadata of the documents is to hold besides: a dictionary for each text, or the values
                of all texts by key.

        Raises:
            TypeError: if a text or the metadata has another form.
            TextError: naming texts that cannot be annotated.
            MissingColumnError: if no stage writes one of `output_cols`.
        """
        found = [_results(row) for row in self._rows(target, optional_target, metadata)]
        return found[0] if isinstance(target, str) else found

    def fullAnnotate(self, target: Any, optional_target: Any = None, metadata: Any = None) -> list[Found]:  # noqa: N802
        """Return the annotations by column, in a list of one dictionary for each text; otherwise as `annotate`."""
        return list(self._rows(target, optional_target, metadata))

    def transform(self, dataset: Any) -> Any:
        """Return the frame with the columns of all stages, or with those of `output_cols` alone."""
        after = self.pipeline_model.transform(dataset)
        self._check_chosen(names_of(after))
        return only(after, [*names_of(dataset), *self._chosen]) if self._chosen else after

    def _rows(self, target: Any, optional_target: Any, metadata: Any) -> Iterator[Found]:
        if isinstance(optional_target, Mapping):
            optional_target, metadata = None, optional_target
        self._check_chosen(self._written)
        texts = _texts(target, optional_target)
        source, given = TextSource(texts), _given(metadata, len(texts))
        text_col = self._pipeline.text_col
        for batch in self._with_metadata(bool(given)).run(_columns(source, text_col, given)):
            if source.errors:
                raise TextError(describe_rows(source.errors))
            names = [name for name in self._wanted or batch.schema.names if name not in (text_col, _METADATA)]
            columns = [batch.column(name).to_pylist() for name in names]
            for row in zip(*columns, strict=True):
                yield {name: self._annotations(cell) for name, cell in zip(names, row, strict=True)}

    def _check_chosen(self, available: Sequence[str]) -> None:
        for name in self._chosen:
            place_of(name, available, "output_cols")

    def _with_metadata(self, given: bool) -> Pipeline:
        """Return the stages; if metadata are given, with an assembler that reads them."""
        first, *rest = self._pipeline.stages
        if not given or not isinstance(first, DocumentAssembler):
            return self._pipeline
        return replace(self._pipeline, stages=[replace(first, metadata_col=_METADATA), *rest])

    def _annotations(self, cell: list[dict[str, Any]] | None) -> list[Annotation]:
        found = [Annotation.fromRow(annotation) for annotation in cell or ()]
        if not self._vectors:
            for annotation in found:
                annotation.embeddings = []
        return found


def _on_texts(annotator: Annotator) -> Annotator:
    """Return a stage as it works on texts, which have no other columns, and each of which is one row of the result."""
    if isinstance(annotator, DocumentAssembler):
        return replace(annotator, id_col=None, metadata_col=None)
    if isinstance(annotator, SentenceStage):
        return replace(annotator, explode_sentences=False)
    return annotator


def _texts(target: Any, optional_target: Any) -> list[str]:
    """Return the texts, which come second where ids come first."""
    if optional_target not in (None, ""):
        if not all(isinstance(each, list | tuple) for each in (target, optional_target)):
            msg = "optional_target is a list of texts, with a list of as many ids as target."
            raise TypeError(msg)
        if len(target) != len(optional_target):
            msg = f"target has {len(target)} ids for {len(optional_target)} texts; give as many."
            raise TypeError(msg)
        target = optional_target
    if not isinstance(target, str) and not all(isinstance(text, str) for text in target):
        msg = "target is a text or a list of texts."
        raise TypeError(msg)
    return [target] if isinstance(target, str) else list(target)


def _given(metadata: Any, count: int) -> list[dict[str, str]]:
    """Return the metadata of each text; [] if there are none."""
    if isinstance(metadata, Mapping) and all(isinstance(v, list) and len(v) == count for v in metadata.values()):
        metadata = [dict(zip(metadata, values, strict=True)) for values in zip(*metadata.values(), strict=True)]
    found = metadata or []
    if not isinstance(found, list) or len(found) not in (0, count) or not all(isinstance(m, Mapping) for m in found):
        msg = "metadata is a dictionary for each text, or a dictionary with a list of one value for each text."
        raise TypeError(msg)
    return [{str(key): str(value) for key, value in one.items()} for one in found]


def _columns(source: TextSource, text_col: str, metadata: Sequence[Mapping[str, str]]) -> Iterator[pa.RecordBatch]:
    first = 0
    for batch in source.batches():
        rows = metadata[first : first + batch.num_rows]
        first += batch.num_rows
        beside = {_METADATA: pa.array([list(row.items()) for row in rows], _MAP)} if metadata else {}
        yield pa.RecordBatch.from_pydict({text_col: batch.column(0), **beside})


def _results(row: Found) -> dict[str, list[str]]:
    return {name: [annotation.result for annotation in column] for name, column in row.items()}


class PretrainedPipeline:
    """A whole pipeline by the name of its model.

    Args:
        name: of a tagger: any that `clinspan models` lists.
        lang: ISO 639-1 code.
        remote_loc: accepted and not used.
        parse_embeddings: as in `LightPipeline`.
        disk_location: folder of a saved pipeline, in place of a name.
    """

    def __init__(
        self,
        name: str,
        lang: str = "en",
        remote_loc: str | None = None,  # noqa: ARG002 - as in Spark NLP
        parse_embeddings: bool = False,
        disk_location: str | None = None,
    ) -> None:
        self.name, self.lang = name, lang
        self.model = PipelineModel.load(disk_location) if disk_location else _whole(name, lang)
        self.light_model = LightPipeline(self.model, parse_embeddings)

    def annotate(self, target: Any, optional_target: Any = None, metadata: Any = None) -> Any:
        """As `LightPipeline.annotate`."""
        return self.light_model.annotate(target, optional_target, metadata)

    def fullAnnotate(self, target: Any, optional_target: Any = None, metadata: Any = None) -> list[Found]:  # noqa: N802
        """As `LightPipeline.fullAnnotate`."""
        return self.light_model.fullAnnotate(target, optional_target, metadata)

    def transform(self, dataset: Any) -> Any:
        """Return the frame with the columns of all stages."""
        return self.model.transform(dataset)

    @staticmethod
    def from_disk(path: str, parse_embeddings: bool = False) -> PretrainedPipeline:
        """Read a saved pipeline."""
        return PretrainedPipeline(path, disk_location=path, parse_embeddings=parse_embeddings)


def _whole(name: str, lang: str) -> PipelineModel:
    """Return the stages from texts to the chunks of a model."""
    model = open_model(name, language=lang)
    learnt = isinstance(model, BiLstmModel)
    names = ["WordEmbeddingsModel", "NerDLModel"] if learnt else ["MedicalBertForTokenClassifier"]
    stages = [
        CLASSES["DocumentAssembler"](),
        _pretrained("SentenceDetectorDLModel", "sentence_detector_dl", "xx"),
        CLASSES["Tokenizer"](inputCols=["sentence"]),
        *([_pretrained(names[0], model.manifest.vectors, lang)] if learnt else []),
        _pretrained(names[-1], name, lang),
        CLASSES["NerConverterInternal"](),
    ]
    return PipelineModel(stages)


def _pretrained(cls: str, name: str, lang: str) -> ModelStage:
    found = CLASSES[cls]
    if not issubclass(found, ModelStage):
        raise TypeError(cls)
    return found.pretrained(name, lang)
