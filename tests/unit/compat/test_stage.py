"""Stages under their Spark NLP names: setters, getters, checks, and frames of every kind."""

import pandas as pd
import pyarrow as pa
import pytest

from clinspan import medical, nlp
from clinspan.compat.stages import CLASSES, FACES, MEDICAL, OPEN
from clinspan.exceptions import InputError, MissingInputError, ModelNotFoundError, UnsupportedModelError

ANATOMY = "bert_token_classifier_ner_anatomy_onnx"
TEXT = "Biopsy of the kidney. The liver was normal."


def chain():
    """A stage of each kind, from a text to chunks, as scripts build them."""
    return [
        nlp.DocumentAssembler().setInputCol("text").setOutputCol("document"),
        nlp.SentenceDetector().setInputCols(["document"]).setOutputCol("sentence"),
        nlp.Tokenizer().setInputCols("sentence").setOutputCol("token"),
        medical.BertForTokenClassifier.pretrained(ANATOMY, "en", "clinical/models")
        .setInputCols("token", "sentence")
        .setOutputCol("ner"),
        medical.NerConverterInternal().setInputCols(["ner", "sentence", "token"]).setOutputCol("ner_chunk"),
    ]


def chunks(frame):
    column = frame["ner_chunk"].to_pylist() if isinstance(frame, pa.Table) else frame["ner_chunk"].to_list()
    return [[(c["result"], dict(c["metadata"])["entity"]) for c in row] for row in column]


@pytest.mark.parametrize("name", [*OPEN, *MEDICAL])
def test_every_name_is_a_class_with_accessors_for_all_parameters(name):
    found = getattr(nlp if name in OPEN else medical, name)
    face = found.face
    for param in [*face.params, *face.without_effect]:
        tail = param[0].upper() + param[1:]
        assert getattr(found, f"set{tail}").__doc__
        assert getattr(found, f"get{tail}").__doc__


@pytest.mark.parametrize("name", CLASSES)
def test_defaults_are_those_of_the_annotators(name):
    stage = CLASSES[name]()
    assert stage.uid.startswith(f"{FACES[name].uid}_")
    for param in FACES[name].params:
        value = getattr(stage, f"get{param[0].upper()}{param[1:]}")()
        default = FACES[name].default(FACES[name].params[param])
        assert value == (list(default) if isinstance(default, tuple) else default)


@pytest.mark.parametrize(
    ("stage", "param"),
    [("Tokenizer", "Exceptions"), ("SentenceDetector", "CustomBounds"), ("NerConverter", "WhiteList")],
)
def test_a_setter_of_a_list_refuses_a_text(stage, param):
    made = CLASSES[stage]()
    with pytest.raises(TypeError, match="is a list of texts, not a text"):
        getattr(made, f"set{param}")("e.g.")
    assert getattr(getattr(made, f"set{param}")({"a"}), f"get{param}")() == ["a"]


def test_a_converter_with_filters_is_not_read_as_one_without(tmp_path):
    medical.NerConverterInternal().setThreshold(0.8).save(str(tmp_path / "c"))
    with pytest.raises(InputError, match="holds a NerConverterInternal, which NerConverter does not read"):
        nlp.NerConverter.load(str(tmp_path / "c"))
    assert medical.NerConverterInternal.load(str(tmp_path / "c")).getThreshold() == 0.8


def test_setters_return_the_stage_and_getters_what_was_set():
    stage = medical.NerConverterInternal()
    assert stage.setWhiteList(["Organ"]).setThreshold(0.5).setReplaceLabels({"Organ": "ORGAN"}) is stage
    assert (stage.getWhiteList(), stage.getThreshold()) == (["Organ"], 0.5)
    assert stage.annotator().white_list == ("Organ",)
    assert stage.annotator().replace_labels == {"Organ": "ORGAN"}
    assert nlp.Tokenizer(outputCol="t").setParams(minLength=2).annotator().min_length == 2
    twin = stage.copy().setThreshold(0.9)
    assert (twin.uid, stage.getThreshold()) == (stage.uid, 0.5)


@pytest.mark.parametrize(
    ("stage", "param", "value"),
    [
        (nlp.DocumentAssembler, "CleanupMode", "foo"),
        (nlp.Tokenizer, "Exceptions", ["("]),
        (nlp.Tokenizer, "PrefixPattern", "abc"),
        (nlp.Tokenizer, "ContextChars", ["ab"]),
        (nlp.SentenceDetector, "CustomBoundsStrategy", "foo"),
        (nlp.SentenceDetector, "CustomBounds", ["("]),
    ],
)
def test_a_value_that_means_nothing_is_refused_when_it_is_set(stage, param, value):
    made = stage()
    before = getattr(made, f"get{param}")()
    with pytest.raises(InputError):
        getattr(made, f"set{param}")(value)
    assert getattr(made, f"get{param}")() == before


def test_columns_of_a_finisher_are_given_in_any_form():
    assert nlp.Finisher().setOutputCols("x", "y").getOutputCols() == ["x", "y"]
    assert nlp.Finisher().setOutputCols(["x", "y"]).getOutputCols() == ["x", "y"]
    assert nlp.Finisher().setOutputCols("x").getOutputCols() == ["x"]
    with pytest.raises(AttributeError):
        nlp.Finisher().setOutputCol("x")
    with pytest.raises(TypeError, match="threshold takes one value, not 2"):
        medical.NerConverterInternal().setThreshold(0.5, 0.6)


def test_parameters_without_effect_are_kept():
    stage = nlp.BertForTokenClassification().setBatchSize(4).setMaxSentenceLength(512)
    assert (stage.getBatchSize(), stage.getMaxSentenceLength(), stage.getCaseSensitive()) == (4, 512, True)
    for length in (513, 0):
        with pytest.raises(ValueError, match=r"512|at least 1"):
            stage.setMaxSentenceLength(length)


def test_a_wrong_number_or_kind_of_columns_is_a_type_error():
    with pytest.raises(TypeError, match=r"expecting 2 columns\. Provided column amount: 1\. .*\['document', 'token'\]"):
        nlp.BertForTokenClassification().setInputCols(["token"])
    with pytest.raises(TypeError, match="either str or list"):
        nlp.Tokenizer().setInputCols(3)


def test_pretrained_works_on_class_and_instance_and_names_what_comes_close():
    assert medical.BertForTokenClassifier().pretrained(ANATOMY, "en").getClasses()[0] == "O"
    with pytest.raises(ModelNotFoundError, match=ANATOMY):
        medical.BertForTokenClassifier.pretrained("bert_token_classifier_ner_anatomi_onnx")
    with pytest.raises(ModelNotFoundError):
        medical.BertForTokenClassifier.pretrained(ANATOMY, "nl")
    with pytest.raises(InputError, match="has no model"):
        medical.BertForTokenClassifier().transform(["a"])


@pytest.mark.parametrize(
    ("stage", "name", "kind", "way_out"),
    [
        (nlp.BertForTokenClassification, "embeddings_clinical", "'word-vectors'", "WordEmbeddingsModel"),
        (nlp.NerDLModel, ANATOMY, "'bert'", "MedicalBertForTokenClassifier"),
        (nlp.WordEmbeddingsModel, "ner_clinical", "'bilstm-crf'", "NerDLModel"),
        (medical.NerModel, "sentence_detector_dl", "'sentence-cnn'", "SentenceDetectorDLModel"),
    ],
)
def test_pretrained_refuses_a_model_of_another_kind(stage, name, kind, way_out):
    with pytest.raises(UnsupportedModelError, match=f"of the kind {kind}, which .* open it with {way_out}.pretrained"):
        stage.pretrained(name)
    getattr(nlp if hasattr(nlp, way_out) else medical, way_out).pretrained(name)


def test_casing_is_the_models_own():
    with pytest.warns(UserWarning, match="the model is uncased"):
        medical.BertForTokenClassifier.pretrained("bert_token_classifier_ner_jsl_slim_onnx").setCaseSensitive(True)


@pytest.mark.parametrize("kind", ["list", "pandas", "polars", "arrow"])
def test_stages_one_by_one_on_any_frame(kind):
    texts = [TEXT, ""]
    if kind == "polars":
        frame = pytest.importorskip("polars").DataFrame({"text": texts})
    else:
        frame = {"list": texts, "pandas": pd.DataFrame({"text": texts}), "arrow": pa.table({"text": texts})}[kind]
    for stage in chain():
        frame = stage.fit(frame).transform(frame)
    if kind == "polars":
        found = [[c["result"] for c in row] for row in frame["ner_chunk"].to_list()]
    else:
        found = [[result for result, _ in row] for row in chunks(frame)]
    assert found[1] == []
    assert found[0] == ["kidney", "liver"]


def test_the_first_stage_needs_its_columns():
    with pytest.raises(MissingInputError, match="Wrong or missing inputCols annotators in REGEX_TOKENIZER_"):
        nlp.Tokenizer().transform(pd.DataFrame({"text": [TEXT]}))


def test_a_stage_is_saved_and_read(tmp_path):
    stage = chain()[3].setIncludeAllConfidenceScores(True)
    path = str(tmp_path / "stage")
    stage.save(path)
    with pytest.raises(FileExistsError, match="overwrite"):
        stage.save(path)
    stage.write().overwrite().save(path)
    again = medical.MedicalBertForTokenClassifier.load(path)
    assert again.annotator() == stage.annotator()
    with pytest.raises(InputError, match="TokenClassifier, which Tokenizer does not read"):
        nlp.Tokenizer.load(path)


def test_parameters_without_effect_are_saved_too(tmp_path):
    stage = nlp.SentenceDetector().setLazyAnnotator(True)
    stage.save(str(tmp_path / "lazy"))
    assert nlp.SentenceDetector.load(str(tmp_path / "lazy")).getLazyAnnotator() is True
    model = chain()[3].setBatchSize(4).setConfigProtoBytes([1, 2])
    model.save(str(tmp_path / "model"))
    again = medical.BertForTokenClassifier.load(str(tmp_path / "model"))
    assert (again.getBatchSize(), again.getConfigProtoBytes(), again.getMaxSentenceLength()) == (4, [1, 2], 128)


@pytest.mark.parametrize("module", [nlp, medical])
def test_an_unknown_name_lists_those_there_are(module):
    with pytest.raises(AttributeError, match="NerConverter"):
        module.NoSuchClass  # noqa: B018
