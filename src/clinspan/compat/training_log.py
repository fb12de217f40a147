"""The lines that Spark NLP writes while it trains a tagger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from clinspan.evaluation.tokens import Counts, TokenScore, macro_average, micro_average, token_score

_SILENT: Final = 4  # Spark NLP's levels: 0 all, 1 steps, 2 epochs, 3 what is trained, 4 nothing
_HEADER: Final = "label\t tp\t fp\t fn\t prec\t rec\t f1"


class TrainingLog:
    """Writes lines to standard output, to a file, to both or to neither, as the parameters of an approach say.

    Args:
        uid: of the approach; the file has its name.
        settings: the parameters.
    """

    def __init__(self, uid: str, settings: Mapping[str, Any]) -> None:
        self._printed = settings["verbose"] < _SILENT
        self._extended = settings["evaluationLogExtended"]
        self._file: Path | None = None
        if settings["enableOutputLogs"]:
            folder = Path(settings["outputLogsPath"]).expanduser()
            folder.mkdir(parents=True, exist_ok=True)
            self._file = folder / f"{uid}.log"

    def line(self, text: str) -> None:
        """Write one line."""
        if self._printed:
            print(text)  # noqa: T201 - as in Spark NLP
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")

    def started(self, *, epochs: int, rate: float, batch: int, labels: int, characters: int, examples: int) -> None:
        """Say what is about to be trained."""
        self.line(
            f"Training started - total epochs: {epochs} - lr: {shortest(rate)} - batch size: {batch} - "
            f"labels: {labels} - chars: {characters} - training examples: {examples}"
        )

    def epoch_started(self, epoch: str, rate: float, examples: int) -> None:
        """Say that an epoch begins."""
        self.line(f"Epoch {epoch} started, lr: {shortest(rate)}, dataset size: {examples}")

    def epoch_done(self, epoch: str, seconds: float, losses: Sequence[float]) -> None:
        """Say how an epoch went."""
        self.line(f"Epoch {epoch} - {seconds:.2f}s - loss: {shortest(sum(losses))} - batches: {len(losses)}")

    def quality(self, seconds: float, counts: Counts) -> None:
        """Write token-level scores.

        Args:
            seconds: that the evaluation took.
            counts: right, predicted and gold by label, without `O`.
        """
        self.line(f"time to finish evaluation: {seconds:.2f}s")
        if self._extended:
            self.line("\n".join([_HEADER, *(_label_line(label, *counts[label]) for label in sorted(counts))]))
            right, predicted, gold = (sum(count[i] for count in counts.values()) for i in range(3))
            self.line(f"tp: {right} fp: {predicted - right} fn: {gold - right} labels: {len(counts)}")
        self.line(_average_line("Macro", macro_average(counts)))
        self.line(_average_line("Micro", micro_average(counts)))


def shortest(number: float) -> str:
    """Spell a number as Java does a float: with as many digits as tell it from others of 32 bits."""
    return str(np.float32(number))


def _label_line(label: str, right: int, predicted: int, gold: int) -> str:
    score = token_score(right, predicted, gold)
    scores = (shortest(value) for value in (score.precision, score.recall, score.f1))
    return "\t ".join([label, *map(str, (right, predicted - right, gold - right)), *scores])


def _average_line(name: str, score: TokenScore) -> str:
    precision, recall, f1 = map(shortest, score[:3])
    return f"{name}-average\t prec: {precision}, rec: {recall}, f1: {f1}"
