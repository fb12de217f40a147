"""The BiLSTM network: what goes through it in one call."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pytest

from clinspan import open_bilstm, open_vectors
from clinspan.inference import bilstm
from clinspan.inference.session import OnnxSession

WORDS = "Denies chest pain and fever but was given metformin for type 2 diabetes after a chest x-ray".split()


@dataclass(frozen=True)
class Counting:
    """A session that remembers how many words each call had."""

    session: OnnxSession
    lengths: list[int] = field(default_factory=list)

    def feed(self, feeds, outputs):
        self.lengths.append(feeds["vectors"].shape[1])
        return self.session.feed(feeds, outputs)


@pytest.fixture(scope="module")
def model():
    return open_bilstm("ner_clinical")


def calls(model, lengths, pool=None):
    """The words of each call, sorted, and the logits of sentences of so many words."""
    words = pa.array([WORDS[i % len(WORDS)] for i in range(sum(lengths))], pa.string())
    vectors, _ = open_vectors("embeddings_clinical").vectors.lookup(words)
    session = Counting(model.network.session)
    starts = np.append(0, np.cumsum(lengths)).astype(np.int64)
    logits = replace(model.network, session=session).logits(vectors, words, starts, pool)
    return sorted(session.lengths), logits


def test_a_sentence_is_one_call_as_long_as_it_fits(model):
    lengths = [3, 0, bilstm._MOST_WORDS, 40]
    found, logits = calls(model, lengths)
    assert found == [3, 40, bilstm._MOST_WORDS]
    assert logits.shape == (sum(lengths), len(model.head.tags))


@pytest.mark.parametrize("pool", [False, True])
def test_a_longer_one_is_read_in_windows_and_loses_nothing(model, pool, monkeypatch):
    lengths = [5, 3 * bilstm._MOST_WORDS, 7]
    with ThreadPoolExecutor(2) as threads:
        found, logits = calls(model, lengths, threads if pool else None)
    assert found == [5, 7, *[bilstm._MOST_WORDS] * 4]
    monkeypatch.setattr(bilstm, "_MOST_WORDS", 10**6)
    whole, expected = calls(model, lengths)
    assert whole == sorted(lengths)
    assert np.array_equal(logits[:5], expected[:5])
    assert np.array_equal(logits[-7:], expected[-7:])
    assert np.allclose(logits, expected, atol=1e-3)


def test_no_words(model):
    assert calls(model, [0, 0])[1].shape == (0, len(model.head.tags))
