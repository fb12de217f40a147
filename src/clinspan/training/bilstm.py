"""Training a BiLSTM tagger: on gold corpora, and on text that a larger model has annotated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track

from clinspan.codepoints import Bools, Ints
from clinspan.corpora import Record
from clinspan.evaluation.entity import strict_f1
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.decoding import Floats
from clinspan.inference.model import open_vectors
from clinspan.inference.units import Units
from clinspan.inference.vectors import WordVectors
from clinspan.training.bilstm_network import BiLstmNetwork
from clinspan.training.bilstm_trainer import TokenSet, Trainer, seeded
from clinspan.training.data import DataFolders
from clinspan.training.examples import IGNORED, Sentences, Teaching, token_units
from clinspan.training.hyperparameters import BiLstmRecipe
from clinspan.training.recipe import CorpusRecipe, Recipe
from clinspan.training.teacher import train_records
from clinspan.training.teachings import measuring, teachings


@dataclass(frozen=True)
class TokenExamples:
    """The tokens of a corpus with what a BiLSTM reads and is to learn.

    Attributes:
        name: of the corpus.
        records: its records, in the corpus' own labels.
        teaching: how it teaches the head.
        sentences: the sentences of the records.
        tokens: the tokens as units.
        words: their texts.
        targets: tag index of each, `UNMARKED` or `IGNORED`.
        passes: how often an epoch sees the corpus.
    """

    name: str
    records: Sequence[Record]
    teaching: Teaching
    sentences: Sentences
    tokens: Units
    words: pa.StringArray
    targets: Ints
    passes: float = 1.0

    @classmethod
    def from_records(
        cls, records: Sequence[Record], teaching: Teaching, *, name: str = "", passes: float = 1.0
    ) -> TokenExamples:
        """Tokenize records and put the gold tags on their tokens."""
        sentences = Sentences.from_records(records)
        tokens = token_units(sentences.texts)
        targets = teaching.unit_targets(records, sentences, tokens)
        return cls(name, records, teaching, sentences, tokens, tokens.texts, targets, passes)

    def allowed(self) -> Bools:
        """Return whether each token may have each tag, shape [tokens, tags]."""
        known = np.eye(len(self.teaching.tags), dtype=np.bool_)[np.maximum(self.targets, 0)]
        open_tags = np.where((self.targets == IGNORED)[:, None], True, self.teaching.possible)
        return np.where((self.targets >= 0)[:, None], known, open_tags)

    def token_set(self, vectors: WordVectors) -> TokenSet:
        """Return what a network reads and learns of them."""

        def look_up(at: Ints) -> Floats:
            return vectors.lookup(self.words.take(pa.array(at)))[0]

        weight = self.teaching.weight
        return TokenSet(self.words, self.tokens.sentence_starts, self.allowed(), look_up, weight, self.passes)

    def strict_f1(self, trainer: Trainer, vectors: WordVectors) -> float:
        """Score what a network finds where the corpus can judge it."""
        tag_ids = trainer.predict(self.token_set(vectors), self.teaching.tags)
        return strict_f1(*self.teaching.compared(self.records, self.sentences, self.tokens, tag_ids))


def train_bilstm(
    recipe: Recipe, options: BiLstmRecipe, *, data: DataFolders, runs: Path, console: Console
) -> tuple[BiLstmNetwork, Alphabet]:
    """Train the network of a recipe.

    Returns:
        The network with the weights of the best epoch, and its alphabet.
    """
    (head,) = recipe.heads
    taught = [corpus for corpus in recipe.corpora if corpus.train and head in corpus.heads]
    train_set = [_examples(recipe, c, train_records(c, data, runs), head) for c in taught]
    dev_set = [
        _examples(recipe, c, data.records(c.dev, c.reading), head) for c in map(measuring, recipe.corpora) if c.heads
    ]
    tags = recipe.heads[head].tags
    vectors, alphabet = open_vectors(options.vectors).vectors, _alphabet(train_set)
    with seeded(recipe.seed) as rng:
        network = BiLstmNetwork(options, dimension=vectors.dimension, characters=len(alphabet), tags=len(tags))
        trainer = Trainer(network, alphabet, options, rng)
        _optimise(trainer, options.epochs, train_set, dev_set, vectors, console)
    return network, alphabet


def _optimise(
    trainer: Trainer,
    epochs: int,
    train_set: Sequence[TokenExamples],
    dev_set: Sequence[TokenExamples],
    vectors: WordVectors,
    console: Console,
) -> None:
    sets = [examples.token_set(vectors) for examples in train_set]
    for epoch in range(epochs):
        title = f"epoch {epoch + 1}/{epochs}"
        trainer.epoch(sets, partial(track, description=title, transient=True, console=console))
        scores = {e.name: e.strict_f1(trainer, vectors) for e in dev_set}
        trainer.keep_if_best(fmean(scores.values()) if scores else epoch)  # without any: the newest
        shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        console.print(f"epoch {epoch + 1}: dev strict F1 {shown}", highlight=False)
    trainer.restore_best()


def _examples(recipe: Recipe, corpus: CorpusRecipe, records: Sequence[Record], head: str) -> TokenExamples:
    teaching = teachings(recipe, corpus, records)[head]
    return TokenExamples.from_records(records, teaching, name=corpus.name, passes=corpus.passes)


def _alphabet(sets: Sequence[TokenExamples]) -> Alphabet:
    return Alphabet.from_codes(np.unique(np.concatenate([e.tokens.text.codes for e in sets])).tolist())
