"""Every annotator by name: a table of import paths, so that nothing is imported before it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from clinspan.annotators.base import Annotator

ANNOTATORS: Final = {
    "BiLstmTagger": "clinspan.annotators.bilstm_tagger",
    "ChunkMerge": "clinspan.annotators.chunk_merge",
    "DocumentAssembler": "clinspan.annotators.document",
    "Finisher": "clinspan.annotators.finisher",
    "NerConverter": "clinspan.annotators.ner_converter",
    "NerConverterInternal": "clinspan.annotators.ner_converter",
    "PassThrough": "clinspan.annotators.pass_through",
    "SentenceDetector": "clinspan.annotators.sentence",
    "SentenceDetectorDL": "clinspan.annotators.sentence_dl",
    "TokenClassifier": "clinspan.annotators.token_classifier",
    "Tokenizer": "clinspan.annotators.token",
    "WordEmbeddings": "clinspan.annotators.word_embeddings",
}


def annotator_class(name: str) -> type[Annotator]:
    """Return an annotator class by name.

    Raises:
        KeyError: if there is none of that name.
    """
    found: type[Annotator] = getattr(import_module(ANNOTATORS[name]), name)
    return found
