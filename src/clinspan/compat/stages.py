"""Which classes there are: a row for each, and the names that the libraries have given them over the years."""

from __future__ import annotations

from typing import Any, Final

from clinspan.compat.approach import NerApproach, approach_class
from clinspan.compat.params import LONGEST_SENTENCE, Face
from clinspan.compat.special import (
    ClassifierStage,
    ConverterStage,
    MedicalNerStage,
    MergeStage,
    SentenceStage,
    TokenizerStage,
)
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
_FITTING: Final[dict[str, Any]] = {
    "labelColumn": None,
    "minEpochs": 0,
    "maxEpochs": 50,
    "lr": 0.001,
    "po": 0.005,  # the rate of epoch n, from 0, is lr / (1 + po * n)
    "batchSize": 8,
    "dropout": 0.5,
    "verbose": 2,
    "validationSplit": 0.0,
    "evaluationLogExtended": False,
    "enableOutputLogs": False,
    "outputLogsPath": "~/annotator_logs",
    "useBestModel": False,
    "bestModelMetric": "f1_micro",
    "randomSeed": None,
}
_UNUSED_IN_FITTING: Final[dict[str, Any]] = {
    "entities": None,
    "graphFolder": None,
    "graphFile": None,
    "useContrib": True,
    "configProtoBytes": None,
    "enableMemoryOptimizer": False,
    "prefetchBatches": 0,
    "optimizePartitioning": True,
    **_LAZY,
}
_GRAPH: Final[dict[str, Any]] = {  # of TensorFlow's, which are not needed here
    "modelName": None,
    "labelColumn": None,
    "graphFolder": None,
    "graphFile": "auto",
    "hiddenUnitsAmount": None,
    "hiddenLayers": None,
    "maxSequenceLength": None,
    "batchNorm": None,
    "isMedical": None,
    "isLicensed": None,
}


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


def _approach(uid: str, **fitting: Any) -> Face:
    return Face(
        "BiLstmTagger",
        uid,
        (DOCUMENT, TOKEN, WORD_EMBEDDINGS),
        defaults={"include_confidence": False},
        without_effect=_UNUSED_IN_FITTING,
        fitting={**_FITTING, **fitting},
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
    "AlbertForTokenClassification": _classifier("ALBERT_FOR_TOKEN_CLASSIFICATION"),
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
    "MedicalNerModel": _tagger("MedicalNerModel", doExceptionHandling=False),
    "NerConverter": Face("NerConverter", "NER_CONVERTER", (DOCUMENT, TOKEN, NAMED_ENTITY), without_effect=_LAZY),
    "NerConverterInternal": Face(
        "NerConverterInternal", "NER_CONVERTER", (DOCUMENT, TOKEN, NAMED_ENTITY), without_effect=_MEDICAL
    ),
    "ChunkMergeModel": Face("ChunkMerge", "MERGE", without_effect=_LAZY),
    "TFNerDLGraphBuilder": Face("PassThrough", "TFNerDLGraphBuilder", without_effect=_GRAPH),
    "Finisher": Face("Finisher", "FINISHER", unset=("output_col",), without_effect={"parseEmbeddingsVectors": False}),
}

_BASES: Final[dict[str, type[Stage]]] = {  # of classes with methods of their own, by name or by annotator
    "MedicalNerModel": MedicalNerStage,
    "ChunkMerge": MergeStage,
    "NerConverterInternal": ConverterStage,
    "SentenceDetectorDL": SentenceStage,
    "TokenClassifier": ClassifierStage,
    "Tokenizer": TokenizerStage,
}

APPROACHES: Final[dict[str, tuple[Face, str]]] = {  # classes that learn, and the class of what they learn
    "NerDLApproach": (_approach("NerDLApproach"), "NerDLModel"),
    "MedicalNerApproach": (
        _approach("MedicalNerApproach", earlyStoppingCriterion=0.0, earlyStoppingPatience=0),
        "MedicalNerModel",
    ),
}

OPEN: Final = {  # names in sparknlp.base, sparknlp.annotator and johnsnowlabs.nlp
    **{
        name: name
        for name in (*FACES, *APPROACHES)
        if not name.startswith(("Medical", "NerConverterInternal", "ChunkMerge"))
    },
    "TokenizerModel": "Tokenizer",
}
MEDICAL: Final = {  # names in sparknlp_jsl.annotator and johnsnowlabs.medical
    "MedicalBertForTokenClassifier": "MedicalBertForTokenClassifier",
    "MedicalBertForTokenClassification": "MedicalBertForTokenClassifier",
    "BertForTokenClassifier": "MedicalBertForTokenClassifier",
    "BertForTokenClassification": "MedicalBertForTokenClassifier",
    "MedicalNerModel": "MedicalNerModel",
    "NerModel": "MedicalNerModel",
    "MedicalNerApproach": "MedicalNerApproach",
    "NerApproach": "MedicalNerApproach",
    "TFGraphBuilder": "TFNerDLGraphBuilder",
    "NerConverterInternal": "NerConverterInternal",
    "NerConverter": "NerConverterInternal",
    "ChunkMergeModel": "ChunkMergeModel",
    "ChunkMergeApproach": "ChunkMergeModel",
}

CLASSES: Final[dict[str, type[Stage]]] = {
    name: stage_class(name, face, __name__, _BASES.get(name, _BASES.get(face.annotator)))
    for name, face in FACES.items()
}
LEARNERS: Final[dict[str, type[NerApproach]]] = {
    name: approach_class(name, face, __name__, CLASSES[model]) for name, (face, model) in APPROACHES.items()
}
globals().update(CLASSES, **LEARNERS)  # so that a class is found where it says it lives
