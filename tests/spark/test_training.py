"""CoNLL files as Spark frames, and classes that learn in Spark's own pipelines."""

import importlib.util

import pytest

from clinspan import nlp
from clinspan.engines.spark import collected, kinds_of
from spark.conftest import needs_classic
from unit.compat.test_approach import approach, embeddings, write

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the train extra")


@pytest.fixture
def table(tmp_path):
    return write(tmp_path / "train.conll", 36)


@pytest.fixture
def frame(spark, table, tmp_path):
    return nlp.CoNLL().readDataset(spark, str(tmp_path / "train.conll"))


def test_a_file_is_read_as_the_local_table_has_it(frame, table):
    kinds = {"document": "document", "sentence": "document", "token": "token", "pos": "pos", "label": "named_entity"}
    assert (frame.columns, kinds_of(frame)) == (table.schema.names, kinds)
    assert [row.asDict(recursive=True) for row in frame.collect()] == table.to_pylist(maps_as_pydicts="strict")


def test_columns_come_back_with_their_type_and_the_name_of_their_vectors(frame, table):
    columns = ["token", "embeddings", "label"]
    found = collected(embeddings().transform(frame), columns)
    expected = embeddings().transform(table).select(columns)
    assert found.schema.equals(expected.schema, check_metadata=True)
    assert found.to_pylist(maps_as_pydicts="strict") == expected.to_pylist(maps_as_pydicts="strict")


@needs_torch
def test_what_is_learnt_from_a_spark_frame_tags_it(frame, tmp_path, capsys):
    test = f"{tmp_path}/test.parquet"
    embeddings().transform(frame.limit(9)).write.parquet(test)
    learner = approach().setTestDataset(test).setVerbose(2)
    model = nlp.Pipeline(stages=[embeddings(), learner]).fit(frame)
    assert "Micro-average\t prec: 1.0, rec: 1.0, f1: 1.0" in capsys.readouterr().out
    row = model.transform(frame).select("ner.result", "label.result").collect()[0]
    assert row[0] == row[1]


@needs_classic
def test_an_approach_is_an_estimator_of_pyspark():
    from pyspark.ml import Estimator, Transformer

    learner = approach()
    assert isinstance(learner, Estimator)
    assert not isinstance(learner, Transformer)


@needs_torch
@needs_classic
def test_a_pipeline_of_pyspark_learns_and_is_saved(frame, tmp_path):
    from pyspark.ml import Pipeline as SparkPipeline
    from pyspark.ml import PipelineModel as SparkPipelineModel

    model = SparkPipeline(stages=[embeddings(), approach()]).fit(frame)
    model.write().overwrite().save(f"file://{tmp_path}/model")
    again = SparkPipelineModel.load(f"file://{tmp_path}/model")
    row = again.transform(frame).select("ner.result", "label.result").collect()[0]
    assert row[0] == row[1]
