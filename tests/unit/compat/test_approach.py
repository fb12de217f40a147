"""NerDLApproach and MedicalNerApproach: what they learn, say and keep."""

import importlib.util
import re

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from clinspan import medical, nlp
from clinspan.compat.stages import LEARNERS
from clinspan.exceptions import InputError, MissingExtraError, MissingInputError
from clinspan.schema import WORD_EMBEDDINGS, Annotations, annotation_column, with_annotations
from helpers import results

ORGANS, FINDINGS = ("heart", "kidney", "liver"), ("enlarged", "normal", "painful")
INPUTS = ["sentence", "token", "embeddings"]
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the train extra")


def training(function):
    """Mark a test that trains; the exporter of PyTorch warns of itself."""
    return pytest.mark.train(pytest.mark.filterwarnings("default")(needs_torch(function)))


def write(path, count, tag="B-Organ"):
    """Sentences in which the names of organs, and nothing else, have a label."""
    sentences = [
        f"The DT O O\n{ORGANS[i % 3]} NN O {tag}\nwas VB O O\n{FINDINGS[i // 3 % 3]} JJ O O\n. . O O\n"
        for i in range(count)
    ]
    path.write_text("\n".join(sentences), encoding="utf-8")
    return nlp.CoNLL().readDataset(None, str(path))


def embeddings():
    return nlp.WordEmbeddingsModel.pretrained().setInputCols(["sentence", "token"]).setOutputCol("embeddings")


def approach(kind=nlp.NerDLApproach, epochs=3):
    learner = kind().setInputCols(INPUTS).setLabelColumn("label").setOutputCol("ner")
    return learner.setMaxEpochs(epochs).setLr(0.01).setBatchSize(4).setVerbose(4)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write(tmp_path_factory.mktemp("toy") / "train.conll", 36)


@pytest.fixture(scope="module")
def embedded(data):
    return embeddings().transform(data)


@training
@pytest.mark.parametrize(
    ("kind", "model"), [(nlp.NerDLApproach, nlp.NerDLModel), (medical.NerApproach, medical.NerModel)]
)
def test_words_that_always_have_a_label_get_it(data, tmp_path, kind, model):
    fitted = nlp.Pipeline(stages=[embeddings(), approach(kind).setIncludeConfidence(True)]).fit(data)
    found = fitted.transform(data)
    assert results(found, "ner") == results(found, "label")
    learnt = fitted.stages[1]
    assert isinstance(learnt, model)
    assert (learnt.getInputCols(), learnt.getOutputCol(), learnt.getClasses()) == (INPUTS, "ner", ["O", "B-Organ"])
    learnt.write().overwrite().save(str(tmp_path / "model"))
    again = model.load(str(tmp_path / "model"))
    assert again.annotator().model.folder.is_relative_to(tmp_path)
    assert again.transform(found).column("ner").equals(found.column("ner"))  # scores, too


@training
def test_a_model_that_was_learnt_tags_texts(embedded):
    stages = [
        nlp.DocumentAssembler(),
        nlp.SentenceDetector(),
        nlp.Tokenizer().setInputCols("sentence"),
        embeddings(),
        approach().fit(embedded),
        nlp.NerConverter().setInputCols(["sentence", "token", "ner"]).setOutputCol("chunk"),
    ]
    light = nlp.LightPipeline(nlp.PipelineModel(stages))
    assert light.annotate("The liver was normal. The heart was painful.")["chunk"] == ["liver", "heart"]


@training
def test_the_model_knows_the_vectors_it_was_trained_with(embedded):
    model = approach(epochs=1).fit(embedded)
    assert model.annotator().model.manifest.vectors == "en/embeddings"
    at = embedded.schema.get_field_index("embeddings")
    field = embedded.schema.field(at).with_metadata({"annotatorType": "word_embeddings", "ref": "en/other@0"})
    with pytest.raises(InputError, match=r"those of en/other@0, .* trained with en/embeddings@"):
        model.transform(embedded.set_column(at, field, embedded.column(at)))


LINES = [
    r"Name of the selected graph: blstm_2_200_128_22",  # tags, vectors, LSTM, the 22 letters of the sentences
    r"Training started - total epochs: 2 - lr: 0\.01 - batch size: 4 - labels: 2 - chars: 22 - training examples: 27",
    r"Epoch 1/2 started, lr: 0\.01, dataset size: 27",
    r"Epoch 1/2 - \d+\.\d\ds - loss: \d+\.\d+ - batches: 7",
    r"Quality on validation dataset \(25\.0%\), validation examples = 9",
    r"time to finish evaluation: \d+\.\d\ds",
    r"Macro-average\t prec: \S+, rec: \S+, f1: \S+",
    r"Micro-average\t prec: \S+, rec: \S+, f1: \S+",
    r"Quality on test dataset:",
    r"time to finish evaluation: \d+\.\d\ds",
    r"Macro-average\t prec: \S+, rec: \S+, f1: \S+",
    r"Micro-average\t prec: \S+, rec: \S+, f1: \S+",
    r"Epoch 2/2 started, lr: 0\.005, dataset size: 27",  # 0.01 / (1 + 1 * 1)
]


@training
def test_the_log(embedded, tmp_path, capsys):
    parquet.write_table(embedded.slice(0, 9), tmp_path / "test.parquet")
    learner = approach(epochs=2).setValidationSplit(0.25).setPo(1.0).setVerbose(2)
    learner.setTestDataset(str(tmp_path / "test.parquet"), read_as="SPARK", options={"format": "parquet"})
    learner.setEnableOutputLogs(True).setOutputLogsPath(str(tmp_path / "logs")).fit(embedded)
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) > len(LINES)
    for line, pattern in zip(printed.splitlines(), LINES, strict=False):
        assert re.fullmatch(pattern, line), line
    assert printed == (tmp_path / "logs" / f"{learner.uid}.log").read_text(encoding="utf-8")


@training
def test_the_same_seed_gives_the_same_model(embedded):
    files = [
        approach(epochs=1).setRandomSeed(seed).fit(embedded).annotator().model.manifest.files for seed in (1, 1, 2)
    ]
    assert files[0] == files[1] != files[2]


@training
def test_the_best_epoch_is_kept_if_wanted(embedded):
    """The first epoch finds all that was held out, so that no later one is better."""
    first, last, best = (
        approach(epochs=epochs).setValidationSplit(0.25).setUseBestModel(keep).fit(embedded).annotator().model
        for epochs, keep in ((1, False), (3, False), (3, True))
    )
    assert first.manifest.files == best.manifest.files != last.manifest.files


@training
def test_training_stops_when_nothing_improves(embedded, capsys):
    learner = approach(medical.NerApproach, epochs=9).setVerbose(2).setValidationSplit(0.25)
    learner.setEarlyStoppingCriterion(2.0).setEarlyStoppingPatience(1).fit(embedded)  # no F1 improves by 2
    assert "Epoch 3/9 -" in (printed := capsys.readouterr().out)
    assert "Epoch 4/9" not in printed
    learner.setMinEpochs(4).fit(embedded)
    assert "Epoch 4/9 -" in capsys.readouterr().out


@training
def test_tags_that_break_their_scheme_are_learnt_as_they_stand(tmp_path):
    """IOB1: I- opens an entity, B- only parts it from the one before; nothing may be forbidden then."""
    text = "The DT O O\nliver NN O I-Organ\nheart NN O B-Organ\n. . O O\n\n" * 24
    (tmp_path / "iob1.conll").write_text(text, encoding="utf-8")
    data = embeddings().transform(nlp.CoNLL().readDataset(None, str(tmp_path / "iob1.conll")))
    model = approach(epochs=4).fit(data)
    assert results(model.transform(data), "ner")[0] == ["O", "I-Organ", "B-Organ", "O"]


def test_parameters_and_their_defaults():
    learner = nlp.NerDLApproach()
    assert learner.uid.startswith("NerDLApproach_")
    expected = {"MinEpochs": 0, "MaxEpochs": 50, "Lr": 0.001, "Po": 0.005, "BatchSize": 8, "Dropout": 0.5, "Verbose": 2}
    expected |= {
        "ValidationSplit": 0.0,
        "UseBestModel": False,
        "BestModelMetric": "f1_micro",
        "EnableOutputLogs": False,
    }
    expected |= {"EvaluationLogExtended": False, "LabelColumn": None, "TestDataset": None, "IncludeConfidence": False}
    assert {name: getattr(learner, f"get{name}")() for name in expected} == expected
    learner.setGraphFolder("graphs").setUseContrib(False).setEnableMemoryOptimizer(True).setEntities(["Organ"])
    assert (learner.copy().setLr(0.1).uid, learner.getLr(), learner.getGraphFolder()) == (learner.uid, 0.001, "graphs")
    assert medical.NerApproach().setEarlyStoppingPatience(3).getEarlyStoppingPatience() == 3


@pytest.mark.parametrize(("name", "value"), [("ValidationSplit", 1.0), ("BestModelMetric", "loss")])
def test_values_that_mean_nothing_are_refused(name, value):
    with pytest.raises(ValueError, match=str(value)):
        getattr(nlp.NerDLApproach(), f"set{name}")(value)


@needs_torch
def test_test_data_with_other_vectors_are_refused(embedded, tmp_path):
    batch = embedded.combine_chunks().to_batches()[0]
    tokens = Annotations.from_column(batch.column("embeddings"))
    places = (tokens.row_starts, tokens.starts, tokens.stops, tokens.results)
    column = annotation_column(WORD_EMBEDDINGS, *places, {}, np.ones((len(tokens), 3), np.float32))
    other = with_annotations(batch, "embeddings", WORD_EMBEDDINGS, column)
    parquet.write_table(pa.Table.from_batches([other]), tmp_path / "test.parquet")
    with pytest.raises(InputError, match="have 3 numbers, not 200"):
        approach().setTestDataset(str(tmp_path / "test.parquet")).fit(embedded)


def test_test_data_are_read_from_parquet_alone():
    assert nlp.NerDLApproach().setTestDataset("a.parquet").getTestDataset() == "a.parquet"
    with pytest.raises(ValueError, match="read from Parquet, not 'csv'"):
        nlp.NerDLApproach().setTestDataset("a.csv", "SPARK", {"format": "csv"})


def test_the_column_of_labels_is_needed(embedded):
    with pytest.raises(InputError, match="name their column with setLabelColumn"):
        nlp.NerDLApproach().setInputCols(INPUTS).fit(embedded)
    with pytest.raises(MissingInputError, match=r"NerDLApproach needs column 'gold'; available: .*'label'"):
        approach().setLabelColumn("gold").fit(embedded)
    with pytest.raises(MissingInputError, match=r"NerDLApproach needs column 'sentence'.*available: none"):
        approach().fit([["no labels"]])


def test_without_the_train_extra_the_error_says_what_to_install(embedded, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(MissingExtraError, match=r"clinspan\[train\]"):
        approach().fit(embedded)


@pytest.mark.parametrize("name", LEARNERS)
def test_what_learns_does_not_annotate(name):
    assert not hasattr(LEARNERS[name], "transform")


def test_builders_of_graphs_have_nothing_to_do(data):
    builder = medical.TFGraphBuilder().setModelName("ner_dl").setInputCols(INPUTS).setLabelColumn("label")
    builder.setGraphFolder("graphs").setGraphFile("auto").setHiddenUnitsAmount(24)
    model = nlp.Pipeline(stages=[embeddings(), builder]).fit(data)
    assert model.transform(data).schema.names == [*data.schema.names, "embeddings"]


def test_only_the_stages_before_one_that_learns_see_the_data():
    """The converter would not find its columns."""
    table = pa.table({"text": ["a"]})
    stages = [nlp.DocumentAssembler(), approach(), nlp.NerConverter()]
    with pytest.raises(MissingInputError, match=r"NerDLApproach needs .*available: 'document'"):
        nlp.Pipeline(stages=stages).fit(table)


def test_what_learns_within_another_pipeline_sees_the_data_of_the_stages_before():
    stages = [nlp.DocumentAssembler(), nlp.Pipeline(stages=[approach()])]
    with pytest.raises(MissingInputError, match=r"NerDLApproach needs .*available: 'document'"):
        nlp.Pipeline(stages=stages).fit(pa.table({"text": ["a"]}))


@pytest.mark.parametrize("name", LEARNERS)
def test_what_learns_is_saved_with_its_parameters(name, tmp_path):
    learner = LEARNERS[name]().setInputCols(INPUTS).setLabelColumn("label").setMaxEpochs(3).setEntities(["Organ"])
    learner.setTestDataset("test.parquet").setConfigProtoBytes(b"\x01").setIncludeConfidence(True)
    learner.write().overwrite().save(str(tmp_path / "learner"))
    again = LEARNERS[name].load(str(tmp_path / "learner"))
    assert again.uid == learner.uid
    for getter in ("InputCols", "LabelColumn", "MaxEpochs", "Entities", "TestDataset", "IncludeConfidence", "Lr"):
        assert getattr(again, f"get{getter}")() == getattr(learner, f"get{getter}")()
    assert again.getConfigProtoBytes() == [1]
    other = next(other for other in LEARNERS if other != name)
    with pytest.raises(InputError, match=f"holds a {name}, which {other} does not read"):
        LEARNERS[other].load(str(tmp_path / "learner"))


@training
def test_a_model_learnt_by_a_lazy_approach_is_lazy(embedded):
    assert approach(epochs=1).setLazyAnnotator(True).fit(embedded).getLazyAnnotator()
