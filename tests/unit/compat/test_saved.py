"""Saved stages and pipelines have the layout of pyspark.ml and are written whole or not at all."""

import json

import pandas as pd
import pytest

from clinspan import nlp
from clinspan.exceptions import InputError, UnsupportedModelError


def pipeline(count=1):
    return nlp.PipelineModel([nlp.DocumentAssembler().setOutputCol(f"d{i}") for i in range(count)])


def test_metadata_is_one_line_of_json_that_names_class_and_stages(tmp_path):
    model = pipeline()
    model.save(str(tmp_path / "model"))
    (line,) = (tmp_path / "model/metadata/part-00000").read_text().splitlines()
    saved = json.loads(line)
    assert saved["class"] == "pyspark.ml.pipeline.PipelineModel"
    assert saved["paramMap"] == {"stageUids": [model.stages[0].uid], "language": "Python"}
    assert (tmp_path / "model/metadata/_SUCCESS").exists()


@pytest.mark.parametrize(("count", "first"), [(9, "0"), (10, "00"), (11, "00")])
def test_the_index_of_a_stage_has_the_digits_of_their_number(tmp_path, count, first):
    model = pipeline(count)
    model.save(str(tmp_path / "model"))
    assert (tmp_path / f"model/stages/{first}_{model.stages[0].uid}").is_dir()
    again = nlp.PipelineModel.load(f"file://{tmp_path}/model")
    assert (again.uid, [s.uid for s in again.stages]) == (model.uid, [s.uid for s in model.stages])
    assert list(again.transform(pd.DataFrame({"text": ["a"]})).columns) == ["text", *(f"d{i}" for i in range(count))]


def test_only_what_was_saved_before_is_written_over(tmp_path):
    folder = tmp_path / "model"
    pipeline(2).save(str(folder))
    with pytest.raises(FileExistsError, match=r"overwrite\(\)"):
        pipeline().save(str(folder))
    pipeline(1).write().overwrite().save(str(folder))
    assert len(list((folder / "stages").iterdir())) == 1
    other = tmp_path / "papers"
    other.mkdir()
    (other / "important.txt").write_text("x")
    (other / "metadata").mkdir()
    with pytest.raises(FileExistsError):
        pipeline().write().overwrite().save(str(other))
    assert (other / "important.txt").exists()


def test_a_failed_save_leaves_nothing_behind(tmp_path):
    model = nlp.PipelineModel([nlp.DocumentAssembler(), nlp.NerDLModel()])  # the second has no model
    with pytest.raises(InputError):
        model.save(str(tmp_path / "model"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"class": "x", "uid": "y"}', '{"class": "x", "uid": "y", "paramMap": []}']
)
def test_damaged_metadata_is_refused(tmp_path, content):
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/part-00000").write_text(content)
    with pytest.raises(UnsupportedModelError, match="no saved stage"):
        nlp.PipelineModel.load(str(tmp_path))


def test_an_unknown_stage_and_an_escaping_name_are_refused(tmp_path):
    pipeline().save(str(tmp_path / "model"))
    part = tmp_path / "model/metadata/part-00000"
    (folder,) = (tmp_path / "model/stages").iterdir()
    stage = folder / "metadata/part-00000"
    stage.write_text(json.dumps({**json.loads(stage.read_text()), "class": "os.system"}))
    with pytest.raises(UnsupportedModelError, match="unknown class 'system'"):
        nlp.PipelineModel.load(str(tmp_path / "model"))
    part.write_text(json.dumps({**json.loads(part.read_text()), "paramMap": {"stageUids": ["../../elsewhere"]}}))
    with pytest.raises(UnsupportedModelError, match="no saved stage"):
        nlp.PipelineModel.load(str(tmp_path / "model"))


def test_a_path_elsewhere_is_refused(tmp_path):
    with pytest.raises(InputError, match="hdfs:"):
        pipeline().save("hdfs://cluster/model")
