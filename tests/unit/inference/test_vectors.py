"""Word vectors: what is written comes back, to the precision of 8 bits; unknown words are zero."""

import numpy as np
import pyarrow as pa
import pytest

from clinspan.exceptions import DamagedModelError
from clinspan.inference.vectors import WordVectors

WORDS = pa.array(["fever", "heart", "ölçüm"])
FLOATS = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)


@pytest.fixture
def vectors(tmp_path):
    WordVectors.from_floats(WORDS, FLOATS).write(tmp_path / "vectors.arrow")
    return WordVectors.open(tmp_path / "vectors.arrow")


def test_vectors_come_back_to_half_a_step_of_their_own_scale(vectors):
    found, known = vectors.lookup(WORDS)
    assert known.all()
    assert found.dtype == np.float32
    step = np.abs(FLOATS).max(axis=1, keepdims=True) / 127
    assert (np.abs(found - FLOATS) <= step / 2 + 1e-6).all()
    assert vectors.dimension == 8


def test_case_does_not_matter_and_unknown_words_are_zero(vectors):
    found, known = vectors.lookup(pa.array(["Heart", "HEART", "x", None, "ÖLÇÜM"]))
    assert known.tolist() == [True, True, False, False, True]
    assert (found[0] == found[1]).all()
    assert not found[~known].any()


def test_a_vector_of_zeros_and_no_words(vectors):
    zero = WordVectors.from_floats(pa.array(["a"]), np.zeros((1, 4), np.float32))
    assert zero.lookup(pa.array(["a"]))[0].tolist() == [[0, 0, 0, 0]]
    found, known = vectors.lookup(pa.array([], pa.string()))
    assert found.shape == (0, 8)
    assert known.shape == (0,)


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"no arrow file at all"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "vectors.arrow").write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"vectors\.arrow"):
        WordVectors.open(tmp_path / "vectors.arrow")


def test_another_arrow_file_is_refused(tmp_path):
    table = pa.table({"x": [1]})
    with pa.ipc.new_file(tmp_path / "vectors.arrow", table.schema) as file:
        file.write_table(table)
    with pytest.raises(DamagedModelError):
        WordVectors.open(tmp_path / "vectors.arrow")
