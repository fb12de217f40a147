"""Scripts that import Spark NLP's modules get clinspan's classes."""

import subprocess
import sys

import pytest

from clinspan import medical, nlp
from clinspan.compat.visualizer import NerVisualizer
from unit.compat.test_stage import TEXT, chain

SCRIPT = """
import sys
import sparknlp
from johnsnowlabs import medical, nlp
from sparknlp.annotator import NerConverter, SentenceDetector, Tokenizer
from sparknlp.base import DocumentAssembler, LightPipeline, Pipeline
from sparknlp_display import NerVisualizer
from sparknlp_jsl.annotator import MedicalBertForTokenClassifier, NerConverterInternal, SentenceDetectorDLModel

assert sparknlp.version() == "7.0.0"
stages = [
    DocumentAssembler().setInputCol("text").setOutputCol("document"),
    SentenceDetectorDLModel.pretrained("sentence_detector_dl", "xx").setOutputCol("sentence"),
    Tokenizer().setInputCols(["sentence"]).setOutputCol("token"),
    MedicalBertForTokenClassifier.pretrained("bert_token_classifier_ner_anatomy_onnx", "en", "clinical/models")
    .setInputCols(["token", "sentence"])
    .setOutputCol("ner"),
    NerConverterInternal().setInputCols(["sentence", "token", "ner"]).setOutputCol("ner_chunk"),
]
model = Pipeline(stages=stages).fit([[""]])
print(sys.argv[1:], LightPipeline(model).annotate("Pain in the liver.")["ner_chunk"])
"""


def test_clinspan_run_runs_a_script_as_it_is(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "clinspan", "run", str(script), "--flag", "value"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['--flag', 'value'] ['liver']", done.stderr


def test_importing_the_module_is_enough():
    code = "import clinspan.compat.install; from sparknlp_jsl.annotator import NerConverterInternal as N; print(N)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "NerConverterInternal" in done.stdout


@pytest.fixture(scope="module")
def record():
    return nlp.LightPipeline(nlp.Pipeline(stages=chain()).fit()).fullAnnotate(TEXT)[0]


def test_a_record_is_shown_with_its_chunks(record, tmp_path):
    visualizer = NerVisualizer().set_label_colors({"Organ": "#800080"})
    assert visualizer.get_label_color("ORGAN") == "#800080"
    assert visualizer.get_label_color("Cell") is None
    path = tmp_path / "shown.html"
    html = visualizer.display(record, "ner_chunk", return_html=True, save_path=str(path))
    assert path.read_text(encoding="utf-8") == html
    assert ">liver <b" in html
    assert "#800080" in html
    plain = visualizer.display(record, "ner_chunk", labels=["Cell"], return_html=True)
    assert "<mark" not in plain


def test_text_is_escaped(record):
    html = NerVisualizer().display(record, "ner_chunk", raw_text="<b>Biopsy</b> of a kidney.", return_html=True)
    assert "<b>Biopsy" not in html


def test_what_cannot_be_shown_is_said(record):
    visualizer = NerVisualizer()
    with pytest.raises(AttributeError, match="no column 'chunks'"):
        visualizer.display(record, "chunks")
    with pytest.raises(AttributeError, match="no chunks"):
        visualizer.display(record, "token", return_html=True)
    for rows in (["liver"], [{"result": "liver"}], [3]):
        with pytest.raises(AttributeError, match="'ner_chunk' holds no annotations"):
            visualizer.display({**record, "ner_chunk": rows}, "ner_chunk", return_html=True)
    assert "<mark" not in visualizer.display({"document": [], "ner_chunk": []}, "ner_chunk", return_html=True)
    with pytest.raises(ValueError, match="raw_text"):
        visualizer.display(record, "ner_chunk", raw_text=3)


def test_classes_that_train_are_where_scripts_look_for_them():
    code = """
import clinspan.compat.install
from johnsnowlabs import medical
from johnsnowlabs import finance, legal
from sparknlp.annotation import Annotation
from sparknlp.annotator import NerDLApproach, TFNerDLGraphBuilder
from sparknlp.common import ReadAs
from sparknlp.training import CoNLL
from sparknlp_jsl.annotator import MedicalNerApproach, TFGraphBuilder
assert medical.NerApproach is MedicalNerApproach
assert (ReadAs.TEXT, Annotation("token", 0, 1, "ab", {}, []).result) == ("TEXT", "ab")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_stand_in_names_what_it_has():
    assert medical.NerConverter is medical.NerConverterInternal
    assert medical.BertForTokenClassifier is medical.MedicalBertForTokenClassifier
