import dataclasses

import pytest

from clinspan.annotators.base import check_choice
from clinspan.annotators.finisher import Finisher
from clinspan.annotators.ner_converter import NerConverter
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import Tokenizer
from clinspan.exceptions import MissingInputError
from clinspan.schema import CHUNK, DOCUMENT, NAMED_ENTITY, TOKEN
from helpers import documents, tagged

AVAILABLE = {"document": DOCUMENT, "sentence": DOCUMENT, "token": TOKEN, "ner": NAMED_ENTITY}


@pytest.mark.parametrize(
    "columns",
    [("sentence", "token", "ner"), ("ner", "sentence", "token"), ["token", "ner", "sentence"]],
)
def test_inputs_are_told_apart_by_type_in_any_order(columns):
    stage = NerConverter(input_cols=columns)
    assert stage.inputs(AVAILABLE) == {DOCUMENT: "sentence", TOKEN: "token", NAMED_ENTITY: "ner"}
    assert stage.outputs() == {"ner_chunk": CHUNK}


@pytest.mark.parametrize("value", [["Organ"], ("Organ",), {"Organ"}, frozenset({"Organ"})])
def test_a_parameter_that_is_a_list_takes_what_holds_texts(value):
    assert NerConverter(white_list=value).white_list == ("Organ",)
    assert NerConverter(white_list=None).white_list == ()


@pytest.mark.parametrize(
    ("stage", "name"),
    [(NerConverter, "white_list"), (Tokenizer, "exceptions"), (SentenceDetector, "custom_bounds")],
)
def test_a_text_in_place_of_a_list_is_refused(stage, name):
    with pytest.raises(TypeError, match=rf"{name} is a list of texts, not a text; write \['e\.g\.'\]"):
        stage(**{name: "e.g."})


def test_a_single_column_may_be_a_string():
    assert Tokenizer(input_cols="sentence").input_cols == ("sentence",)
    assert Tokenizer(input_cols=["sentence"]).input_cols == ("sentence",)


@pytest.mark.parametrize(
    ("columns", "available", "named"),
    [
        (("sentence", "token", "ner"), {"sentence": DOCUMENT, "token": TOKEN}, "column 'ner'"),
        (("sentence", "token"), AVAILABLE, "a column of type 'named_entity'"),
        (("token", "ner"), AVAILABLE, "a column of type 'document'"),
        (("sentence", "ner"), {}, "column 'sentence', column 'ner'; available: none"),
    ],
)
def test_missing_inputs_are_named_with_what_there_is(columns, available, named):
    with pytest.raises(MissingInputError, match=named) as caught:
        NerConverter(input_cols=columns).inputs(available)
    assert str(caught.value).startswith("NerConverter needs")
    assert all(f"{name!r} ({kind})" in str(caught.value) for name, kind in available.items())


def test_a_column_without_type_is_rejected():
    batch = documents("a b")
    plain = batch.rename_columns(["text", "document"]).select(["text"])
    plain = plain.append_column("document", batch.column("document"))
    with pytest.raises(MissingInputError, match="column 'document'"):
        Tokenizer().annotate(plain)


def test_the_token_column_is_optional():
    assert NerConverter(input_cols=("sentence", "ner")).inputs(AVAILABLE) == {
        DOCUMENT: "sentence",
        NAMED_ENTITY: "ner",
    }


@pytest.mark.parametrize(
    "stage",
    [SentenceDetector(), Tokenizer(), NerConverter(), Finisher(input_cols="a")],
    ids=lambda s: s.name,
)
def test_annotators_are_comparable_and_complete(stage):
    assert stage == dataclasses.replace(stage)
    with pytest.raises(dataclasses.FrozenInstanceError):
        stage.output_col = "other"


@pytest.mark.parametrize(
    ("stage", "added"),
    [(SentenceDetector(input_cols="sentence", output_col="again"), "again"), (NerConverter(), "ner_chunk")],
)
def test_other_columns_are_untouched(stage, added):
    batch = tagged("no pain", [("no", "O"), ("pain", "B-X")])
    after = stage.annotate(batch)
    assert after.schema.names == [*batch.schema.names, added]
    assert after.select(batch.schema.names).equals(batch, check_metadata=True)


def test_check_choice_lists_the_choices():
    with pytest.raises(ValueError, match=r"mode is 'c'; possible values: a, b\."):
        check_choice("mode", "c", ("a", "b"))
