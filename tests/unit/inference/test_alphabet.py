"""The characters of words as a BiLSTM reads them."""

import pyarrow as pa
import pytest

from clinspan.inference.alphabet import Alphabet
from clinspan.inference.bilstm import SPELLED, spelling

ALPHABET = Alphabet("abcé😀")  # ids from 2 on


def ids(*words):
    return spelling(ALPHABET, pa.array(words, pa.string())).tolist()


def test_a_short_word_is_taken_whole():
    (row,) = ids("cab")
    assert row == [4, 2, 3, *[0] * 27]
    assert SPELLED == len(row) == 30
    assert len(ALPHABET) == 7


@pytest.mark.parametrize(("word", "expected"), [("é", 5), ("😀", 6), ("z", 1), ("\x00", 1)])
def test_any_character_has_an_id(word, expected):
    assert ids(word)[0][:2] == [expected, 0]


def test_a_longer_word_is_taken_from_both_ends():
    (row,) = ids("a" * 15 + "z" * 50 + "b" * 15)
    assert row == [2] * 15 + [3] * 15
    (row,) = ids("a" * 15 + "z" + "b" * 15)
    assert row == [2] * 15 + [3] * 15
    (row,) = ids("a" * 15 + "b" * 15)
    assert row == [2] * 15 + [3] * 15


def test_words_do_not_mix():
    assert ids("ab", "", "c") == [ids("ab")[0], [0] * 30, ids("c")[0]]
    assert ids() == []


def test_an_empty_alphabet_knows_nothing():
    assert spelling(Alphabet(""), pa.array(["ab"])).tolist() == [[1, 1, *[0] * 28]]
