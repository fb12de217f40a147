import pyarrow as pa
import pytest

from clinspan.annotators.finisher import Finisher
from clinspan.annotators.ner_converter import NerConverter
from clinspan.exceptions import ColumnTypeError, MissingColumnError
from clinspan.schema import ANNOTATIONS, CHUNK, annotation_kinds, with_annotations
from helpers import stacked, tagged, texts

STRINGS = pa.list_(pa.string())
PAIRS = pa.list_(pa.struct([("_1", pa.string()), ("_2", pa.string())]))


def note():
    """Two rows; the first with the chunks `left` and `atrium`, the second with none."""
    first = tagged("left atrium", [("left", "B-X"), ("atrium", "B-Y")])
    return NerConverter().annotate(stacked(first, tagged("none", [("none", "O")])))


def finished(column="ner_chunk", **options):
    return Finisher(input_cols=column, **options).annotate(note())


def test_lists_of_results():
    batch = finished()
    assert batch.schema.names == ["text", "finished_ner_chunk"]
    assert batch.schema.field("finished_ner_chunk").type == STRINGS
    assert batch.column("finished_ner_chunk").to_pylist() == [["left", "atrium"], []]


def test_metadata_is_a_list_of_pairs_over_all_annotations():
    batch = finished(include_metadata=True)
    assert batch.schema.names == ["text", "finished_ner_chunk", "finished_ner_chunk_metadata"]
    column = batch.column("finished_ner_chunk_metadata")
    assert column.type == PAIRS
    entries = [("entity", "X"), ("sentence", "0"), ("chunk", "0"), ("entity", "Y"), ("sentence", "0"), ("chunk", "1")]
    assert column.to_pylist() == [[{"_1": k, "_2": v} for k, v in entries], []]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["left@atrium", ""]),
        ({"annotation_split_symbol": " | "}, ["left | atrium", ""]),
        (
            {"include_metadata": True},
            [
                "entity->X#sentence->0#chunk->0#result->left@entity->Y#sentence->0#chunk->1#result->atrium",
                "",
            ],
        ),
        (
            {"include_metadata": True, "value_split_symbol": ";", "annotation_split_symbol": "\n"},
            ["entity->X;sentence->0;chunk->0;result->left\nentity->Y;sentence->0;chunk->1;result->atrium", ""],
        ),
    ],
)
def test_strings(options, wanted):
    batch = finished(output_as_array=False, **options)
    assert batch.schema.names == ["text", "finished_ner_chunk"]
    assert batch.column("finished_ner_chunk").to_pylist() == wanted


def test_several_columns_with_names_of_their_own():
    batch = Finisher(input_cols=("token", "ner"), output_cols=("words", "tags")).annotate(note())
    assert batch.schema.names == ["text", "words", "tags"]
    assert batch.column("tags").to_pylist() == [["B-X", "B-Y"], ["O"]]
    assert finished("token", output_cols="words").schema.names == ["text", "words"]


def test_cleaning_drops_every_annotation_column_and_no_other():
    assert annotation_kinds(finished("ner").schema) == {}
    kept = finished("ner", clean_annotations=False)
    assert kept.schema.names == [*note().schema.names, "finished_ner"]
    assert annotation_kinds(kept.schema) == annotation_kinds(note().schema)


def test_null_rows_are_empty():
    batch = with_annotations(texts("a"), "chunk", CHUNK, pa.nulls(1, ANNOTATIONS))
    for options, wanted in [({}, [[]]), ({"output_as_array": False}, [""])]:
        done = Finisher(input_cols="chunk", include_metadata=True, **options).annotate(batch)
        assert done.column("finished_chunk").to_pylist() == wanted


def test_as_many_outputs_as_inputs():
    with pytest.raises(ValueError, match="2 input_cols and 1 output_cols"):
        Finisher(input_cols=("a", "b"), output_cols=("c",))


def test_columns_that_are_none_or_hold_no_annotations():
    with pytest.raises(MissingColumnError, match="No column 'pos'"):
        finished("pos")
    with pytest.raises(MissingColumnError, match="No column 'text'"):
        Finisher(input_cols="text").inputs({"token": "token"})
    with pytest.raises(ColumnTypeError, match="'text'"):
        finished("text")
