"""Word vectors of an encoder: words of one kind come out alike, and only what occurs counts."""

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

from clinspan.training.contextual import contextual_vectors, frequent_words  # noqa: E402

TEXTS = [
    "She takes metformin and aspirin every day. Chest pain was denied.",
    "Aspirin was stopped because of bleeding. Metformin was continued.",
    "He was admitted with pneumonia. The patient has asthma and pneumonia.",
    "Asthma was treated. Warfarin was given for bleeding; warfarin was then stopped.",
]
WORDS = pa.array(["metformin", "aspirin", "warfarin", "pneumonia", "asthma", "never"])


@pytest.fixture(scope="module")
def vectors():
    return contextual_vectors("en/disease", WORDS, [TEXTS[:2], TEXTS[2:]], 4)


def test_drugs_are_like_drugs_and_diseases_like_diseases(vectors):
    units = vectors[:5] / np.linalg.norm(vectors[:5], axis=1, keepdims=True)
    alike = units @ units.T
    assert vectors.shape == (6, 4)
    assert alike[:3, :3].min() > alike[:3, 3:].max()
    assert alike[3, 4] > alike[:3, 3:].max()


def test_a_word_that_does_not_occur_is_zero(vectors):
    assert not vectors[5].any()
    assert vectors[:5].any(axis=1).all()


def test_the_batches_make_no_difference(vectors):
    together = contextual_vectors("en/disease", WORDS, [TEXTS], 4)
    np.testing.assert_allclose(np.abs(together), np.abs(vectors), atol=1e-5)  # a direction may point either way


def test_words_are_chosen_by_how_often_they_occur():
    sentences = [["a", "b", "a"], ["c", "b", "a"], ["c"]]
    assert frequent_words(sentences, most=5, min_count=2) == ["a", "b", "c"]
    assert frequent_words(sentences, most=1, min_count=1) == ["a"]
    assert frequent_words(sentences, most=5, min_count=3) == ["a"]
