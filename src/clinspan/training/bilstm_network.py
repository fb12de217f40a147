"""The BiLSTM tagger as a network: a convolution over characters, word vectors, an LSTM both ways, a CRF.

After Chiu & Nichols 2016 (the encoder) and Lample et al. 2016 (the conditional random field).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from clinspan.training.hyperparameters import BiLstmRecipe


class BiLstmNetwork(nn.Module):
    """From word vectors and characters to a logit per tag.

    Args:
        options: sizes.
        dimension: of the word vectors.
        characters: size of the alphabet.
        tags: number of tags.
    """

    def __init__(self, options: BiLstmRecipe, *, dimension: int, characters: int, tags: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.characters = nn.Embedding(characters, options.character_dimension, padding_idx=0)
        self.convolution = nn.Conv1d(options.character_dimension, options.filters, kernel_size=3, padding=1)
        width = dimension + options.filters
        self.lstm = nn.LSTM(width, options.hidden, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * options.hidden, tags)
        self.dropout = nn.Dropout(options.dropout)
        self.transitions = nn.Parameter(torch.zeros(tags + 1, tags))  # the last row: at the beginning

    def forward(self, vectors: Tensor, characters: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return logits.

        Args:
            vectors: shape [sentences, words, dimension].
            characters: ids, 0 for none, shape [sentences, words, characters].
            lengths: words of each sentence; None: all are full.

        Returns:
            Shape [sentences, words, tags].
        """
        features = self.dropout(torch.cat([vectors, self._spelling(characters)], dim=-1))
        if lengths is None:
            states, _ = self.lstm(features)
        else:
            packed = pack_padded_sequence(features, lengths, batch_first=True, enforce_sorted=False)
            states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.output(self.dropout(states))

    def _spelling(self, characters: Tensor) -> Tensor:
        sentences, words, length = characters.shape
        flat = characters.reshape(sentences * words, length)
        found = self.convolution(self.characters(flat).transpose(1, 2))
        found = found.masked_fill((flat == 0)[:, None], -1e4).amax(dim=-1)
        return torch.relu(found).reshape(sentences, words, found.shape[-1])


def path_loss(logits: Tensor, allowed: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return, for each sentence, minus the log probability of all tag sequences that the annotation allows.

    Args:
        logits: shape [sentences, words, tags].
        allowed: whether a word may have a tag, shape [sentences, words, tags]; only its own where that is known.
        lengths: words of each sentence.
        transitions: as in `BiLstm`.
    """
    barred = logits.masked_fill(~allowed, -1e4)
    return _total(logits, lengths, transitions) - _total(barred, lengths, transitions)


def _total(logits: Tensor, lengths: Tensor, transitions: Tensor) -> Tensor:
    """Return the log of the summed scores of all paths (the forward algorithm), shape [sentences]."""
    score = transitions[-1] + logits[:, 0]
    for step in range(1, logits.shape[1]):
        longer = torch.logsumexp(score[:, :, None] + transitions[None, :-1], dim=1) + logits[:, step]
        score = torch.where((lengths > step)[:, None], longer, score)
    return torch.logsumexp(score, dim=-1)


class AsGraph(nn.Module):
    """The network with a named output, as the exporter wants it."""

    def __init__(self, network: BiLstmNetwork, output: str) -> None:
        super().__init__()
        self.network, self.output = network, output

    def forward(self, vectors: Tensor, characters: Tensor) -> Mapping[str, Tensor]:
        """Return the logits."""
        return {self.output: self.network(vectors, characters)}
