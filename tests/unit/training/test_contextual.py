"""Word vectors of an encoder: words of one kind come out alike, and only what occurs counts."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

from clinspan.corpora import Record  # noqa: E402
from clinspan.exceptions import RecipeError  # noqa: E402
from clinspan.inference.model import open_head  # noqa: E402
from clinspan.training.contextual import _Encoder, contextual_vectors, frequent_words  # noqa: E402
from clinspan.training.examples import Sentences, token_units  # noqa: E402
from clinspan.training.reopen import reopened_weights  # noqa: E402

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


def test_the_state_of_a_word_is_what_the_head_reads():
    model = open_head("en/disease")
    encoder = _Encoder.open("en/disease")
    with ThreadPoolExecutor(1) as pool:
        places, states = encoder.states(WORDS, TEXTS[2:3], pool)
    weights = reopened_weights(model.folder / "model.onnx")
    matrix, bias = (weights[f"heads.disease.{part}"].numpy() for part in ("weight", "bias"))
    sentences = Sentences.from_records([Record("", TEXTS[2], ())])
    units = token_units(sentences.texts)
    logits = model.tagger.logits(sentences.texts, sentences.records, units, ["disease"])["disease"]
    words = units.text.slices(units.starts, units.stops).to_pylist()
    assert [WORDS[int(i)].as_py() for i in places] == ["pneumonia", "asthma", "pneumonia"]
    expected = logits[[i for i, word in enumerate(words) if word in ("pneumonia", "asthma")]]
    np.testing.assert_allclose(states @ matrix.T + bias, expected, atol=1e-4)


@pytest.mark.parametrize(("words", "dimension"), [(["never"], 4), (["asthma"], 385)])
def test_vectors_that_cannot_be_are_refused(words, dimension):
    with pytest.raises(RecipeError, match="en/disease read"):
        contextual_vectors("en/disease", pa.array(words), [TEXTS], dimension)


def test_a_single_word_has_numbers_though_it_differs_from_no_other():
    assert np.isfinite(contextual_vectors("en/disease", pa.array(["asthma"]), [TEXTS], 4)).all()


def test_words_are_chosen_by_how_often_they_occur():
    sentences = [["a", "b", "a"], ["c", "b", "a"], ["c"]]
    assert frequent_words(sentences, most=5, min_count=2) == ["a", "b", "c"]
    assert frequent_words(sentences, most=1, min_count=1) == ["a"]
    assert frequent_words(sentences, most=5, min_count=3) == ["a"]
