"""Where sentences may end: candidates and what stands around them, over a whole batch."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.codepoints import CodePoints
from clinspan.exceptions import UnsupportedModelError
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.boundaries import REACH, BoundaryModel, Candidates, character_ids, sentence_ranges
from toy_graph import lookup_graph

TEXTS = st.lists(st.text(alphabet="aB1.?! \n\t:;)¿é😀", max_size=30), max_size=4)


def points(*texts):
    return CodePoints.from_arrow(pa.array(texts, pa.string()))


def candidates(text):
    """The text before and after each candidate."""
    found = Candidates.from_text(points(text))
    return [(text[:a], text[b:]) for a, b in zip(found.stops.tolist(), found.resumes.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("No rash. No fever.", [("No rash.", "No fever.")]),
        ("no rash. no fever", [("no rash.", "no fever")]),
        ("Mary.Mary", [("Mary.", "Mary")]),
        ("at 3.5 mg/l", [("at", "3.5 mg/l")]),
        ("dolor.¿Fiebre?", [("dolor.", "¿Fiebre?")]),
        ("fever\nand rash", [("fever", "and rash")]),
        ("fever \n\n and rash", [("fever", "and rash")]),
        ("(rash.) fever", [("(rash.)", "fever")]),
        ("wait... what", [("wait...", "what")]),
        ("e.g. this", [("e.g.", "this")]),
        ("咳嗽。发热。", [("咳嗽。", "发热。")]),
        ("fever and rash", []),
        ("  fever.  ", []),
        ("", []),
    ],
)
def test_a_sentence_may_end_at_marks_line_breaks_and_before_capitals(text, wanted):
    assert candidates(text) == wanted


def test_windows_show_what_stands_around_with_white_space_as_one():
    (window,) = Candidates.from_text(points("Stable.  \n Well")).windows.tolist()
    assert len(window) == 2 * REACH + 1
    assert window[:REACH] == [0] * (REACH - 7) + [ord(c) for c in "Stable."]
    assert window[REACH] == ord("\n")
    assert window[REACH + 1 :] == [ord(c) for c in "Well"] + [0] * (REACH - 4)
    (window,) = Candidates.from_text(points("a.B")).windows.tolist()
    assert [chr(c) for c in window if c] == ["a", ".", "\x01", "B"]


def test_windows_are_as_wide_as_the_model_reads():
    text = points("Stable since Monday. Well since then.")
    wide, narrow = (Candidates.from_text(text, reach).windows for reach in (8, 2))
    assert narrow.tolist() == wide[:, 6:11].tolist()


@given(TEXTS)
def test_a_text_has_the_same_candidates_in_company(texts):
    text = points(*texts)
    together = Candidates.from_text(text)
    alone = [Candidates.from_text(points(t)) for t in texts]
    assert together.windows.tolist() == [row for found in alone for row in found.windows.tolist()]
    for name in ("stops", "resumes"):
        shifted = [getattr(found, name) + text.row_starts[i] for i, found in enumerate(alone)]
        assert getattr(together, name).tolist() == (np.concatenate(shifted).tolist() if shifted else [])


@given(TEXTS, st.randoms(use_true_random=False))
def test_sentences_are_stripped_and_leave_out_white_space_alone(texts, rng):
    text = points(*texts)
    found = Candidates.from_text(text)
    accepted = np.array([rng.random() < 0.5 for _ in found.stops], dtype=np.bool_)
    starts, stops = sentence_ranges(text, found, accepted)
    whole = "".join(texts)
    sentences = [whole[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    assert all(s == s.strip() != "" for s in sentences)
    assert "".join("".join(sentences).split()) == "".join(whole.split())
    assert (starts[1:] >= stops[:-1]).all()


def test_unknown_characters_read_as_others_of_their_kind():
    alphabet = Alphabet("\n .0Xax")
    read = {c: int(character_ids(alphabet, np.array([[ord(c)]], dtype=np.uint32))[0, 0]) for c in "ab7BÉ。%x"}
    known = {c: i for i, c in enumerate(alphabet.characters, start=2)}
    assert read == {
        "a": known["a"],
        "b": known["x"],
        "7": known["0"],
        "B": known["X"],
        "É": known["X"],
        "。": known["."],
        "%": 1,
        "x": known["x"],
    }
    assert character_ids(alphabet, np.array([[0]], dtype=np.uint32)).tolist() == [[0]]


def test_a_graph_over_windows_of_characters_is_no_longer_read(tmp_path):
    (tmp_path / "model.onnx").write_bytes(lookup_graph(np.zeros((4, 1), np.float32), outputs=("boundary",)))
    with pytest.raises(UnsupportedModelError, match="train it again"):
        BoundaryModel.open(tmp_path)
