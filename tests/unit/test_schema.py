from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.schema import (
    ANNOTATION,
    ANNOTATIONS,
    CHUNK,
    DOCUMENT,
    TOKEN,
    Annotations,
    Span,
    annotation_field,
    annotation_kind,
    annotation_kinds,
    index_strings,
    row_mask,
    score_strings,
    starts_of,
    with_annotations,
)
from helpers import annotations, documents, rows, texts

# contract 1.1: name, type, nullable
FIELDS = [
    ("annotatorType", pa.string(), True),
    ("begin", pa.int32(), False),
    ("end", pa.int32(), False),
    ("result", pa.string(), True),
    ("metadata", pa.map_(pa.string(), pa.string()), True),
    ("embeddings", pa.list_(pa.field("element", pa.float32(), nullable=False)), True),
]


def test_annotation_type_is_that_of_the_contract():
    assert [(f.name, f.type, f.nullable) for f in ANNOTATION] == FIELDS
    assert ANNOTATIONS.value_field.nullable
    assert ANNOTATION.field("metadata").type.item_field.nullable
    assert not ANNOTATION.field("embeddings").type.value_field.nullable


@pytest.mark.parametrize("given", [(), (None,), ("a",), ("a", None, "b")])
def test_columns_have_the_type_and_name_their_kind(given):
    field = documents(*given).schema.field("document")
    assert field.type == ANNOTATIONS
    assert field.metadata == {b"annotatorType": b"document"}
    assert annotation_kind(field) == DOCUMENT


def test_kinds_leave_out_other_columns():
    schema = pa.schema([pa.field("text", pa.string()), annotation_field("a", TOKEN), annotation_field("b", CHUNK)])
    assert annotation_kinds(schema) == {"a": TOKEN, "b": CHUNK}
    assert annotation_kind(pa.field("x", ANNOTATIONS)) is None


def test_end_is_inclusive_in_the_column_alone():
    column = annotations(TOKEN, [(4, 11, "aspirin", {})])
    assert (column.to_pylist()[0][0]["begin"], column.to_pylist()[0][0]["end"]) == (4, 10)
    view = Annotations.from_column(column)
    assert (view.starts.tolist(), view.stops.tolist()) == ([4], [11])
    assert Span.from_annotation(4, 10) == Span(4, 11)


def test_metadata_leaves_out_absent_keys():
    given = [(0, 1, "a", {"x": "1"}), (1, 2, "b", {"y": "2"}), (2, 3, "c", {})]
    column = annotations(TOKEN, given[:2], [], given[2:])
    found = [a["metadata"] for row in column.to_pylist(maps_as_pydicts="strict") for a in row]
    assert found == [{"x": "1"}, {"y": "2"}, {}]
    view = Annotations.from_column(column)
    assert view.values("x").to_pylist() == ["1", None, None]
    assert view.values("none").to_pylist() == [None] * 3
    assert view.rows.tolist() == [0, 0, 2]


def test_annotations_carry_empty_embeddings_and_their_type():
    assert rows(documents("a"), "document")[0] == [
        {
            "annotatorType": "document",
            "begin": 0,
            "end": 0,
            "result": "a",
            "metadata": {"sentence": "0"},
            "embeddings": [],
        }
    ]


@pytest.mark.parametrize("cut", [slice(0, 0), slice(0, 1), slice(1, 3), slice(2, 3)])
def test_slices_and_null_rows_are_read_as_they_are(cut):
    column = annotations(TOKEN, [(0, 1, "a", {"k": "1"})], [(0, 1, "b", {}), (1, 2, "c", {})], [(0, 1, "d", {})])
    column = row_mask(column, np.array([True, False, True]))
    part = column[cut]
    wanted = [[a["result"] for a in row or ()] for row in column.to_pylist()[cut]]
    view = Annotations.from_column(part)
    edges = view.row_starts.tolist()
    found = view.results.to_pylist()
    assert [found[a:b] for a, b in pairwise(edges)] == wanted


def test_empty_column():
    view = Annotations.from_column(annotations(TOKEN))
    assert len(view) == 0
    assert view.row_starts.tolist() == [0]
    assert view.values("x").to_pylist() == []


@pytest.mark.parametrize(
    ("score", "spelled"),
    [(1.0, "1.0"), (0.0, "0.0"), (0.5, "0.5"), (0.9997, "0.9997"), (0.85873336, "0.85873336"), (np.nan, None)],
)
def test_scores_are_spelled_as_shortest_float32(score, spelled):
    assert score_strings(np.array([score], np.float32)).to_pylist() == [spelled]


def test_scores_read_back_as_the_same_float32():
    scores = np.random.default_rng(0).random(1000).astype(np.float32) ** 8
    read = np.array([float(s) for s in score_strings(scores).to_pylist()], np.float32)
    assert (read == scores).all()


def test_starts_and_indices():
    assert starts_of([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert starts_of([]).tolist() == [0]
    assert index_strings(np.array([0, 12])).to_pylist() == ["0", "12"]


def test_a_column_of_the_same_name_is_replaced_in_place():
    batch = texts("x").append_column("last", pa.array([1]))
    added = with_annotations(batch, "token", TOKEN, annotations(TOKEN, [(0, 1, "x", {})]))
    again = with_annotations(added, "token", CHUNK, annotations(CHUNK, []))
    assert again.schema.names == ["text", "last", "token"]
    assert annotation_kinds(again.schema) == {"token": CHUNK}
    assert rows(again, "token") == [[]]


ENTRIES = st.lists(st.tuples(st.sampled_from("abc"), st.text(max_size=3)), max_size=4)


@given(st.lists(st.none() | ENTRIES, max_size=6), st.data())
def test_metadata_is_looked_up_as_arrow_does(entries, data):
    """Nulls, absent keys, keys given twice, slices of a longer column."""
    metadata = pa.array(entries, pa.map_(pa.string(), pa.string()))
    first = data.draw(st.integers(0, len(entries)))
    metadata = metadata[first : data.draw(st.integers(first, len(entries)))]
    nothing, results = np.zeros(len(metadata), np.int64), pa.nulls(len(metadata), pa.string())
    annotations = Annotations(nothing, nothing, nothing, results, metadata, pa.nulls(len(metadata)))
    for key in "abcd":
        assert annotations.values(key).to_pylist() == [
            next((value for k, value in row or () if k == key), None) for row in metadata.to_pylist()
        ]
