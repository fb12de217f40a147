"""Training a BiLSTM tagger: on gold corpora, and on text that a larger model has annotated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

from clinspan.annotators.token import Tokenizer
from clinspan.codepoints import Bools, CodePoints, Ints
from clinspan.corpora import Record
from clinspan.evaluation.entity import strict_f1
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.bilstm import allowed_scores, spelling
from clinspan.inference.decoding import viterbi
from clinspan.inference.model import open_vectors
from clinspan.inference.units import Units
from clinspan.inference.vectors import WordVectors
from clinspan.recognizer import load
from clinspan.tagging import LabelledSpan
from clinspan.training.bilstm_network import BiLstmNetwork, path_loss
from clinspan.training.data import DataFolders
from clinspan.training.examples import IGNORED, Sentences, SpanLists, Teaching, repeated
from clinspan.training.recipe import BiLstmRecipe, CorpusRecipe, Recipe, TeachingRecipe
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
        text = CodePoints.from_arrow(sentences.texts)
        starts, stops = Tokenizer().spans(text)
        tokens = Units(text, starts, stops, np.searchsorted(starts, text.row_starts))
        targets = teaching.unit_targets(records, sentences, tokens)
        return cls(name, records, teaching, sentences, tokens, text.slices(starts, stops), targets, passes)

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First and one past the last token of each sentence that has any."""
        starts = self.tokens.sentence_starts.tolist()
        return [(a, b) for a, b in pairwise(starts) if a < b]

    def allowed(self) -> Bools:
        """Return whether each token may have each tag, shape [tokens, tags]."""
        known = np.eye(len(self.teaching.tags), dtype=np.bool_)[np.maximum(self.targets, 0)]
        open_tags = np.where((self.targets == IGNORED)[:, None], True, self.teaching.possible)
        return np.where((self.targets >= 0)[:, None], known, open_tags)

    def compared(self, tag_ids: Ints) -> tuple[SpanLists, SpanLists]:
        """Return the gold and the predicted spans of each record that the corpus can judge."""
        return self.teaching.compared(self.records, self.sentences, self.tokens, tag_ids)


@dataclass(frozen=True)
class Reader:
    """Turns tokens into what the network reads."""

    vectors: WordVectors
    alphabet: Alphabet

    def batch(self, examples: TokenExamples, bounds: Sequence[tuple[int, int]], allowed: Bools) -> dict[str, Tensor]:
        """Pad sentences of one corpus to one length."""
        lengths = np.array([b - a for a, b in bounds])
        at = np.concatenate([np.arange(a, b) for a, b in bounds])
        words = examples.words.take(pa.array(at))
        row, column = np.repeat(np.arange(len(bounds)), lengths), np.concatenate([np.arange(n) for n in lengths])
        read = {
            "vectors": self.vectors.lookup(words)[0],
            "characters": spelling(self.alphabet, words),
            "allowed": allowed[at],
        }
        batch = {"lengths": torch.from_numpy(lengths)}
        for name, values in read.items():
            padded = np.zeros((len(bounds), lengths.max(), values.shape[1]), dtype=values.dtype)
            padded[row, column] = values
            batch[name] = torch.from_numpy(padded)
        return batch


def train_bilstm(
    recipe: Recipe, options: BiLstmRecipe, *, data: DataFolders, console: Console
) -> tuple[BiLstmNetwork, Alphabet]:
    """Train the network of a recipe.

    Returns:
        The network with the weights of the best epoch, and its alphabet.
    """
    (head,) = recipe.heads
    taught = [corpus for corpus in recipe.corpora if corpus.train and head in corpus.heads]
    train_set = [_examples(recipe, c, data.records(c.train, c.reading), head) for c in taught]
    dev_set = [
        _examples(recipe, c, data.records(c.dev, c.reading), head) for c in map(measuring, recipe.corpora) if c.heads
    ]
    tags = recipe.heads[head].tags
    if options.teacher:
        records = annotated_records(options.teacher, list(data.texts(options.texts)))
        own = CorpusRecipe(name=options.teacher, heads={head: TeachingRecipe(weight=options.teacher_weight)})
        train_set.append(_examples(recipe, own, records, head))
    reader = Reader(open_vectors(options.vectors).vectors, _alphabet(train_set))
    torch.manual_seed(recipe.seed)
    network = BiLstmNetwork(
        options, dimension=reader.vectors.dimension, characters=len(reader.alphabet), tags=len(tags)
    )
    _optimise(network, options, reader, train_set, dev_set, random.Random(recipe.seed), console)  # noqa: S311
    return network, reader.alphabet


def _examples(recipe: Recipe, corpus: CorpusRecipe, records: Sequence[Record], head: str) -> TokenExamples:
    teaching = teachings(recipe, corpus, records)[head]
    return TokenExamples.from_records(records, teaching, name=corpus.name, passes=corpus.passes)


def annotated_records(teacher: str, texts: Sequence[str]) -> list[Record]:
    """Return texts as a larger model annotates them."""
    documents = track(
        load(teacher, cache_bytes=0).pipe(texts), f"annotating with {teacher}", len(texts), transient=True
    )
    return [
        Record(str(i), document.text, tuple(LabelledSpan(e.start, e.end, e.label) for e in document.entities))
        for i, document in enumerate(documents)
    ]


def _alphabet(sets: Sequence[TokenExamples]) -> Alphabet:
    return Alphabet.from_codes(np.unique(np.concatenate([e.tokens.text.codes for e in sets])).tolist())


def _optimise(
    network: BiLstmNetwork,
    options: BiLstmRecipe,
    reader: Reader,
    train_set: Sequence[TokenExamples],
    dev_set: Sequence[TokenExamples],
    rng: random.Random,
    console: Console,
) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + options.decay * epoch))
    allowed = [examples.allowed() for examples in train_set]
    best, best_score = network.state_dict(), -1.0
    for epoch in range(options.epochs):
        network.train()
        batches = [(i, bounds) for i, e in enumerate(train_set) for bounds in _batches(e, options.batch_sentences, rng)]
        rng.shuffle(batches)
        for i, bounds in track(batches, f"epoch {epoch + 1}/{options.epochs}", transient=True, console=console):
            optimizer.zero_grad()
            batch = reader.batch(train_set[i], bounds, allowed[i])
            logits = network(batch["vectors"], batch["characters"], batch["lengths"])
            loss = path_loss(logits, batch["allowed"], batch["lengths"], network.transitions)
            mean: Any = loss.sum() / batch["lengths"].sum() * train_set[i].teaching.weight
            mean.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), options.max_grad_norm)
            optimizer.step()
        rate.step()
        scores = {e.name: strict_f1(*e.compared(predict(network, reader, e))) for e in dev_set}
        score = sum(scores.values()) / len(scores) if scores else float(epoch)  # without any: the newest
        if score > best_score:
            best, best_score = {k: v.clone() for k, v in network.state_dict().items()}, score
        shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        console.print(f"epoch {epoch + 1}: dev strict F1 {shown}", highlight=False)
    network.load_state_dict(best)


def _batches(examples: TokenExamples, size: int, rng: random.Random) -> Iterator[list[tuple[int, int]]]:
    """Yield sentences of like length together."""
    chosen = repeated(examples.bounds, examples.passes, rng)
    chosen.sort(key=lambda span: span[1] - span[0] + rng.uniform(-2, 2))
    yield from (chosen[i : i + size] for i in range(0, len(chosen), size))


@torch.no_grad()
def predict(network: BiLstmNetwork, reader: Reader, examples: TokenExamples) -> Ints:
    """Return the best tag of each token."""
    network.eval()
    tags = examples.teaching.tags
    logits = np.zeros((len(examples.words), len(tags)), dtype=np.float32)
    nothing = np.ones((len(examples.words), len(tags)), dtype=np.bool_)
    for a, b in examples.bounds:
        batch = reader.batch(examples, [(a, b)], nothing)
        logits[a:b] = network(batch["vectors"], batch["characters"])[0].numpy()
    scores = allowed_scores(network.transitions.numpy(), tags)
    return viterbi(logits, examples.tokens.sentence_starts, scores[:-1], scores[-1])
