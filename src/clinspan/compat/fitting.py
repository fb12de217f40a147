"""Fitting a BiLSTM tagger to labelled tokens; this module needs PyTorch."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import numpy as np

from clinspan.codepoints import CodePoints, Ints
from clinspan.compat.converted import new_folder
from clinspan.compat.labelled import LabelledTokens
from clinspan.compat.training_log import TrainingLog
from clinspan.evaluation.tokens import Counts, macro_average, micro_average, tag_counts
from clinspan.exceptions import InputError
from clinspan.hub.manifest import Head
from clinspan.inference.alphabet import Alphabet
from clinspan.inference.decoding import Floats
from clinspan.inference.model import BiLstmModel, open_bilstm
from clinspan.tagging import OUTSIDE, follows_scheme
from clinspan.training.bilstm_network import BiLstmNetwork
from clinspan.training.bilstm_trainer import TokenSet, Trainer, seeded
from clinspan.training.hyperparameters import BiLstmRecipe
from clinspan.training.publish import write_tagger

_SEED: Final = 13  # where none is set: the same data gives the same model
_NAME: Final = "ner"


def fitted_tagger(
    tokens: LabelledTokens, test: LabelledTokens | None, settings: Mapping[str, Any], log: TrainingLog
) -> BiLstmModel:
    """Train a tagger.

    Args:
        tokens: what to learn.
        test: what to measure after each epoch, beside the share that `validationSplit` holds out.
        settings: the parameters of the approach.
        log: where to report.

    Returns:
        The model, in a folder that goes with the process.

    Raises:
        InputError: if it is not known which word vectors the tokens have, or the test data have others.
    """
    if test is not None and test.vectors.shape[1] != tokens.vectors.shape[1]:
        msg = f"The word vectors of the test data have {test.vectors.shape[1]} numbers, not {tokens.vectors.shape[1]}."
        raise InputError(msg)
    reference, folder = tokens.vector_reference(), new_folder()
    seed = _SEED if settings["randomSeed"] is None else settings["randomSeed"]
    with seeded(seed) as rng:
        fitting = Fitting(tokens, test, settings, log, rng)
        fitting.run()
    head = Head(name=_NAME, output=_NAME, tags=tuple(fitting.tags))
    network = fitting.trainer.network
    write_tagger(head, network, fitting.trainer.alphabet, reference, folder, any_order=fitting.scheme is None)
    return open_bilstm(str(folder))


class Fitting:
    """One run of the training that an approach asks for; arguments as for `fitted_tagger`.

    Attributes:
        tags: the tag set, `O` first.
        scheme: the tag set, if the labels obey its scheme; else None.
        trainer: has the network.
    """

    def __init__(
        self,
        tokens: LabelledTokens,
        test: LabelledTokens | None,
        settings: Mapping[str, Any],
        log: TrainingLog,
        rng: random.Random,
    ) -> None:
        self.tags = tokens.tags
        in_order = follows_scheme(tokens.tag_ids(self.tags), tokens.sentence_starts, self.tags)
        self.scheme = self.tags if in_order else None
        self._settings, self._log = settings, log
        learnt, self._measures = self._divided(tokens, test, rng)
        self._sentences, self._learnt = len(learnt), token_set(learnt, self.tags)
        self.trainer = self._trainer(learnt, rng)
        self._patience = Patience(settings.get("earlyStoppingCriterion", 0), settings.get("earlyStoppingPatience", 0))

    def run(self) -> None:
        """Train until the epochs are over, or nothing improves any more."""
        epochs = self._settings["maxEpochs"]
        self._announce(epochs)
        for epoch in range(epochs):
            losses = self._epoch(f"{epoch + 1}/{epochs}")
            score = self._score([self._counts(measure) for measure in self._measures], losses)
            self.trainer.keep_if_best(score)
            if self._patience.is_over(score) and epoch + 1 >= self._settings["minEpochs"]:
                break
        if self._settings["useBestModel"]:
            self.trainer.restore_best()

    def _divided(
        self, tokens: LabelledTokens, test: LabelledTokens | None, rng: random.Random
    ) -> tuple[LabelledTokens, list[Measure]]:
        """Hold sentences out, and return the others and all that is measured; what decides in the end is last."""
        share = self._settings["validationSplit"]
        order = rng.sample(range(len(tokens)), len(tokens))
        held_out, kept = order[: int(share * len(tokens))], sorted(order[int(share * len(tokens)) :])
        measures = []
        if held_out:
            title = f"Quality on validation dataset ({100 * share:.1f}%), validation examples = {len(held_out)}"
            measures.append(Measure(title, tokens.part(held_out), self.tags))
        if test is not None:
            measures.append(Measure("Quality on test dataset:", test, self.tags))
        return tokens.part(kept) if held_out else tokens, measures

    def _trainer(self, learnt: LabelledTokens, rng: random.Random) -> Trainer:
        settings = self._settings
        options = BiLstmRecipe(
            vectors=learnt.reference,
            learning_rate=settings["lr"],
            decay=settings["po"],
            batch_sentences=settings["batchSize"],
            dropout=settings["dropout"],
        )
        alphabet = Alphabet.from_codes(np.unique(CodePoints.from_arrow(learnt.words).codes).tolist())
        dimension = learnt.vectors.shape[1]
        network = BiLstmNetwork(options, dimension=dimension, characters=len(alphabet), tags=len(self.tags))
        return Trainer(network, alphabet, options, rng)

    def _announce(self, epochs: int) -> None:
        network, characters = self.trainer.network, len(self.trainer.alphabet.characters)
        sizes = (len(self.tags), network.dimension, network.lstm.hidden_size, characters)
        self._log.line(f"Name of the selected graph: blstm_{'_'.join(map(str, sizes))}")
        self._log.started(
            epochs=epochs,
            rate=self._settings["lr"],
            batch=self._settings["batchSize"],
            labels=len(self.tags),
            characters=characters,
            examples=self._sentences,
        )

    def _epoch(self, title: str) -> list[float]:
        self._log.epoch_started(title, self.trainer.rate, self._sentences)
        begun = perf_counter()
        losses = self.trainer.epoch([self._learnt])
        self._log.epoch_done(title, perf_counter() - begun, losses)
        return losses

    def _counts(self, measure: Measure) -> Counts:
        begun = perf_counter()
        counts = measure.counts(self.trainer, self.scheme)
        self._log.line(measure.title)
        self._log.quality(perf_counter() - begun, counts)
        return counts

    def _score(self, measured: Sequence[Counts], losses: Sequence[float]) -> float:
        """Return what the best epoch is chosen by."""
        if not measured:
            return -sum(losses)
        average = macro_average if self._settings["bestModelMetric"] == "f1_macro" else micro_average
        return average(measured[-1]).f1


class Measure:
    """Labelled tokens that are compared with what the network finds.

    Args:
        title: to write above the scores.
        tokens: the tokens.
        tags: the tag set of the network.
    """

    def __init__(self, title: str, tokens: LabelledTokens, tags: Sequence[str]) -> None:
        self.title = title
        self._tags = [*tags, *(tag for tag in tokens.tags if tag not in tags)]
        self._gold, self._tokens = tokens.tag_ids(self._tags), token_set(tokens, tags)

    def counts(self, trainer: Trainer, scheme: Sequence[str] | None) -> Counts:
        """Return the counts of all labels but `O`."""
        found = tag_counts(self._gold, trainer.predict(self._tokens, scheme), self._tags)
        return {tag: counts for tag, counts in found.items() if tag != OUTSIDE}


class Patience:
    """Whether training goes on although a score does not improve.

    Args:
        criterion: by how much it has to improve; 0: training always goes on.
        patience: how many epochs in a row it may fail to.
    """

    def __init__(self, criterion: float, patience: int) -> None:
        self._criterion, self._patience = criterion, patience
        self._reached, self._failed = -np.inf, 0

    def is_over(self, score: float) -> bool:
        """Take the score of an epoch, and return whether to stop."""
        if score >= self._reached + self._criterion:
            self._reached, self._failed = score, 0
        else:
            self._failed += 1
        return self._criterion > 0 and self._failed > self._patience


def token_set(tokens: LabelledTokens, tags: Sequence[str]) -> TokenSet:
    """Return what a network reads and learns of labelled tokens."""

    def taken(at: Ints) -> Floats:
        return tokens.vectors[at]

    allowed = tokens.tag_ids(tags)[:, None] == np.arange(len(tags))
    return TokenSet(tokens.words, tokens.sentence_starts, allowed, taken)
