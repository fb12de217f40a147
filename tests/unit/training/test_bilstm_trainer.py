"""The training loop of BiLSTM taggers."""

import random

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from clinspan.inference.alphabet import Alphabet  # noqa: E402
from clinspan.training.bilstm_network import BiLstmNetwork  # noqa: E402
from clinspan.training.bilstm_trainer import TokenSet, Trainer  # noqa: E402
from clinspan.training.hyperparameters import BiLstmRecipe  # noqa: E402

WORDS = pa.array(["no", "fever", "today"])


def trainer(average: float) -> Trainer:
    options = BiLstmRecipe(vectors="", hidden=4, filters=3, character_dimension=2, average=average)
    alphabet = Alphabet.from_codes([ord(c) for c in "adefnortvy"])
    network = BiLstmNetwork(options, dimension=2, characters=len(alphabet), tags=3)
    return Trainer(network, alphabet, options, random.Random(1))


def one_sentence() -> TokenSet:
    allowed = np.eye(3, dtype=np.bool_)[[0, 1, 0]]
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    return TokenSet(WORDS, np.array([0, 3]), allowed, lambda at: vectors[at])


@pytest.mark.parametrize("average", [0.0, 0.75])
def test_what_is_kept_is_the_moving_average_of_the_steps(average):
    trained, weights = trainer(average), []
    for _ in range(2):  # one batch each; the average begins with the weights after the first
        trained.epoch([one_sentence()])
        weights.append(trained.network.output.weight.detach().clone())
    trained.keep_if_best(1.0)
    trained.restore_best()
    torch.testing.assert_close(trained.network.output.weight, average * weights[0] + (1 - average) * weights[1])


def test_what_predicts_are_the_weights_that_are_kept():
    trained = trainer(1.0)  # the average never leaves the weights after the first step
    trained.epoch([one_sentence()])
    first = trained.predict(one_sentence(), None)
    trained.keep_if_best(1.0)
    with torch.no_grad():
        trained.network.output.bias[int(first[0] + 1) % 3] = 1e3  # weights that find something else
    assert trained.predict(one_sentence(), None).tolist() == first.tolist()
    trained.restore_best()
    assert trained.predict(one_sentence(), None).tolist() == first.tolist()


def test_only_better_weights_replace_those_that_are_kept():
    trained = trainer(0.0)
    trained.epoch([one_sentence()])
    kept = trained.network.output.weight.detach().clone()
    trained.keep_if_best(0.5)
    trained.epoch([one_sentence()])
    trained.keep_if_best(0.4)
    trained.restore_best()
    torch.testing.assert_close(trained.network.output.weight, kept)
