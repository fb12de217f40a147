"""Methods of single classes, beside setters and getters."""

import pytest

from clinspan import medical, nlp
from clinspan.exceptions import InputError
from clinspan.registry import annotator_class
from helpers import chunk_values, tagged, tokens_of


def test_a_tokenizer_can_be_added_to(tmp_path):
    file = tmp_path / "exceptions.txt"
    file.write_text("New York\n\nvitamin B12\n", encoding="utf-8")
    stage = nlp.Tokenizer().addException("e\\.g\\.").setExceptionsPath(f"file://{file}", "TEXT", {"format": "text"})
    assert stage.getExceptions() == ["e\\.g\\.", "New York", "vitamin B12"]
    assert stage.addContextChars("~").getContextChars() == [*nlp.Tokenizer().getContextChars(), "~"]
    assert stage.addSplitChars("-").addSplitChars("/").getSplitChars() == ["-", "/"]
    assert stage.addInfixPattern("(b)").addInfixPattern("(a)").getInfixPatterns() == ["(a)", "(b)"]
    assert nlp.Tokenizer().getExceptions() == []


def test_what_was_added_is_used():
    annotator = nlp.Tokenizer().addException("New York").addContextChars("~").addSplitChars("/").annotator()
    options = {name: getattr(annotator, name) for name in ("exceptions", "context_chars", "split_chars")}
    assert tokens_of("~New York and/or ~Rome", **options) == ["~New York", "and", "or", "~", "Rome"]


def test_a_converter_renames_by_a_file(tmp_path):
    file = tmp_path / "names.csv"
    file.write_text("X;Drug\n", encoding="utf-8")
    stage = medical.NerConverterInternal().setReplaceDictResource(str(file), "text", {"delimiter": ";"})
    assert stage.getReplaceLabels() == {"X": "Drug"}
    batch, kind = tagged("a", [("a", "B-X")]), annotator_class("NerConverterInternal")
    assert chunk_values(batch, "entity", kind, replace_labels=stage.getReplaceLabels()) == [["Drug"]]
    with pytest.raises(InputError, match=r"names\.csv, line 1: two names with ',' between them"):
        stage.setReplaceDictResource(str(file))


def test_overlapping_chunks_all_stay_if_they_are_not_to_be_merged():
    stage = medical.ChunkMergeModel(inputCols=["a", "b"], mergeOverlapping=False)
    assert (stage.getMergeOverlapping(), stage.annotator().keep) == (False, "all")
    assert stage.setMergeOverlapping(True).annotator().keep == "longest"
    assert medical.ChunkMergeModel().getMergeOverlapping()


@pytest.mark.parametrize("method", [nlp.Tokenizer().setExceptionsPath, medical.NerConverter().setReplaceDictResource])
def test_a_file_that_is_not_there_is_named(method):
    with pytest.raises(InputError, match=r"No file at none\.txt"):
        method("none.txt")


@pytest.mark.parametrize(
    ("stage", "overall"), [(nlp.NerDLModel, False), (medical.MedicalNerModel, True)], ids=["open", "medical"]
)
def test_with_all_scores_a_medical_tagger_gives_an_overall_confidence(stage, overall):
    tagger = stage.pretrained("ner_clinical").setIncludeAllConfidenceScores(True)
    assert tagger.annotator().include_confidence is overall
    assert stage.pretrained("ner_clinical").setIncludeConfidence(True).annotator().include_confidence
    assert not stage.pretrained("ner_clinical").annotator().include_confidence


def test_classes_are_those_that_the_tagger_gives():
    tagger = nlp.NerDLModel.pretrained("ner_clinical")
    assert "B-PROBLEM" in tagger.getClasses()
    assert "B-problem" in tagger.setLabelCasing("lower").getClasses()


def test_classifiers_say_their_engine():
    stage = medical.BertForTokenClassification.pretrainedEngine("en/anatomy", "en", "clinical/models", "openvino")
    assert stage.annotator() == medical.BertForTokenClassification.pretrained("en/anatomy").annotator()
    assert stage.getEngine() == nlp.RoBertaForTokenClassification().getEngine() == "onnx"


def test_the_architecture_of_a_sentence_model_is_set_under_its_own_name():
    stage = nlp.SentenceDetectorDLModel.pretrained().setModel("cnn")
    assert stage.getModelArchitecture() == "cnn"
