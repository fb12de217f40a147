"""Pipelines: checked when built, fused when run, the same after saving."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clinspan
from chains import to_chunks, to_sentences, to_tokens
from clinspan import (
    ChunkMerge,
    DocumentAssembler,
    Finisher,
    NerConverter,
    NerConverterInternal,
    Pipeline,
    SentenceDetector,
    TokenClassifier,
    Tokenizer,
    open_head,
)
from clinspan.annotators.token_classifier import FusedTokenClassifiers
from clinspan.engines.local import LocalEngine, annotated
from clinspan.exceptions import (
    ColumnTypeError,
    DamagedModelError,
    InputError,
    MissingColumnError,
    MissingInputError,
    OutputError,
    RowWarning,
    UnsupportedModelError,
)
from clinspan.inference.session import OnnxSession
from clinspan.persistence import load_stages, stages_from_json, stages_to_json
from kinds import KINDS
from models import copied_model, two_headed_model
from notes import FRAGMENTS

BATCH = pa.RecordBatch.from_arrays([pa.array(FRAGMENTS)], names=["text"])


@pytest.fixture
def windows(monkeypatch):
    """Counts the windows that go through a graph, and the outputs asked for."""
    asked = []
    run = OnnxSession.run

    def counted(self, ids, outputs):
        asked.append(tuple(outputs))
        return run(self, ids, outputs)

    monkeypatch.setattr(OnnxSession, "run", counted)
    return asked


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return two_headed_model(tmp_path_factory.mktemp("models") / "two")


@pytest.fixture(scope="module")
def heads(folder):
    """Two heads of one graph, without a cache."""
    return [open_head(f"{folder}#toy/{name}", cache_bytes=0) for name in ("first", "second")]


def two_classifiers(heads, *, cols=(("sentence",), ("sentence",))):
    stages = to_tokens()
    for head, columns, name in zip(heads, cols, ("a", "b"), strict=True):
        stages.append(TokenClassifier(model=head, input_cols=columns, output_col=f"ner_{name}"))
        stages.append(NerConverter(input_cols=("sentence", f"ner_{name}"), output_col=f"chunk_{name}"))
    return stages


def columns(batch, *names):
    return {name: batch.column(name).to_pylist(maps_as_pydicts="strict") for name in names}


def test_classifiers_on_one_graph_go_through_it_once(heads, windows):
    stages = two_classifiers(heads)
    pipeline = Pipeline(stages, LocalEngine(1))
    plan = pipeline.plan()
    assert [type(stage) for stage in plan].count(FusedTokenClassifiers) == 1
    assert len(plan) == len(stages) - 1
    (fused,) = pipeline.run([BATCH])
    once = len(windows)
    windows.clear()
    separate = annotated(stages, BATCH)
    assert len(windows) == 2 * once > 0
    names = ("ner_a", "ner_b", "chunk_a", "chunk_b")
    assert columns(fused, *names) == columns(separate, *names)
    assert {a["metadata"]["entity"] for row in columns(fused, "chunk_b")["chunk_b"] for a in row} >= {"Other_Organ"}


def test_two_outputs_are_asked_for_in_one_run(tmp_path, windows):
    pytest.importorskip("onnx")
    folder = two_headed_model(tmp_path / "two", outputs=True)
    heads = [open_head(f"{folder}#{name}", cache_bytes=0) for name in ("toy/first", "other")]
    (fused,) = Pipeline(two_classifiers(heads), LocalEngine(1)).run([BATCH])
    assert set(windows) == {("anatomy", "other")}
    a, b = columns(fused, "chunk_a", "chunk_b").values()
    assert [[c["result"] for c in row] for row in a] == [[c["result"] for c in row] for row in b]


@pytest.mark.parametrize("threads", [1, 2])
def test_two_models_by_name_run_in_one_pass_and_are_merged(folder, windows, threads):
    names = [f"{folder}#toy/first", f"{folder}#toy/second"]
    ner = clinspan.load(*names, threads=threads, cache_bytes=0)
    found = [ner(text).entities for text in FRAGMENTS]
    both = len(windows)
    windows.clear()
    single = [clinspan.load(name, threads=threads, cache_bytes=0) for name in names]
    alone = [[one(text).entities for one in single] for text in FRAGMENTS]
    assert both * 2 == len(windows)
    for together, (first, second) in zip(found, alone, strict=True):
        assert sorted(together, key=lambda e: (e.model, e.start)) == [*first, *second]
        assert [e.start for e in together] == sorted(e.start for e in together)
    table = ner.transform(pa.table({"text": FRAGMENTS}))
    assert table.schema.names == ["text", "ner_chunk_toy_first", "ner_chunk_toy_second"]


@pytest.mark.parametrize(
    "cols", [(("sentence",), ("document",)), (("sentence",), ("sentence", "token"))], ids=["document", "token"]
)
def test_classifiers_with_other_inputs_are_not_fused(heads, cols):
    stages = two_classifiers(heads, cols=cols)
    assert Pipeline(stages).plan() == tuple(stages)


def test_classifiers_of_different_graphs_are_not_fused(heads, tmp_path):
    other = open_head(str(copied_model(tmp_path / "other")))
    stages = two_classifiers([heads[0], other])
    assert Pipeline(stages).plan() == tuple(stages)


def test_fusing_does_not_move_a_classifier_past_a_change_of_its_input(heads):
    """The second one reads sentences that are written anew after the first."""
    first, converter, second, *rest = two_classifiers(heads)[-4:]
    again = SentenceDetector(custom_bounds=(" the ",), use_custom_bounds_only=True)
    stages = [*to_tokens(), first, converter, again, second, *rest]
    (run,) = Pipeline(stages, LocalEngine(1)).run([BATCH])
    assert run.equals(annotated(stages, BATCH))


def test_fusing_does_not_overwrite_a_column_that_is_still_read(heads):
    """Both write `ner`, and each converter reads the one just before it."""
    stages = to_sentences()
    for head, name in zip(heads, "ab", strict=True):
        stages.append(TokenClassifier(model=head, input_cols=("sentence",), output_col="ner"))
        stages.append(NerConverter(input_cols=("sentence", "ner"), output_col=f"chunk_{name}"))
    (run,) = Pipeline(stages, LocalEngine(1)).run([BATCH])
    assert run.equals(annotated(stages, BATCH))


def test_a_lazy_annotator_is_left_out_and_nothing_may_read_it():
    lazy = NerConverterInternal(output_col="lazy", lazy_annotator=True)
    stages = [*to_chunks(), lazy]
    assert Pipeline(stages).plan() == tuple(stages[:-1])
    with pytest.raises(MissingColumnError, match="'lazy'"):
        Pipeline([*stages, Finisher(input_cols=("lazy",))])


def test_nothing_reads_what_a_finisher_has_dropped():
    stages = [*to_chunks(), Finisher(input_cols=("ner_chunk",))]
    Pipeline(stages)
    with pytest.raises(MissingInputError, match="available: none"):
        Pipeline([*stages, NerConverter(output_col="again")])
    Pipeline([*stages[:-1], Finisher(input_cols=("ner_chunk",), clean_annotations=False), NerConverter()])


def test_the_message_names_stage_needs_and_columns():
    with pytest.raises(MissingInputError) as error:
        Pipeline([DocumentAssembler(), NerConverter(input_cols=("document", "token", "ner"))])
    assert str(error.value) == ("NerConverter needs column 'token', column 'ner'; available: 'document' (document).")
    with pytest.raises(
        MissingInputError, match="a column of type 'named_entity'; available: 'document' \\(document\\)"
    ):
        Pipeline([DocumentAssembler(), NerConverter(input_cols=("document",))])


@pytest.mark.parametrize("count", [9, 10, 11])
def test_stage_folders_sort_in_the_order_of_the_stages(tmp_path, count):
    stages = [DocumentAssembler()]
    stages += [SentenceDetector(output_col=f"sentence{i}") for i in range(count - 1)]
    Pipeline(stages).save(tmp_path / "p")
    names = sorted(path.name for path in (tmp_path / "p" / "stages").iterdir())
    assert names[0] == ("0" if count < 10 else "00") + "_DocumentAssembler"
    assert json.loads((tmp_path / "p" / "metadata.json").read_text())["stages"] == names
    assert list(Pipeline.load(tmp_path / "p").stages) == stages


def test_every_head_is_found_again_after_saving(heads, tmp_path):
    stages = two_classifiers(heads)
    Pipeline(stages).save(tmp_path / "p")
    assert [s.model.head for s in Pipeline.load(tmp_path / "p").stages if isinstance(s, TokenClassifier)] == [
        head.head for head in heads
    ]


def test_a_bundled_model_is_saved_by_name_and_any_other_as_a_copy(tmp_path):
    Pipeline(to_chunks()).save(tmp_path / "bundled")
    assert not list((tmp_path / "bundled").rglob("*.onnx"))
    model = copied_model(tmp_path / "mine")
    stages = [*to_sentences(), TokenClassifier(model=open_head(str(model)), input_cols=("sentence",))]
    expected = annotated(stages, BATCH)
    Pipeline(stages).save(tmp_path / "copy#1")
    for file in model.iterdir():
        file.unlink()
    model.rmdir()
    loaded = Pipeline.load(tmp_path / "copy#1")
    assert annotated(loaded.stages, BATCH).equals(expected)
    loaded.save(tmp_path / "copy#1")  # onto itself
    assert annotated(Pipeline.load(tmp_path / "copy#1").stages, BATCH).equals(expected)
    (tmp_path / "copy#1").rename(tmp_path / "moved")
    assert annotated(Pipeline.load(tmp_path / "moved").stages, BATCH).equals(expected)


def test_a_model_whose_folder_was_changed_is_not_saved_as_another(tmp_path):
    model = copied_model(tmp_path / "mine")
    stages = [*to_sentences(), TokenClassifier(model=open_head(str(model)), input_cols=("sentence",))]
    (model / "config.json").write_text("{}")
    with pytest.raises(DamagedModelError, match=r"config\.json in .* is damaged"):
        Pipeline(stages).save(tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_worker_refuses_another_model_than_the_one_of_the_plan(tmp_path):
    stages = [TokenClassifier(model=open_head(str(copied_model(tmp_path / "mine"))), input_cols=("sentence",))]
    (plan,) = json.loads(stages_to_json(stages))
    assert stages_from_json(json.dumps([plan])) == stages
    plan["params"]["model"]["files"]["model.onnx"] = "0" * 64
    with pytest.raises(UnsupportedModelError, match="does not hold the model that was opened from it"):
        stages_from_json(json.dumps([plan]))
    bundled = stages_to_json(to_chunks()).replace(f'"{open_head("en/anatomy").manifest.version}"', '"0.0.1"')
    with pytest.raises(UnsupportedModelError, match=r"was 0\.0\.1 where .*; install the same clinspan on all machines"):
        stages_from_json(bundled)


def test_another_version_of_a_bundled_model_is_told(tmp_path):
    Pipeline(to_chunks()).save(tmp_path / "p")
    (metadata,) = tmp_path.glob("p/stages/*_TokenClassifier/metadata.json")
    version = open_head("en/anatomy").manifest.version
    metadata.write_text(metadata.read_text().replace(f'"{version}"', '"0.0.1"'))
    with pytest.warns(UserWarning, match=rf"en/anatomy is version {version} here, and was 0\.0\.1 where"):
        assert list(Pipeline.load(tmp_path / "p").stages) == to_chunks()


def test_a_pipeline_with_models_may_be_changed_and_saved_where_it_was(tmp_path):
    first, second = (open_head(str(copied_model(tmp_path / name))) for name in ("a", "b"))
    assembler, detector = to_sentences()
    taggers = [
        TokenClassifier(model=m, input_cols=("sentence",), output_col=f"ner{i}") for i, m in enumerate((first, second))
    ]
    Pipeline([assembler, detector, *taggers]).save(tmp_path / "p")
    stages = Pipeline.load(tmp_path / "p").stages
    Pipeline([assembler, detector, *reversed(stages[2:])]).save(tmp_path / "p")
    assert [stage.output_col for stage in Pipeline.load(tmp_path / "p").stages[2:]] == ["ner1", "ner0"]


def test_a_pipeline_that_cannot_be_saved_leaves_what_was_there(tmp_path):
    Pipeline(to_sentences()).save(tmp_path / "p")
    unsavable = NerConverterInternal(input_cols=("sentence", "ner"), threshold=np.float32(0.5))
    with pytest.raises(TypeError):
        Pipeline([*to_chunks()[:-1], unsavable]).save(tmp_path / "p")
    assert list(Pipeline.load(tmp_path / "p").stages) == to_sentences()
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("name", ["thesis.tex", "metadata.json", "stages"])
def test_a_folder_with_other_files_is_not_written_over(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(OutputError, match="holds no saved pipeline; name another folder"):
        Pipeline(to_sentences()).save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_saved_pipeline_with_a_file_beside_it_is_not_written_over(tmp_path):
    Pipeline(to_sentences()).save(tmp_path / "p")
    (tmp_path / "p" / "notes.csv").touch()
    with pytest.raises(OutputError, match="holds no saved pipeline"):
        Pipeline(to_sentences()).save(tmp_path / "p")
    assert (tmp_path / "p" / "notes.csv").exists()


@pytest.mark.parametrize("content", [None, "", "[]", "null", '{"format": 2}', "{", '{"format": 1}', "\udcff"], ids=repr)
def test_a_folder_that_is_no_pipeline_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "metadata.json").write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(UnsupportedModelError, match="is no saved pipeline"):
        Pipeline.load(tmp_path)


@pytest.mark.parametrize(
    "content",
    [{"class": "os.system"}, {"class": "Tokenizer", "params": {"no_such": 1}}, {"params": {}}, {"class": "Tokenizer"}],
    ids=["unknown", "parameter", "no-class", "no-params"],
)
def test_a_stage_that_cannot_be_built_is_refused(tmp_path, content):
    (tmp_path / "stages" / "0_X").mkdir(parents=True)
    (tmp_path / "metadata.json").write_text('{"format": 1, "stages": ["0_X"]}')
    (tmp_path / "stages" / "0_X" / "metadata.json").write_text(json.dumps({"format": 1, **content}))
    with pytest.raises(UnsupportedModelError, match="0_X"):
        load_stages(tmp_path)


def test_text_column_by_name():
    frame = pd.DataFrame({"body": ["The kidney."], "text": ["The liver."]})
    pipeline = Pipeline([DocumentAssembler(), *to_chunks()[1:]])
    assert [c["result"] for c in pipeline.transform(frame, text_col="body")["ner_chunk"][0]] == ["kidney"]
    assert [c["result"] for c in pipeline.transform(frame)["ner_chunk"][0]] == ["liver"]
    reading = Pipeline([DocumentAssembler(input_col="body"), *to_chunks()[1:]])
    assert [c["result"] for c in reading.transform(frame)["ner_chunk"][0]] == ["kidney"]


@pytest.mark.parametrize("kind", [k for k in KINDS if k.name != "list"], ids=str)
def test_an_assembler_finds_the_other_columns_it_reads(kind):
    frame = kind.make(
        ["The kidney.", None, "x" * 70_000, "The liver."], id=[7, 8, 9, None], title=["a", "b", None, "d"]
    )
    stages = [DocumentAssembler(id_col="id"), DocumentAssembler(input_col="title", output_col="head", id_col="id")]
    result = Pipeline(stages).transform(frame)
    documents = kind.column(result, "document")
    assert [row[0]["metadata"].get("id") and float(row[0]["metadata"]["id"]) for row in documents] == [7, 8, 9, None]
    assert [row[0]["result"] for row in kind.column(result, "head")] == ["a", "b", "", "d"]
    assert kind.names(result) == [*kind.names(frame), "document", "head"]
    assert kind.column(Pipeline(stages).transform(frame[:0]), "document") == []
    with pytest.raises(MissingColumnError, match="No column 'key'"):
        Pipeline([DocumentAssembler(id_col="key")]).transform(frame)


def test_a_list_has_no_other_columns():
    with pytest.raises(MissingColumnError, match="No column 'id'; available: 'text'"):
        Pipeline([DocumentAssembler(id_col="id")]).transform(["x"])


EXPLODING = Pipeline([DocumentAssembler(), SentenceDetector(explode_sentences=True)])


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_row_that_is_exploded_keeps_its_other_columns(kind):
    frame = kind.make(["Kidney. Liver.", "", "Heart."], n=[1, 2, 3])
    result = EXPLODING.transform(frame)
    assert [[s["result"] for s in row] for row in kind.column(result, "sentence")] == [
        ["Kidney."],
        ["Liver."],
        ["Heart."],
    ]
    assert kind.column(result, "text") == ["Kidney. Liver.", "Kidney. Liver.", "Heart."]
    assert "n" not in kind.names(result) or list(kind.column(result, "n")) == [1, 1, 3]


def test_a_bad_row_blanks_no_other_when_rows_are_exploded():
    with pytest.warns(RowWarning, match="row 1: a lone surrogate"):
        result = EXPLODING.transform(["Kidney. Liver.", "\ud800", "Heart."])
    assert [s[0]["result"] for s in result.column("sentence").to_pylist()] == ["Kidney.", "Liver.", "Heart."]


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_an_assembler_reads_lists_of_texts(make):
    frame = make({"text": [["The kidney.", "The liver."], [], None, ["The heart."]]})
    column = Pipeline([DocumentAssembler()]).transform(frame)["document"]
    rows = column.to_pylist() if isinstance(column, pa.ChunkedArray) else column.to_list()
    found = [[document["result"] for document in row] for row in rows]
    assert found == [["The kidney.", "The liver."], [], [], ["The heart."]]


def test_lists_of_texts_keep_their_texts():
    rows = [["The kidney.", "The liver."], None, ["The heart."]]
    assert Pipeline([DocumentAssembler()]).transform(rows).column("text").to_pylist() == rows


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])
def test_an_assembler_reads_metadata_from_dictionaries(make):
    frame = make({"text": ["x", "y", "z"], "about": [{"ward": "A"}, {"ward": "B"}, None]})
    column = Pipeline([DocumentAssembler(metadata_col="about")]).transform(frame)["document"]
    rows = column.to_pylist() if isinstance(column, pa.ChunkedArray) else column.to_list()
    found = [_metadata(row[0]).get("ward") for row in rows]
    assert found == ["A", "B", None]


def _metadata(document):
    pairs = document["metadata"]
    return pairs if isinstance(pairs, dict) else dict(p if isinstance(p, tuple) else p.values() for p in pairs)


def test_metadata_of_another_type_is_refused_without_its_values():
    with pytest.raises(ColumnTypeError, match="Column 'about' holds string, not metadata"):
        Pipeline([DocumentAssembler(metadata_col="about")]).transform(
            pa.table({"text": ["x"], "about": ["John Smith"]})
        )


def of_documents():
    """Stages with their default columns: tokens of documents, tags by sentence."""
    return [
        DocumentAssembler(),
        SentenceDetector(custom_bounds=("§",), use_custom_bounds_only=False),
        Tokenizer(),
        TokenClassifier(model=open_head("en/anatomy")),
        NerConverter(),
    ]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["\u00a0Kidney normal."], [["Kidney"]]),
        (["The kidney.\u00a0", "Liver."], [["kidney"], ["Liver"]]),
        (["The kidney.\u00a0 Liver normal."], [["kidney", "Liver"]]),
        (["The kidney\u2003\u2003", "Liver normal."], [["kidney"], ["Liver"]]),
        (["\u00a0", "Liver normal."], [[], ["Liver"]]),
        (["kidney§liver normal."], [["kidney"]]),  # one token, and so one tag,
    ],
)
def test_tokens_may_reach_out_of_sentences_or_lie_in_none(texts, wanted):
    pipeline = Pipeline(of_documents())
    rows = pipeline.transform(texts).column("ner_chunk").to_pylist()
    assert [[chunk["result"] for chunk in row] for row in rows] == wanted
    for text, row in zip(texts, rows, strict=True):
        assert all(text[chunk["begin"] : chunk["end"] + 1] == chunk["result"] for chunk in row)
    alone = [pipeline.transform([text]).column("ner_chunk").to_pylist()[0] for text in texts]
    assert alone == rows


def test_tokens_of_documents_when_sentences_are_exploded():
    assembler, _, *rest = of_documents()
    pipeline = Pipeline([assembler, SentenceDetector(explode_sentences=True), *rest])
    rows = pipeline.transform(["The kidney. The liver."]).column("ner_chunk").to_pylist()
    assert [[chunk["result"] for chunk in row] for row in rows] == [["kidney"], ["liver"]]


TEXTS = ["Diabetes mellitus of the kidney.", "Aspirin 100 mg.", "", "The kidney and the liver were normal."]


def test_the_texts_of_a_list_do_not_read_each_other():
    frame = pd.DataFrame({"text": [*([text] for text in TEXTS), TEXTS]}, dtype=object)
    rows = Pipeline(to_chunks()).transform(frame)["ner_chunk"].tolist()
    assert [(c["result"], c["begin"]) for c in rows[-1]] == [
        (c["result"], c["begin"]) for row in rows[:-1] for c in row
    ]
    assert [c["metadata"]["confidence"] for c in rows[-1]] == [
        c["metadata"]["confidence"] for row in rows[:-1] for c in row
    ]


def test_chunks_of_different_texts_of_a_list_do_not_overlap():
    merge = ChunkMerge(input_cols=("ner_chunk", "ner_chunk"), output_col="merged")
    frame = pd.DataFrame({"text": [*([text] for text in TEXTS), TEXTS]}, dtype=object)
    rows = Pipeline([*to_chunks(), merge]).transform(frame)["merged"].tolist()
    assert [c["result"] for c in rows[-1]] == [c["result"] for row in rows[:-1] for c in row]
    assert len(rows[-1]) > 2


def test_missing_rows_before_a_list_are_empty():
    frame = pd.DataFrame({"text": [float("nan"), None, ["The kidney."]]}, dtype=object)
    rows = Pipeline(to_chunks()).transform(frame)["ner_chunk"].tolist()
    assert [[c["result"] for c in row] for row in rows] == [[], [], ["kidney"]]


@pytest.mark.parametrize("frame", ["The kidney.", b"The kidney.", ["The kidney."], (t for t in ["The kidney."])])
def test_a_lone_text_and_an_iterator_are_lists(frame):
    table = Pipeline(to_chunks()).transform(frame)
    assert table.column("text").to_pylist() == ["The kidney."]
    assert [c["result"] for c in table.column("ner_chunk").to_pylist()[0]] == ["kidney"]


@pytest.mark.parametrize("frame", [{"text": ["x"]}, 5, None, object()])
def test_no_frame(frame):
    with pytest.raises(InputError, match="give a list, a pandas or Polars frame, or an Arrow table"):
        Pipeline(to_sentences()).transform(frame)
