"""Merging chunk columns: which of overlapping chunks stay, and what is said of them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan import ChunkMerge
from clinspan.annotators.chunk_merge import best_apart
from clinspan.exceptions import MissingInputError
from clinspan.schema import TOKEN
from helpers import rows, with_chunks

TEXT = "63 years old with chronic heart failure"


def merged(first, second, **options):
    batch = pa.RecordBatch.from_arrays([pa.array([TEXT])], names=["text"])
    batch = with_chunks(with_chunks(batch, TEXT, "a", first), TEXT, "b", second)
    (row,) = rows(ChunkMerge(input_cols=("a", "b"), **options).annotate(batch), "merged_chunk")
    return [(c["result"], c["metadata"]["entity"], c["metadata"]["ner_source"]) for c in row]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("longest", [("63 years old", "Age", "b"), ("chronic heart failure", "Disease", "a")]),
        ("confidence", [("63", "AGE", "a"), ("heart", "Organ", "b")]),
        (
            "all",
            [
                ("63 years old", "Age", "b"),
                ("63", "AGE", "a"),
                ("chronic heart failure", "Disease", "a"),
                ("heart", "Organ", "b"),
            ],
        ),
    ],
)
def test_precedence(keep, expected):
    """The first row is the worked example of Healthcare NLP's ChunkMerge: 63 (AGE) against 63 years old (Age)."""
    first = [(0, 2, "AGE", 0.9), (18, 39, "Disease", 0.7)]
    second = [(0, 12, "Age", 0.8), (26, 31, "Organ", 0.95)]
    assert merged(first, second, keep=keep) == expected


def test_of_equally_long_chunks_the_most_confident_stays_then_the_earlier_column():
    assert merged([(0, 2, "X", 0.5)], [(0, 2, "Y", 0.6)]) == [("63", "Y", "b")]
    assert merged([(0, 2, "X", 0.5)], [(0, 2, "Y", 0.5)]) == [("63", "X", "a")]


def test_of_equally_confident_chunks_the_longest_stays():
    assert merged([(0, 2, "X", 0.5)], [(0, 12, "Y", 0.5)], keep="confidence") == [("63 years old", "Y", "b")]


def test_adjacent_chunks_do_not_overlap():
    assert [c[0] for c in merged([(0, 2, "X", 0.5)], [(2, 8, "Y", 0.5)])] == ["63", " years"]


def test_a_chunk_without_confidence_gives_way():
    assert merged([(0, 2, "X", float("nan"))], [(0, 2, "Y", 0.1)]) == [("63", "Y", "b")]


def test_chunks_are_counted_in_each_row_and_rows_do_not_mix():
    batch = pa.RecordBatch.from_arrays([pa.array([TEXT, TEXT, None])], names=["text"])
    batch = with_chunks(batch, TEXT, "a", [(0, 2, "X", 0.5)], [(18, 39, "X", 0.5)], [])
    batch = with_chunks(batch, TEXT, "b", [(18, 25, "Y", 0.5)], [(0, 2, "Y", 0.5)], [])
    found = rows(ChunkMerge(input_cols=("a", "b")).annotate(batch), "merged_chunk")
    assert [[(c["begin"], c["metadata"]["chunk"]) for c in row] for row in found] == [
        [(0, "0"), (18, "1")],
        [(0, "0"), (18, "1")],
        [],
    ]


def test_only_chunks_can_be_merged():
    batch = pa.RecordBatch.from_arrays([pa.array([TEXT])], names=["text"])
    batch = with_chunks(with_chunks(batch, TEXT, "a", []), TEXT, "t", [], kind=TOKEN)
    with pytest.raises(MissingInputError, match="chunk column 't', chunk column 'c'"):
        ChunkMerge(input_cols=("a", "t", "c")).annotate(batch)
    with pytest.raises(ValueError, match="possible values: longest, confidence, all"):
        ChunkMerge(input_cols=("a",), keep="shortest")
    with pytest.raises(ValueError, match="input_cols"):
        ChunkMerge()


SPANS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(1, 6)), max_size=14)


@given(SPANS, st.randoms(use_true_random=False))
def test_the_best_are_picked_one_by_one(spans, random):
    rank = list(range(len(spans)))
    random.shuffle(rank)
    expected: list[int] = []
    for i in sorted(range(len(spans)), key=rank.__getitem__):
        row, start, size = spans[i]
        rivals = (spans[j] for j in expected)
        if not any(r == row and s < start + size and start < s + n for r, s, n in rivals):
            expected.append(i)
    row, start, size = (
        np.array(column, dtype=np.int64) for column in (zip(*spans, strict=True) if spans else ((),) * 3)
    )
    picked = best_apart(row, start, start + size, np.array(rank, dtype=np.int64))
    assert np.flatnonzero(picked).tolist() == sorted(expected)
