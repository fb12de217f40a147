"""Stages on frames that hold annotations already: what they read, replace, drop and leave alone."""

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from clinspan import DocumentAssembler, Tokenizer, medical, nlp
from clinspan.annotators.pass_through import PassThrough
from clinspan.compat.annotated import kinds_of
from clinspan.compat.frames import transformed
from clinspan.exceptions import InputError, MissingInputError
from clinspan.texts import BATCH_CHARACTERS
from kinds import KINDS

TEXTS = ["The kidney was enlarged.", "", "Liver"]
FRAMES = [kind for kind in KINDS if kind.name != "list"]
every_frame = pytest.mark.parametrize("kind", FRAMES, ids=str)


def stages():
    return [nlp.DocumentAssembler(), nlp.SentenceDetector(), tokenizer()]


def tokenizer(**params):
    return nlp.Tokenizer(inputCols=["sentence"], **params)


def stepwise(frame, *chain):
    for stage in chain:
        frame = stage.transform(frame)
    return frame


def tokens(kind, frame):
    return [[token["result"] for token in row] for row in kind.column(frame, "token")]


@every_frame
def test_a_column_that_is_there_is_replaced_in_its_place(kind):
    frame = stepwise(kind.make(TEXTS, n=[1, 2, 3]), *stages())
    assert type(frame) is type(kind.make(TEXTS, n=[1, 2, 3]))
    again = tokenizer(minLength=7).transform(frame)
    assert tokens(kind, again) == [["enlarged"], [], []]
    assert kind.names(again) == kind.names(frame)


@every_frame
@pytest.mark.parametrize("texts", [TEXTS, ["", ""], []], ids=["some", "empty", "none"])
def test_a_finisher_drops_every_annotation_column(kind, texts):
    frame = stepwise(kind.make(texts, n=list(range(len(texts)))), *stages())
    before = kind.names(frame)
    finished = stepwise(frame, nlp.Finisher(inputCols=["document", "sentence", "token"]))
    assert kind.names(finished) == ["n", "text", "finished_document", "finished_sentence", "finished_token"]
    assert kind.names(frame) == before  # the frame given is not changed


@every_frame
def test_what_a_finisher_does_not_name_is_dropped_though_it_is_empty(kind):
    frame = stepwise(kind.make(["", ""], n=[1, 2]), *stages())
    assert kind.names(nlp.Finisher(inputCols=["document"]).transform(frame)) == ["n", "text", "finished_document"]


@every_frame
def test_a_whole_pipeline_drops_what_was_there_before_it(kind):
    frame = stepwise(kind.make(TEXTS, n=[1, 2, 3]), *stages())
    model = nlp.Pipeline(stages=[*stages(), nlp.Finisher(inputCols=["token"])]).fit(frame)
    assert kind.names(model.transform(frame)) == ["n", "text", "finished_token"]


def test_columns_that_are_not_read_stay_the_very_ones():
    frame = stepwise(pd.DataFrame({"text": TEXTS}), *stages()[:2])
    mixed = pd.Series([1, "Patient John Smith", object()], dtype=object)
    frame = frame.assign(mixed=mixed, when=pd.to_datetime(["2020", "2021", None]))
    after = tokenizer().transform(frame)
    assert list(after.columns) == [*frame.columns, "token"]
    for name in ("document", "sentence", "mixed"):
        assert all(a is b for a, b in zip(after[name], frame[name], strict=True))
    assert after[["text", "when"]].equals(frame[["text", "when"]])
    table = stepwise(pa.table({"text": TEXTS}), *stages()[:2])
    assert tokenizer().transform(table).column("sentence").chunk(0).equals(table.column("sentence").chunk(0))
    assert tokenizer().transform(table).schema.field("sentence").equals(table.schema.field("sentence"), True)


@every_frame
def test_no_note_has_any_annotation(kind):
    model = medical.BertForTokenClassifier.pretrained().setInputCols("token", "sentence")
    converters = [nlp.NerConverter(inputCols=["token", "ner", "sentence"], outputCol=name) for name in "ab"]
    merge = medical.ChunkMergeModel(inputCols=["a", "b"], outputCol="merged")
    for texts in (["", " "], []):
        frame = stepwise(kind.make(texts, n=list(range(len(texts)))), *stages(), model, *converters, merge)
        assert kind.column(frame, "merged") == [[]] * len(texts)


@every_frame
def test_one_of_two_columns_is_empty(kind):
    def chunks(name, *kept):
        return nlp.NerConverter(inputCols=["sentence", "token", "ner"], outputCol=name, whiteList=list(kept))

    model = medical.BertForTokenClassifier.pretrained().setInputCols("sentence", "token")
    frame = stepwise(kind.make(TEXTS, n=[1, 2, 3]), *stages(), model, chunks("some"), chunks("none", "Nothing"))
    merged = medical.ChunkMergeModel(inputCols=["none", "some"], outputCol="merged").transform(frame)
    assert [[c["result"] for c in row] for row in kind.column(merged, "merged")] == [["kidney"], [], ["Liver"]]


def test_a_column_without_any_value_may_be_read():
    for frame in (pd.DataFrame({"sentence": [None, None]}), pl.DataFrame({"sentence": [None, None]})):
        assert [len(row) for row in tokenizer().transform(frame)["token"]] == [0, 0]
    table = pa.table({"sentence": pa.nulls(2)})
    assert tokenizer().transform(table).column("token").to_pylist() == [[], []]


def through_parquet(table, path):
    table.to_pandas().to_parquet(path)
    return pd.read_parquet(path)


FORMS = {
    "arrays": lambda table, _: table.to_pandas(),
    "dictionaries": lambda table, _: table.to_pandas(maps_as_pydicts="strict"),
    "parquet": lambda table, folder: through_parquet(table, folder / "a.parquet"),
    "arrow types": lambda table, _: table.to_pandas(types_mapper=pd.ArrowDtype),
}


@pytest.mark.parametrize("form", FORMS)
def test_annotations_that_other_libraries_wrote(form, tmp_path):
    table = stepwise(pa.table({"text": TEXTS}), *stages()[:2])
    found = tokenizer().transform(FORMS[form](table, tmp_path))["token"].to_list()
    assert found == tokenizer().transform(table).column("token").to_pylist(maps_as_pydicts="strict")


def test_kinds_are_told_by_what_there_is():
    frame = stepwise(pd.DataFrame({"text": TEXTS, "n": [1, 2, 3]}), *stages())
    frame = frame.assign(empty=[[], None, np.array([])], missing=None, words=[["a"], [], []], mixed=[[], "a", 1])
    expected = {"document": "document", "sentence": "document", "token": "token", "empty": "", "missing": None}
    assert kinds_of(frame) == expected
    assert kinds_of(["a"]) == {}


@pytest.mark.parametrize("second", ["John Smith", ["John Smith"], [{"result": "John Smith"}], 5])
def test_a_row_that_holds_something_else_is_refused_without_showing_it(second):
    frame = stepwise(pd.DataFrame({"text": TEXTS[:2]}), *stages()[:2])
    frame["sentence"] = [frame["sentence"][0], second]
    with pytest.raises(InputError, match="'sentence' holds something else than annotations") as caught:
        tokenizer().transform(frame)
    assert "John" not in str(caught.value)
    assert caught.value.__suppress_context__


@every_frame
def test_a_row_that_is_exploded_takes_the_others_along(kind):
    frame = stepwise(kind.make(["A b. C d.", "", "E f."], n=[1, 2, 3]), nlp.DocumentAssembler())
    after = nlp.SentenceDetector(explodeSentences=True).transform(frame)
    assert [[s["result"] for s in row] for row in kind.column(after, "sentence")] == [["A b."], ["C d."], ["E f."]]
    assert kind.column(after, "n") == [1, 1, 3]
    assert [row[0]["result"] for row in kind.column(after, "document")] == ["A b. C d.", "A b. C d.", "E f."]


@every_frame
def test_an_assembler_may_come_later_in_a_chain(kind):
    frame = stepwise(kind.make(TEXTS, title=["a", None, "c"]), *stages()[:2])
    chain = [Tokenizer(input_cols=("sentence",)), DocumentAssembler(input_col="title", output_col="head")]
    for order in (chain, chain[::-1]):
        after = transformed(order, frame)
        assert tokens(kind, after) == [["The", "kidney", "was", "enlarged", "."], [], ["Liver"]]
        assert [row[0]["result"] for row in kind.column(after, "head")] == ["a", "", "c"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured(PassThrough):
    """Notes the sizes of the batches that it sees."""

    sizes: list = dataclasses.field(default_factory=list)

    def annotate(self, batch):
        self.sizes.append(sum(len(a["result"]) for row in batch.column("document").to_pylist() for a in row))
        return batch


@every_frame
def test_memory_is_bounded_by_characters(kind):
    text = "x" * (BATCH_CHARACTERS // 3)
    frame = nlp.DocumentAssembler().transform(kind.make([text] * 30, n=list(range(30))))
    measured = Measured(input_cols=("document",))
    assert kind.names(transformed([measured], frame)) == kind.names(frame)
    assert sum(measured.sizes) == 30 * len(text)
    assert max(measured.sizes) <= BATCH_CHARACTERS + len(text)


@every_frame
def test_what_is_missing_is_said_in_the_words_of_spark_nlp(kind):
    frame = stepwise(kind.make(TEXTS, n=[1, 2, 3]), *stages()[:2])
    stage = nlp.NerConverter(inputCols=["sentence", "token", "ner"])
    with pytest.raises(ValueError, match="Wrong or missing inputCols annotators") as caught:
        nlp.PipelineModel([tokenizer(), stage]).transform(frame)
    assert isinstance(caught.value, MissingInputError)
    assert str(caught.value) == (
        f"requirement failed: Wrong or missing inputCols annotators in {stage.uid}.\n\n"
        "Current inputCols: sentence,token,ner. Dataset's columns:\n"
        "(column_name=n,is_nlp_annotator=false)\n"
        "(column_name=text,is_nlp_annotator=false)\n"
        "(column_name=document,is_nlp_annotator=true,type=document)\n"
        "(column_name=sentence,is_nlp_annotator=true,type=document)\n"
        "(column_name=token,is_nlp_annotator=true,type=token).\n"
        "Make sure such annotators exist in your pipeline, with the right output names and that they have following "
        "annotator types: document, named_entity, token"
    )


def test_a_list_holds_texts_alone():
    with pytest.raises(MissingInputError, match=r"columns:\n\(column_name=text,is_nlp_annotator=false\)\."):
        tokenizer().transform(["The kidney."])


@pytest.mark.parametrize("frame", [["a"], pd.DataFrame({"n": [1]}), pa.table({"n": [1]})], ids=type)
def test_no_stages_change_nothing(frame):
    assert nlp.Pipeline(stages=[]).fit(frame).transform(frame) is frame
