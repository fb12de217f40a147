"""Pipelines with the shapes of pyspark.ml and of LightPipeline."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clinspan import medical, nlp
from clinspan.compat.annotation import Annotation
from clinspan.exceptions import MissingColumnError, MissingInputError, TextError, UnsupportedModelError
from unit.compat.test_stage import TEXT, chain, chunks


@pytest.fixture(scope="module")
def model():
    return nlp.Pipeline(stages=chain()).fit([[""]])


def test_fit_gives_a_model_with_the_stages(model):
    assert [type(stage).__name__ for stage in model.stages][:2] == ["DocumentAssembler", "SentenceDetector"]
    pipeline = nlp.Pipeline().setStages(chain())
    assert len(pipeline.getStages()) == len(pipeline.fit().stages) == 5
    with pytest.raises(TypeError, match="Cannot recognize a pipeline stage of type"):
        nlp.Pipeline(stages=["no stage"]).fit()


def test_all_at_once_gives_what_the_stages_give_one_by_one(model):
    frame = pd.DataFrame({"text": [TEXT, None], "id": [1, 2]})
    whole, stepwise = model.transform(frame), frame
    for stage in chain():
        stepwise = stage.transform(stepwise)
    assert list(whole.columns) == ["text", "id", "document", "sentence", "token", "ner", "ner_chunk"]
    assert chunks(whole) == chunks(stepwise)


@pytest.mark.parametrize("at", [3, 4])
def test_tokens_are_needed_where_spark_nlp_needs_them(model, at):
    stages = chain()
    columns = ["document", "sentence", "ner"][: len(stages[at].getInputCols())]
    stages[at].setInputCols(columns)
    with pytest.raises(MissingInputError, match=r"annotator types: document,.* token"):
        nlp.Pipeline(stages=stages).fit([[""]]).transform(pd.DataFrame({"text": [TEXT]}))


def test_a_pipeline_may_hold_others(model, tmp_path):
    assembler, sentences, *rest = chain()
    whole = nlp.Pipeline(stages=[nlp.PipelineModel([assembler, sentences]), nlp.Pipeline(stages=rest)]).fit([[""]])
    frame = pd.DataFrame({"text": [TEXT]})
    assert chunks(whole.transform(frame)) == chunks(model.transform(frame))
    assert nlp.LightPipeline(whole).annotate(TEXT) == nlp.LightPipeline(model).annotate(TEXT)
    whole.write().overwrite().save(str(tmp_path / "p"))
    assert chunks(nlp.PipelineModel.load(str(tmp_path / "p")).transform(frame)) == chunks(model.transform(frame))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_a_light_pipeline_adds_only_the_columns_that_were_chosen(model, make):
    after = nlp.LightPipeline(model, output_cols=["ner_chunk"]).transform(make({"id": [1], "text": [TEXT]}))
    names = after.schema.names if isinstance(after, pa.Table) else list(after.columns)
    assert names == ["id", "text", "ner_chunk"]


def test_a_light_pipeline_names_a_chosen_column_that_is_not_there(model):
    light = nlp.LightPipeline(model, output_cols=["ner_chunk", "nope"])
    for use in (light.annotate, lambda text: light.transform([text])):
        with pytest.raises(MissingColumnError, match=r"No column 'nope'.*output_cols"):
            use(TEXT)


def test_a_light_pipeline_leaves_other_stages_out(model):
    other = nlp.PipelineModel([*model.stages, object()])
    assert nlp.LightPipeline(other).annotate(TEXT) == nlp.LightPipeline(model).annotate(TEXT)
    with pytest.raises(TypeError, match="Cannot recognize a pipeline stage of type"):
        other.transform(pd.DataFrame({"text": [TEXT]}))


def test_a_light_pipeline_gives_one_result_a_text_and_reads_no_other_columns(model):
    assembler, sentences, *rest = chain()
    exploding = nlp.PipelineModel([assembler.setIdCol("id"), sentences.setExplodeSentences(True), *rest])
    light = nlp.LightPipeline(exploding)
    assert light.annotate([TEXT, "", TEXT]) == nlp.LightPipeline(model).annotate([TEXT, "", TEXT])
    assert light.annotate("")["document"] == [""]


def test_annotations_are_read_from_rows_that_pandas_read(model, tmp_path):
    frame = model.transform(pd.DataFrame({"text": [TEXT]}))
    frame.to_parquet(tmp_path / "f.parquet")
    read = pd.read_parquet(tmp_path / "f.parquet")["ner_chunk"][0]
    assert [Annotation.fromRow(row) for row in read] == [Annotation.fromRow(row) for row in frame["ner_chunk"][0]]


def test_annotate_gives_results_and_full_annotate_annotations(model):
    light = nlp.LightPipeline(model)
    found = light.annotate(TEXT)
    assert list(found) == ["document", "sentence", "token", "ner", "ner_chunk"]
    assert found["sentence"] == ["Biopsy of the kidney.", "The liver was normal."]
    assert light.annotate([TEXT, ""]) == [found, light.annotate("")]
    assert light.annotate("")["document"] == [""]
    (full,) = light.fullAnnotate(TEXT)
    assert len(light.fullAnnotate([TEXT, TEXT])) == 2
    token = full["token"][0]
    assert token == Annotation("token", 0, 5, "Biopsy", {"sentence": "0"}, [])
    assert repr(token) == "Annotation(token, 0, 5, Biopsy, {'sentence': '0'}, [])"
    assert token.copy("x").result == "x"
    assert light.fullAnnotate([1, 2], [TEXT, ""])[0] == full
    assert list(nlp.LightPipeline(model, output_cols=["ner_chunk"]).annotate(TEXT)) == ["ner_chunk"]


def test_ids_come_before_their_texts(model):
    light = nlp.LightPipeline(model)
    assert light.annotate([7, 8], [TEXT, "No."]) == light.annotate([TEXT, "No."])
    assert light.annotate(TEXT, "") == light.annotate(TEXT)  # the default of Spark NLP
    for target, texts in (([1, 2, 3], ["a"]), (["a"], ["b", "c"]), ("a", "b"), ([1], "a")):
        with pytest.raises(TypeError, match=r"give as many|a list of as many ids"):
            light.fullAnnotate(target, texts)


def test_a_pretrained_pipeline_takes_what_a_light_one_does():
    whole = nlp.PretrainedPipeline("en/anatomy")
    assert whole.annotate([7], [TEXT]) == whole.light_model.annotate([TEXT])
    found = whole.fullAnnotate(TEXT, metadata={"ward": ["3B"]})
    assert found[0]["document"][0].metadata["ward"] == "3B"


def test_metadata_go_into_the_documents(model):
    light = nlp.LightPipeline(model)

    def documents(*arguments, **named):
        return [row["document"][0].metadata for row in light.fullAnnotate(*arguments, **named)]

    wanted = [{"ward": "A", "sentence": "0"}, {"ward": "B", "sentence": "0"}]
    assert documents(TEXT, metadata={"ward": ["A"]}) == wanted[:1]
    assert documents([TEXT, ""], metadata=[{"ward": "A"}, {"ward": "B"}]) == wanted
    assert documents([TEXT, ""], {"ward": ["A", "B"]}) == wanted
    assert light.annotate(TEXT, metadata={"ward": ["A"]}) == light.annotate(TEXT)
    for wrong in ("A", ["A"], [{"ward": "A"}] * 3, {"ward": "A"}, {"ward": ["A"]}):
        with pytest.raises(TypeError, match="a dictionary for each text"):
            light.annotate([TEXT, ""], metadata=wrong)


def test_what_is_no_text_is_refused_without_showing_it(model):
    light = nlp.LightPipeline(model)
    with pytest.raises(TypeError, match="a text or a list of texts"):
        light.annotate([1])
    with pytest.raises(TextError) as caught:
        light.annotate("secret \ud800")
    assert "secret" not in str(caught.value)


def test_a_finisher_leaves_its_input_columns(model):
    finisher = nlp.Finisher().setInputCols(["ner_chunk"])
    finished = nlp.PipelineModel([*model.stages, finisher])
    assert list(nlp.LightPipeline(finished).annotate(TEXT)) == ["ner_chunk"]
    frame = finished.transform(pd.DataFrame({"text": [TEXT]}))
    assert list(frame.columns) == ["text", "finished_ner_chunk"]


def test_lazy_stages_are_left_out(model):
    lazy = medical.NerConverterInternal().setOutputCol("later").setLazyAnnotator(True)
    detector = nlp.SentenceDetector().setOutputCol("lazy").setLazyAnnotator(True)
    with_lazy = nlp.PipelineModel([*model.stages, lazy, detector])
    frame = with_lazy.transform(pd.DataFrame({"text": [TEXT]}))
    assert not {"later", "lazy"} & {*frame.columns, *nlp.LightPipeline(with_lazy).annotate(TEXT)}


def test_a_pipeline_is_saved_and_read(model, tmp_path):
    path = str(tmp_path / "model")
    model.write().overwrite().save(path)
    again = nlp.PipelineModel.load(path)
    frame = pd.DataFrame({"text": [TEXT]})
    assert chunks(again.transform(frame)) == chunks(model.transform(frame))
    assert [stage.uid for stage in again.stages] == [stage.uid for stage in model.stages]
    loaded = nlp.PretrainedPipeline.from_disk(path)
    assert loaded.annotate(TEXT) == nlp.LightPipeline(model).annotate(TEXT)


def test_a_pipeline_is_saved_before_it_is_fitted(tmp_path):
    pipeline = nlp.Pipeline(stages=[*chain(), nlp.NerDLApproach().setLabelColumn("label")])
    pipeline.write().overwrite().save(str(tmp_path / "pipeline"))
    with pytest.raises(FileExistsError):
        pipeline.save(str(tmp_path / "pipeline"))
    again = nlp.Pipeline.load(str(tmp_path / "pipeline"))
    assert (again.uid, [s.uid for s in again.getStages()]) == (pipeline.uid, [s.uid for s in pipeline.getStages()])
    assert again.getStages()[-1].getLabelColumn() == "label"
    frame = pd.DataFrame({"text": [TEXT]})
    again.setStages(again.getStages()[:-1])
    assert chunks(again.fit(frame).transform(frame)) == chunks(nlp.Pipeline(stages=chain()).fit().transform(frame))
    with pytest.raises(UnsupportedModelError, match="'NerDLApproach'"):
        nlp.PipelineModel.load(str(tmp_path / "pipeline"))


def test_a_light_pipeline_says_what_is_missing_as_a_type_error():
    model = nlp.PipelineModel([nlp.DocumentAssembler(), nlp.NerConverter()])
    with pytest.raises(TypeError, match="Wrong or missing inputCols annotators in NER_CONVERTER_") as caught:
        nlp.LightPipeline(model)
    assert isinstance(caught.value, MissingInputError)
