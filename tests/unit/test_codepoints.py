import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.codepoints import (
    SINGLE,
    SPACE,
    WORD,
    CodePoints,
    character_class,
    character_classes,
    gather_bytes,
    runs,
    word_units,
)

TEXTS = st.lists(st.text(max_size=12), max_size=6)


def read(values, first=0):
    return CodePoints.from_arrow(pa.array(values, pa.string())[first:])


def units(*values):
    """Word units of rows laid end to end, as (row, text)."""
    text = read(list(values))
    starts, stops = word_units(text)
    owner = np.searchsorted(text.row_starts, starts, "right") - 1
    return list(zip(owner.tolist(), text.slices(starts, stops).to_pylist(), strict=True))


@given(TEXTS, st.integers(0, 3))
def test_codes_and_rows_are_those_of_python_strings(values, first):
    text, kept = read(values, first), values[first:]
    joined = "".join(kept)
    assert [chr(c) for c in text.codes] == list(joined)
    assert text.row_starts.tolist() == [len("".join(kept[:i])) for i in range(len(kept) + 1)]
    assert bytes(text.utf8) == joined.encode()
    assert text.byte_starts.tolist() == [len(joined[:i].encode()) for i in range(len(joined) + 1)]


@given(TEXTS, st.data())
def test_slices_count_code_points(values, data):
    joined = "".join(values)
    edges = data.draw(st.lists(st.tuples(*[st.integers(0, len(joined))] * 2).map(sorted), max_size=4))
    table = np.array(edges, np.int64).reshape(-1, 2)
    assert read(values).slices(table[:, 0], table[:, 1]).to_pylist() == [joined[a:b] for a, b in edges]


def test_null_is_empty_text():
    assert read(["é", None, "😀b"]).row_starts.tolist() == [0, 1, 1, 3]


def test_astral_characters_count_one():
    text = read(["😀 pain"])
    assert text.slices(np.array([2]), np.array([6])).to_pylist() == ["pain"]


def test_gather_bytes_of_nothing():
    assert gather_bytes(np.zeros(0, np.uint8), *[np.zeros(0, np.int64)] * 2).to_pylist() == []


@pytest.mark.parametrize(
    ("characters", "wanted"),
    [
        (" \t\n\r\x0b\f\u00a0\u2003\u2028\x00\x7f\x85\ufeff", SPACE),
        ("aZ9éßñ²ΩЖ\u0301\u200d\u00ad", WORD),
        (".,-'\"“–%/+<=$°~^`|¿×😀心中", SINGLE),
    ],
)
def test_character_classes(characters, wanted):
    assert [character_class(c) for c in characters] == [wanted] * len(characters)
    codes = np.array([ord(c) for c in characters], np.uint32)
    assert (character_classes(codes) == wanted).all()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("cocaine-induced", ["cocaine", "-", "induced"]),
        ("dell'aspirina", ["dell", "'", "aspirina"]),
        ("3.5 mg", ["3", ".", "5", "mg"]),
        ("hígado", ["hígado"]),
        ("hi\u0301gado", ["hi\u0301gado"]),
        ("  \n ", []),
        ("", []),
        ("心臓", ["心", "臓"]),
        ("a\u00a0b😀😀", ["a", "b", "😀", "😀"]),
    ],
)
def test_word_units(text, wanted):
    assert units(text) == [(0, unit) for unit in wanted]


def test_units_stay_in_their_row():
    assert units("ab", "", "cd", "e") == [(0, "ab"), (2, "cd"), (3, "e")]


def test_further_edges_part_units():
    text = read(["abcd ef"])
    starts, stops = word_units(text, np.array([0, 2]), np.array([2, 4]))
    assert text.slices(starts, stops).to_pylist() == ["ab", "cd", "ef"]


@given(TEXTS)
def test_units_cover_every_visible_character_once(values):
    text = read(values)
    starts, stops = word_units(text)
    covered = np.zeros(len(text.codes), int)
    for a, b in zip(starts, stops, strict=True):
        covered[a:b] += 1
    visible = [not (c.isspace() or unicodedata.category(c) == "Cc") for c in "".join(values)]
    assert covered.astype(bool).tolist() == visible
    assert covered.max(initial=0) <= 1


@given(st.lists(st.lists(st.booleans(), max_size=5), max_size=5))
def test_runs(values):
    flat = np.array([x for row in values for x in row], np.bool_)
    edges = np.cumsum([0, *map(len, values)])
    wanted = []
    for base, row in zip(edges.tolist(), values, strict=False):
        at = 0
        while at < len(row):
            stop = at
            while stop < len(row) and row[stop]:
                stop += 1
            if stop > at:
                wanted.append((base + at, base + stop))
            at = stop + 1
    assert list(zip(*(a.tolist() for a in runs(flat, edges)), strict=True)) == wanted
