"""Models that Spark NLP saved, in the classes that load them there."""

import subprocess
import sys
from pathlib import Path

import pytest

from clinspan import medical, nlp
from clinspan.exceptions import InputError, ModelNotFoundError, UnsupportedModelError
from spark_layout import LABELS, MERGES, PIECES, WORDPIECE, from_spark, toy_graph, write_exported, zipped

TEXT = "The heart is large."


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))


def chunks(classifier, text=TEXT):
    document = nlp.DocumentAssembler().setInputCol("text").setOutputCol("document")
    token = nlp.Tokenizer().setInputCols(["document"]).setOutputCol("token")
    converter = nlp.NerConverter().setInputCols(["document", "token", "ner"]).setOutputCol("chunk")
    model = nlp.Pipeline(stages=[document, token, classifier, converter]).fit([[""]])
    return nlp.LightPipeline(model).annotate(text)["chunk"]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("name", "family"), [("BertForTokenClassification", "bert"), ("RoBertaForTokenClassification", "roberta")]
)
def test_load(tmp_path, name, family, packed):
    path = from_spark(tmp_path / "saved", family)
    stage = getattr(nlp, name).load(str(zipped(tmp_path / "saved.zip", path) if packed else path))
    assert (stage.getInputCols(), stage.getOutputCol()) == (["document", "token"], "ner")
    assert (stage.getMaxSentenceLength(), stage.getCaseSensitive()) == (128, family == "roberta")
    assert stage.getClasses() == list(LABELS)
    assert chunks(stage) == ["heart"]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("merges", [None, MERGES])
def test_load_saved_model(tmp_path, merges):
    words = PIECES if merges else WORDPIECE
    folder = write_exported(tmp_path / "m", toy_graph(words), vocabulary=words, labels=LABELS, merges=merges)
    stage = nlp.BertForTokenClassification.loadSavedModel(str(folder), None)
    stage.setInputCols(["document", "token"]).setOutputCol("ner").setCaseSensitive(True).setMaxSentenceLength(128)
    assert chunks(stage) == ["heart"]
    with pytest.warns(UserWarning, match="the model is cased"):
        stage.setCaseSensitive(False)


def test_what_was_loaded_can_be_saved_and_outlives_its_source(tmp_path):
    stage = medical.BertForTokenClassifier.load(str(from_spark(tmp_path / "saved", "bert")))
    stage.write().overwrite().save(str(tmp_path / "own"))
    again = medical.BertForTokenClassifier.load(str(tmp_path / "own"))
    assert again._model.folder.is_relative_to(tmp_path / "own")
    assert chunks(again) == chunks(stage) == ["heart"]


def test_the_converted_model_goes_with_the_process(tmp_path):
    saved = from_spark(tmp_path / "saved", "bert")
    code = (
        f"from clinspan import nlp; print(nlp.BertForTokenClassification.load({str(saved)!r}).annotator().model.folder)"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True)
    folder = Path(run.stdout.strip())
    assert folder.name == "model"
    assert not folder.parents[1].exists()


def test_other_classes_and_folders_are_refused(tmp_path):
    saved = str(from_spark(tmp_path / "saved", "bert"))
    with pytest.raises(InputError, match="holds a token classifier, which NerDLModel does not read"):
        nlp.NerDLModel.load(saved)
    with pytest.raises(UnsupportedModelError, match="has neither metadata nor assets"):
        nlp.BertForTokenClassification.loadSavedModel(str(tmp_path))
    with pytest.raises(UnsupportedModelError, match="no saved pipeline"):
        nlp.BertForTokenClassification.load(str(tmp_path / "none"))


def test_pretrained_finds_what_spark_nlp_has_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_CACHE_PRETRAINED", str(tmp_path))
    from_spark(tmp_path / "toy_ner_en_6.1.1_3.0_1757521819217", "bert")
    stage = nlp.BertForTokenClassification.pretrained("toy_ner", "en", "clinical/models")
    assert chunks(stage) == ["heart"]
    with pytest.raises(ModelNotFoundError):
        nlp.BertForTokenClassification.pretrained("toy_ner", "nl")
