"""Which classes there are: a row for each, and the names that the libraries have given them over the years."""

from __future__ import annotations

from typing import Any, Final

from clinspan.compat.params import LONGEST_SENTENCE, Face
from clinspan.compat.stage import Stage, stage_class
from clinspan.schema import DOCUMENT, NAMED_ENTITY, TOKEN, WORD_EMBEDDINGS

_LAZY: Final = {"lazyAnnotator": False}
_TRANSFORMER: Final[dict[str, Any]] = {
    "batchSize": 8,
    LONGEST_SENTENCE: 128,  # a limit in Spark NLP; here longer sentences are read in windows
    "caseSensitive": True,
    "configProtoBytes": None,
    **_LAZY,
}
_MEDICAL: Final = {"doExceptionHandling": False}


def _classifier(uid: str) -> Face:
    return Face(
        "TokenClassifier",
        uid,
        (DOCUMENT, TOKEN),
        without_effect=_TRANSFORMER,
        pretrained="bert_token_classifier_ner_anatomy_onnx",
    )


def _tagger(uid: str, **without_effect: Any) -> Face:
    return Face(
        "BiLstmTagger",
        uid,
        (DOCUMENT, TOKEN, WORD_EMBEDDINGS),
        defaults={"include_confidence": False},
        without_effect={"batchSize": 8, "storageRef": None, **_LAZY, **without_effect},
        pretrained="ner_clinical",
    )


FACES: Final[dict[str, Face]] = {
    "DocumentAssembler": Face("DocumentAssembler", "DocumentAssembler"),
    "SentenceDetector": Face("SentenceDetector", "SENTENCE", (DOCUMENT,), without_effect=_LAZY),
    "SentenceDetectorDLModel": Face(
        "SentenceDetectorDL",
        "SentenceDetectorDLModel",
        (DOCUMENT,),
        without_effect={"modelArchitecture": "cnn", **_LAZY},
        pretrained="sentence_detector_dl",
    ),
    "Tokenizer": Face("Tokenizer", "REGEX_TOKENIZER", (DOCUMENT,), without_effect=_LAZY),
    "BertForTokenClassification": _classifier("BERT_FOR_TOKEN_CLASSIFICATION"),
    "RoBertaForTokenClassification": _classifier("ROBERTA_FOR_TOKEN_CLASSIFICATION"),
    "XlmRoBertaForTokenClassification": _classifier("XLM_ROBERTA_FOR_TOKEN_CLASSIFICATION"),
    "DistilBertForTokenClassification": _classifier("DISTILBERT_FOR_TOKEN_CLASSIFICATION"),
    "DeBertaForTokenClassification": _classifier("DEBERTA_FOR_TOKEN_CLASSIFICATION"),
    "CamemBertForTokenClassification": _classifier("CAMEMBERT_FOR_TOKEN_CLASSIFICATION"),
    "MedicalBertForTokenClassifier": _classifier("MEDICAL_BERT_FOR_TOKEN_CLASSIFICATION"),
    "WordEmbeddingsModel": Face(
        "WordEmbeddings",
        "WORD_EMBEDDINGS_MODEL",
        (DOCUMENT, TOKEN),
        without_effect={"dimension": 200, "caseSensitive": False, "storageRef": None, **_LAZY},
        pretrained="embeddings_clinical",
    ),
    "NerDLModel": _tagger("NerDLModel"),
    "MedicalNerModel": _tagger("MedicalNerModel", labelCasing=None, doExceptionHandling=False),
    "NerConverter": Face("NerConverter", "NER_CONVERTER", (DOCUMENT, TOKEN, NAMED_ENTITY), without_effect=_LAZY),
    "NerConverterInternal": Face(
        "NerConverterInternal", "NER_CONVERTER", (DOCUMENT, TOKEN, NAMED_ENTITY), without_effect=_MEDICAL
    ),
    "ChunkMergeModel": Face("ChunkMerge", "MERGE", without_effect={"mergeOverlapping": True, **_LAZY}),
    "Finisher": Face("Finisher", "FINISHER", without_effect={"parseEmbeddingsVectors": False}),
}

OPEN: Final = {  # names in sparknlp.base, sparknlp.annotator and johnsnowlabs.nlp
    **{name: name for name in FACES if not name.startswith(("Medical", "NerConverterInternal", "ChunkMerge"))},
    "TokenizerModel": "Tokenizer",
}
MEDICAL: Final = {  # names in sparknlp_jsl.annotator and johnsnowlabs.medical
    "MedicalBertForTokenClassifier": "MedicalBertForTokenClassifier",
    "MedicalBertForTokenClassification": "MedicalBertForTokenClassifier",
    "BertForTokenClassifier": "MedicalBertForTokenClassifier",
    "BertForTokenClassification": "MedicalBertForTokenClassifier",
    "MedicalNerModel": "MedicalNerModel",
    "NerModel": "MedicalNerModel",
    "NerConverterInternal": "NerConverterInternal",
    "NerConverter": "NerConverterInternal",
    "ChunkMergeModel": "ChunkMergeModel",
    "ChunkMergeApproach": "ChunkMergeModel",
}

CLASSES: Final[dict[str, type[Stage]]] = {name: stage_class(name, face, __name__) for name, face in FACES.items()}
globals().update(CLASSES)  # so that a class is found where it says it lives
