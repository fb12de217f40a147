"""NerConverterInternal: what Healthcare NLP adds to NerConverter."""

import pytest

from clinspan.annotators.ner_converter import NerConverterInternal, read_replacements
from clinspan.exceptions import InputError
from helpers import chunk_values, chunks, tagged

PLACES = "born in Mumbai, Maharashtra, India"


def places(*tags, scores=("0.5", "0.5", "0.5")):
    words = ["Mumbai", "Maharashtra", "India"]
    scored = [(w, t, {"confidence": s}) for w, t, s in zip(words, tags, scores, strict=True)]
    return tagged(PLACES, [("born", "O"), ("in", "O"), scored[0], (",", "O"), scored[1], (",", "O"), scored[2]])


IGNORED = ("\n", ",", "and", "or", ".")
MIDDLE = (16, 26, "Maharashtra", "P")


@pytest.mark.parametrize(
    ("tags", "ignored", "wanted"),
    [
        (["B-L", "B-L", "B-L"], IGNORED, [(8, 33, "Mumbai Maharashtra India", "L")]),
        (["B-L", "B-P", "B-L"], IGNORED, [(8, 13, "Mumbai", "L"), MIDDLE, (29, 33, "India", "L")]),
        (["B-L", "O", "I-L"], ("and",), [(8, 13, "Mumbai", "L"), (29, 33, "India", "L")]),
        (["B-L", "B-L", "B-P"], IGNORED, [(8, 26, "Mumbai Maharashtra", "L"), (29, 33, "India", "P")]),
        (["B-L", "O", "B-L"], IGNORED, [(8, 13, "Mumbai", "L"), (29, 33, "India", "L")]),
    ],
)
def test_ignored_stop_words(tags, ignored, wanted):
    found = chunks(places(*tags), NerConverterInternal, ignore_stop_words=ignored, greedy_mode=True)
    assert found == [wanted]


def test_joined_chunks_count_their_tokens_once_and_stay_in_their_sentence():
    half = {"confidence": "0.5"}
    first = [("left", "B-X", half), ("atrium", "I-X", half), (",", "O"), ("wall", "B-X", {"confidence": "0.875"})]
    batch = tagged("left atrium, wall. Apex", [*first, (".", "O")], [("Apex", "B-X", {"confidence": "1.0"})])
    options = {"ignore_stop_words": IGNORED, "threshold": 0.6}
    found = chunks(batch, NerConverterInternal, **options)
    assert found == [[(0, 16, "left atrium wall", "X"), (19, 22, "Apex", "X")]]
    assert chunk_values(batch, "confidence", NerConverterInternal, **options) == [["0.625", "1.0"]]


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["L", "P", "L"]),
        ({"threshold": 0.5}, ["L", "P"]),
        ({"threshold": 0.7}, ["P"]),
        ({"black_list": ("L",)}, ["P"]),
        ({"white_list": ("L",)}, ["L", "L"]),
        ({"white_list": ("L", "P"), "black_list": ("P",)}, ["L", "L"]),
        ({"replace_labels": {"L": "Place", "Q": "R"}}, ["Place", "P", "Place"]),
        ({"replace_labels": {"L": "P", "P": "L"}}, ["P", "L", "P"]),
        ({"white_list": ("L",), "replace_labels": {"L": "Place"}}, ["Place", "Place"]),
        ({"white_list": ("Place",), "replace_labels": {"L": "Place"}}, []),
        ({"black_list": ("Place",), "replace_labels": {"L": "Place"}}, ["Place", "P", "Place"]),
        ({"white_list": ("l",)}, []),
        ({"white_list": ("l",), "case_sensitive": False}, ["L", "L"]),
        ({"black_list": ("l",), "case_sensitive": False}, ["P"]),
        ({"replace_labels": {"l": "Place"}, "case_sensitive": False}, ["Place", "P", "Place"]),
        ({"replace_labels": {"l": "Place"}}, ["L", "P", "L"]),
    ],
)
def test_filters_and_renaming(options, wanted):
    batch = places("B-L", "B-P", "B-L", scores=("0.5", "0.7", "0.25"))
    assert chunk_values(batch, "entity", NerConverterInternal, **options) == [wanted]
    assert chunk_values(batch, "chunk", NerConverterInternal, **options) == [[str(i) for i in range(len(wanted))]]


def test_chunks_without_confidence_pass_the_threshold():
    assert chunk_values(tagged("a", [("a", "B-X")]), "entity", NerConverterInternal, threshold=0.9) == [["X"]]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        (["B-X", "B-X"], [(0, 2, "a b", "X")]),
        (["I-X", "B-X"], [(0, 2, "a b", "X")]),
        (["B-X", "B-Y"], [(0, 0, "a", "X"), (2, 2, "b", "Y")]),
    ],
)
@pytest.mark.parametrize("strict", [True, False])
def test_greedy_mode(tags, wanted, strict):
    batch = tagged("a b", list(zip("ab", tags, strict=True)))
    assert chunks(batch, NerConverterInternal, greedy_mode=True, strict=strict) == [wanted]
    assert len(chunks(batch, NerConverterInternal, strict=strict)[0]) == 2


@pytest.mark.parametrize("strict", [True, False])
def test_greedy_mode_stops_at_other_words_and_sentences(strict):
    batch = tagged("a b c d", [("a", "B-X"), ("b", "O"), ("c", "B-X")], [("d", "B-X")])
    found = chunks(batch, NerConverterInternal, greedy_mode=True, strict=strict)
    assert found == [[(0, 0, "a", "X"), (4, 4, "c", "X"), (6, 6, "d", "X")]]


def test_read_replacements(tmp_path):
    file = tmp_path / "labels.csv"
    file.write_text("Drug, Medicine\n\nBody part,Anatomy\n", encoding="utf-8")
    assert read_replacements(file) == {"Drug": "Medicine", "Body part": "Anatomy"}
    file.write_text("Drug;Medicine\n", encoding="utf-8")
    assert read_replacements(file, delimiter=";") == {"Drug": "Medicine"}
    file.write_text("Drug,Medicine\nDose;Amount\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"labels\.csv, line 2: two names with ',' between them"):
        read_replacements(file)
