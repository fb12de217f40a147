"""For every annotator the stages that lead up to it and itself, the last one."""

from collections.abc import Callable, Sequence

from clinspan import (
    BiLstmTagger,
    ChunkMerge,
    DocumentAssembler,
    Finisher,
    NerConverter,
    NerConverterInternal,
    SentenceDetector,
    SentenceDetectorDL,
    TokenClassifier,
    Tokenizer,
    WordEmbeddings,
    open_bilstm,
    open_head,
    open_sentences,
    open_vectors,
)
from clinspan.annotators.base import Annotator
from clinspan.annotators.pass_through import PassThrough

MODEL = "en/anatomy"


def to_sentences() -> list[Annotator]:
    return [DocumentAssembler(), SentenceDetector()]


def to_tokens() -> list[Annotator]:
    return [*to_sentences(), Tokenizer(input_cols=("sentence",))]


def to_embeddings() -> list[Annotator]:
    return [*to_tokens(), WordEmbeddings(model=open_vectors("embeddings_clinical"))]


def to_tags() -> list[Annotator]:
    return [*to_tokens(), TokenClassifier(model=open_head(MODEL), input_cols=("token", "sentence"))]


def to_chunks() -> list[Annotator]:
    return [*to_tags(), NerConverter()]


CHAINS: dict[str, Callable[[], list[Annotator]]] = {
    "DocumentAssembler": lambda: [DocumentAssembler(cleanup_mode="shrink")],
    "SentenceDetector": to_sentences,
    "SentenceDetectorDL": lambda: [
        DocumentAssembler(),
        SentenceDetectorDL(model=open_sentences("sentence_detector_dl"), impossible_penultimates=("Dr",)),
    ],
    "Tokenizer": to_tokens,
    "TokenClassifier": to_tags,
    "WordEmbeddings": to_embeddings,
    "BiLstmTagger": lambda: [
        *to_embeddings(),
        BiLstmTagger(model=open_bilstm("ner_clinical"), include_all_confidence_scores=True),
    ],
    "NerConverter": to_chunks,
    "NerConverterInternal": lambda: [
        *to_tags(),
        NerConverterInternal(
            output_col="entities",
            black_list=("Cell",),
            replace_labels={"Organ": "ORGAN"},
            ignore_stop_words=("and", ","),
        ),
    ],
    "ChunkMerge": lambda: [
        *to_chunks(),
        NerConverter(output_col="organs", white_list=("Organ",)),
        ChunkMerge(input_cols=("ner_chunk", "organs")),
    ],
    "PassThrough": lambda: [DocumentAssembler(), PassThrough()],
    "Finisher": lambda: [
        *to_chunks(),
        Finisher(input_cols=("ner_chunk", "sentence"), clean_annotations=False, include_metadata=True),
    ],
}


def written(stages: Sequence[Annotator]) -> dict[str, str]:
    """The columns of the last stage and their annotation types, "" for a plain one."""
    last = stages[-1]
    if isinstance(last, Finisher):
        return {column + tail: "" for column in last.output_cols for tail in ("", "_metadata")}
    return dict(last.outputs())
