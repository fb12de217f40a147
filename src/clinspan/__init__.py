"""clinspan finds clinical entities in medical notes.

    import clinspan
    ner = clinspan.load("en/anatomy")
    ner("Biopsy of the left kidney.").entities

Importing this package is light: what a name needs is imported when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinspan.annotators.bilstm_tagger import BiLstmTagger
    from clinspan.annotators.chunk_merge import ChunkMerge
    from clinspan.annotators.document import DocumentAssembler
    from clinspan.annotators.finisher import Finisher
    from clinspan.annotators.ner_converter import NerConverter, NerConverterInternal
    from clinspan.annotators.sentence import SentenceDetector
    from clinspan.annotators.sentence_dl import SentenceDetectorDL
    from clinspan.annotators.token import Tokenizer
    from clinspan.annotators.token_classifier import TokenClassifier
    from clinspan.annotators.word_embeddings import WordEmbeddings
    from clinspan.compat.session import start
    from clinspan.document import Document, Entity
    from clinspan.inference.model import open_bilstm, open_head, open_sentences, open_vectors
    from clinspan.pipeline import Pipeline
    from clinspan.recognizer import EntityRecognizer, load

__version__ = "0.1.0"

_EXPORTS = {
    "BiLstmTagger": "clinspan.annotators.bilstm_tagger",
    "ChunkMerge": "clinspan.annotators.chunk_merge",
    "Document": "clinspan.document",
    "DocumentAssembler": "clinspan.annotators.document",
    "Entity": "clinspan.document",
    "EntityRecognizer": "clinspan.recognizer",
    "Finisher": "clinspan.annotators.finisher",
    "NerConverter": "clinspan.annotators.ner_converter",
    "NerConverterInternal": "clinspan.annotators.ner_converter",
    "Pipeline": "clinspan.pipeline",
    "SentenceDetector": "clinspan.annotators.sentence",
    "SentenceDetectorDL": "clinspan.annotators.sentence_dl",
    "TokenClassifier": "clinspan.annotators.token_classifier",
    "Tokenizer": "clinspan.annotators.token",
    "WordEmbeddings": "clinspan.annotators.word_embeddings",
    "load": "clinspan.recognizer",
    "open_bilstm": "clinspan.inference.model",
    "open_head": "clinspan.inference.model",
    "open_sentences": "clinspan.inference.model",
    "open_vectors": "clinspan.inference.model",
    "start": "clinspan.compat.session",
}

__all__ = [
    "BiLstmTagger",
    "ChunkMerge",
    "Document",
    "DocumentAssembler",
    "Entity",
    "EntityRecognizer",
    "Finisher",
    "NerConverter",
    "NerConverterInternal",
    "Pipeline",
    "SentenceDetector",
    "SentenceDetectorDL",
    "TokenClassifier",
    "Tokenizer",
    "WordEmbeddings",
    "load",
    "open_bilstm",
    "open_head",
    "open_sentences",
    "open_vectors",
    "start",
]


_FACES = ("medical", "nlp")  # modules with the names of Spark NLP


def __getattr__(name: str) -> Any:
    if name in _FACES:
        return import_module(f"clinspan.compat.{name}")
    if name not in _EXPORTS:
        msg = f"module 'clinspan' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS, *_FACES})
