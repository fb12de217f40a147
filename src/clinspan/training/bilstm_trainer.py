"""The training loop of BiLSTM taggers, whatever their tokens come from."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from clinspan.codepoints import Bools, Ints
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.bilstm import allowed_scores, spelling
from clinspan.inference.decoding import Floats, viterbi
from clinspan.training.bilstm_network import BiLstmNetwork, path_loss
from clinspan.training.examples import repeated
from clinspan.training.hyperparameters import BiLstmRecipe

Bounds = list[tuple[int, int]]  # first and one past the last token of sentences


@dataclass(frozen=True)
class TokenSet:
    """Tokens with what a BiLSTM reads and is to learn.

    Attributes:
        words: their texts, shape [tokens].
        sentence_starts: first token of each sentence and the end of the last, shape [sentences + 1].
        allowed: whether each may have each tag, shape [tokens, tags]; only its own where that is known.
        vectors: gives the word vectors of tokens, shape [tokens, dimension].
        weight: factor on the loss.
        passes: how often an epoch sees the set; may be a fraction.
    """

    words: pa.StringArray
    sentence_starts: Ints
    allowed: Bools
    vectors: Callable[[Ints], Floats]
    weight: float = 1.0
    passes: float = 1.0

    @property
    def bounds(self) -> Bounds:
        """First and one past the last token of each sentence that has any."""
        return [(a, b) for a, b in pairwise(self.sentence_starts.tolist()) if a < b]


@contextmanager
def seeded(seed: int) -> Iterator[random.Random]:
    """Give a generator of a seed, and make PyTorch's random numbers those of the seed in the meantime."""
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        yield random.Random(seed)  # noqa: S311 - order of sentences, not a secret


class Trainer:
    """Trains a network epoch by epoch.

    What predicts and is kept are the averaged weights; until the best are restored `network` has those of the last
    step.

    Args:
        network: what to train.
        alphabet: the characters it knows.
        options: rates and sizes.
        rng: for the order of sentences.
    """

    def __init__(self, network: BiLstmNetwork, alphabet: Alphabet, options: BiLstmRecipe, rng: random.Random) -> None:
        self.network, self.alphabet = network, alphabet
        self._options, self._rng = options, rng
        self._optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
        self._rates = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda epoch: 1 / (1 + options.decay * epoch))
        averaging = get_ema_multi_avg_fn(options.average)  # type: ignore[no-untyped-call]
        self._average = AveragedModel(network, multi_avg_fn=averaging)
        self._best, self._best_score = network.state_dict(), -np.inf

    @property
    def rate(self) -> float:
        """The learning rate of the next epoch."""
        return float(self._rates.get_last_lr()[0])

    def epoch(self, sets: Sequence[TokenSet], show: Callable[[list[Any]], Iterable[Any]] = iter) -> list[float]:
        """Go through the sets once, in random order.

        Args:
            sets: what to learn.
            show: passes the batches on, as a progress bar does.

        Returns:
            The mean loss of a sentence in each batch.
        """
        self.network.train()
        batches = [(tokens, bounds) for tokens in sets for bounds in self._batches(tokens)]
        self._rng.shuffle(batches)
        losses = [self._step(tokens, bounds) for tokens, bounds in show(batches)]
        self._rates.step()
        return losses

    def keep_if_best(self, score: float) -> None:
        """Remember the averaged weights if no earlier ones had as high a score."""
        if score > self._best_score:
            self._best = {name: value.clone() for name, value in self._average.module.state_dict().items()}
            self._best_score = score

    def restore_best(self) -> None:
        """Go back to the weights that were remembered last."""
        for network in (self.network, self._average.module):
            network.load_state_dict(self._best)

    @torch.no_grad()
    def predict(self, tokens: TokenSet, scheme: Sequence[str] | None) -> Ints:
        """Return the best tag of each token by the averaged weights.

        Args:
            tokens: whose.
            scheme: the tag set, whose scheme says which tag may follow which; None: any may follow any.
        """
        network: Any = self._average.module.eval()
        logits = np.zeros(tokens.allowed.shape, dtype=np.float32)
        for bounds in tokens.bounds:
            batch = self._batch(tokens, [bounds])
            logits[slice(*bounds)] = network(batch["vectors"], batch["characters"])[0].numpy()
        learnt = network.transitions.numpy()
        scores = learnt if scheme is None else allowed_scores(learnt, scheme)
        return viterbi(logits, tokens.sentence_starts, scores[:-1], scores[-1])

    def _batches(self, tokens: TokenSet) -> Iterator[Bounds]:
        """Yield sentences of like length together."""
        chosen = repeated(tokens.bounds, tokens.passes, self._rng)
        chosen.sort(key=lambda span: span[1] - span[0] + self._rng.uniform(-2, 2))
        size = self._options.batch_sentences
        yield from (chosen[i : i + size] for i in range(0, len(chosen), size))

    def _step(self, tokens: TokenSet, bounds: Bounds) -> float:
        self._optimizer.zero_grad()
        batch = self._batch(tokens, bounds)
        logits = self.network(batch["vectors"], batch["characters"], batch["lengths"])
        loss = path_loss(logits, batch["allowed"], batch["lengths"], self.network.transitions)
        mean: Any = loss.sum() / batch["lengths"].sum() * tokens.weight
        mean.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self._options.max_grad_norm)
        self._optimizer.step()
        self._average.update_parameters(self.network)
        return loss.mean().item()

    def _batch(self, tokens: TokenSet, bounds: Bounds) -> dict[str, Tensor]:
        """Pad sentences to one length."""
        lengths = np.array([b - a for a, b in bounds])
        at = np.concatenate([np.arange(a, b) for a, b in bounds])
        row, column = np.repeat(np.arange(len(bounds)), lengths), np.concatenate([np.arange(n) for n in lengths])
        read = {
            "vectors": tokens.vectors(at),
            "characters": spelling(self.alphabet, tokens.words.take(pa.array(at))),
            "allowed": tokens.allowed[at],
        }
        batch = {"lengths": torch.from_numpy(lengths)}
        for name, values in read.items():
            padded = np.zeros((len(bounds), lengths.max(), values.shape[1]), dtype=values.dtype)
            padded[row, column] = values
            batch[name] = torch.from_numpy(padded)
        return batch
