"""Fine-tuning an encoder with one or more heads: seeded, resumable, stopped on the dev sets."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress, TaskID
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import default_collate

from clinspan.evaluation.entity import strict_f1
from clinspan.inference.units import Encoder
from clinspan.training.examples import IGNORED, Examples
from clinspan.training.model import MultiHeadTagger, mask_token
from clinspan.training.recipe import Recipe, TrainingRecipe

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Batch:
    """Windows padded to one length, for one head; tensors of shape [windows, length]."""

    head: str
    input_ids: Tensor
    attention_mask: Tensor
    targets: Tensor

    @classmethod
    def from_windows(cls, head: str, windows: Sequence[tuple[Any, Any]]) -> Batch:
        """Pad windows with zeros after their end."""
        length = max(len(ids) for ids, _ in windows)
        rows = [
            (
                np.pad(ids, (0, length - len(ids))),
                np.pad(np.ones_like(ids), (0, length - len(ids))),
                np.pad(targets, (0, length - len(ids)), constant_values=IGNORED),
            )
            for ids, targets in windows
        ]
        return cls(head, *default_collate(rows))

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        tensors = (t.to(device) for t in (self.input_ids, self.attention_mask, self.targets))
        return Batch(self.head, *tensors)


def make_batches(windows: Sequence[tuple[Any, Any]], head: str, size: int, rng: random.Random) -> list[Batch]:
    """Put windows of like length together, at most `size` padded sub-words a batch, in random order."""
    order = sorted(range(len(windows)), key=lambda i: len(windows[i][0]) + rng.uniform(-4, 4))
    groups: list[list[int]] = [[]]
    for i in order:
        if groups[-1] and (len(groups[-1]) + 1) * (len(windows[i][0]) + 8) > size:
            groups.append([])
        groups[-1].append(i)
    rng.shuffle(groups)
    return [Batch.from_windows(head, [windows[i] for i in group]) for group in groups if group]


@dataclass
class State:
    """Where a run stands; everything a resumed run needs besides the weights."""

    epoch: int = 0
    best_epoch: int = -1
    best_score: float = -1.0
    history: list[dict[str, float]] = field(default_factory=list)


class Finetuner:
    """One training run in a folder of its own.

    Args:
        recipe: what to do.
        model: the network, on any device.
        encoder: how text becomes sub-words.
        train, dev: labelled windows.
        folder: where checkpoints go; a run in it is resumed.
        console: where to report.
    """

    def __init__(
        self,
        recipe: Recipe,
        model: MultiHeadTagger,
        encoder: Encoder,
        train: Sequence[Examples],
        dev: Sequence[Examples],
        folder: Path,
        console: Console,
    ) -> None:
        self.options: TrainingRecipe = recipe.training
        self.seed, self.folder, self.console = recipe.seed, folder, console
        self.encoder, self.dev = encoder, dev
        self.windows = [(examples.head, list(examples.windows(encoder))) for examples in train]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.optimizer = torch.optim.AdamW(
            model.parameter_groups(
                lr=self.options.learning_rate,
                head_lr=self.options.head_learning_rate,
                layer_decay=self.options.layer_decay,
                weight_decay=self.options.weight_decay,
            )
        )
        steps = len(self._epoch_batches(0)) * self.options.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, warm_then_down(steps, self.options.warmup))
        self.state = State()
        self.best: dict[str, Tensor] = {}
        averaging = get_ema_multi_avg_fn(self.options.average)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(model, multi_avg_fn=averaging)

    def run(self) -> State:
        """Train to the end, or until the dev score stays put, and load the best weights."""
        self._resume()
        with Progress(console=self.console, transient=True) as progress:
            while not self._finished():
                loss = self._train_epoch(progress)
                self._judge(loss)
                self._save()
        self.model.load_state_dict(self.best)
        return self.state

    def _finished(self) -> bool:
        stale = self.state.epoch - 1 - self.state.best_epoch
        return self.state.epoch >= self.options.epochs or stale >= self.options.patience

    def _epoch_batches(self, epoch: int) -> list[Batch]:
        rng = random.Random(self.seed * 1000 + epoch)  # noqa: S311 - order of batches, not a secret
        size = self.options.batch_subwords
        batches = [b for head, windows in self.windows for b in make_batches(windows, head, size, rng)]
        rng.shuffle(batches)
        return batches

    def _train_epoch(self, progress: Progress) -> float:
        self.model.train()
        torch.manual_seed(self.seed * 1000 + self.state.epoch)
        batches = self._epoch_batches(self.state.epoch)
        task = progress.add_task(f"epoch {self.state.epoch + 1}/{self.options.epochs}", total=len(batches))
        total = sum(self._step(batch, progress, task) for batch in batches)
        progress.remove_task(task)
        return total / len(batches)

    def _step(self, batch: Batch, progress: Progress, task: TaskID) -> float:
        loss = self._loss(batch.to(self.device))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.max_grad_norm)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.model)
        progress.advance(task)
        return loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        ids = self._masked(batch.input_ids, batch.attention_mask)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits = self.model(ids, batch.attention_mask, [batch.head])[batch.head]
        return cross_entropy(logits.float().flatten(0, 1), batch.targets.flatten(), ignore_index=IGNORED)

    def _masked(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Replace a random share of the sub-words by the mask token."""
        tokenizer = self.encoder.tokenizer
        fixed = torch.isin(ids, torch.tensor([*tokenizer.prefix, *tokenizer.suffix], device=ids.device))
        drawn = torch.rand(ids.shape, device=ids.device) < self.options.mask
        mask_id = mask_token(tokenizer)
        return ids if mask_id is None else ids.masked_fill(drawn & ~fixed & attention_mask.bool(), mask_id)

    def _judge(self, loss: float) -> None:
        """Score the dev sets and remember the weights if they are the best so far."""
        scores = {e.head: strict_f1([r.spans for r in e.records], e.decode(self.predict(e))) for e in self.dev}
        score = sum(scores.values()) / max(len(scores), 1)
        epoch, self.state.epoch = self.state.epoch, self.state.epoch + 1
        self.state.history.append({"loss": loss, **scores})
        if score > self.state.best_score:
            self.state.best_score, self.state.best_epoch = score, epoch
            self.best = {k: v.detach().cpu().clone() for k, v in self.average.module.state_dict().items()}
        shown = "  ".join(f"{head} {value:.4f}" for head, value in scores.items())
        self.console.print(f"epoch {epoch + 1}: loss {loss:.4f}  dev strict F1 {shown}", highlight=False)

    @torch.no_grad()
    def predict(self, examples: Examples) -> Any:
        """Return the logits of every sub-word, shape [sub-words, tags]."""
        self.average.eval()
        windows = examples.encoded.windows
        found = np.zeros((len(examples.targets), len(examples.tags)), dtype=np.float32)
        shift = len(self.encoder.tokenizer.prefix)
        keep = np.stack([windows.keep_starts, windows.keep_stops], axis=1)
        for rows, logits in self._forward_all(examples):
            for row, window in zip(rows, logits, strict=True):
                a, b = keep[row]
                offset = shift - windows.starts[row]
                found[a:b] = window[a + offset : b + offset]
        return found

    def _forward_all(self, examples: Examples) -> Iterator[tuple[list[int], Any]]:
        windows = list(examples.windows(self.encoder))
        order = sorted(range(len(windows)), key=lambda i: len(windows[i][0]))
        for first in range(0, len(order), 32):
            rows = order[first : first + 32]
            batch = Batch.from_windows(examples.head, [windows[i] for i in rows]).to(self.device)
            logits = self.average(batch.input_ids, batch.attention_mask, [examples.head])[examples.head]
            yield rows, logits.float().cpu().numpy()

    def _save(self) -> None:
        """Write a checkpoint under its final name only once it is complete."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{CHECKPOINT}.part"
        content = {
            "state": vars(self.state),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        torch.save(content, part)
        part.replace(self.folder / CHECKPOINT)

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        content = torch.load(path, map_location=self.device, weights_only=True)
        self.state = State(**content["state"])
        self.model.load_state_dict(content["model"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.schedule.load_state_dict(content["schedule"])
        self.best = {k: v.cpu() for k, v in content["best"].items()}
        self.console.print(f"resumed after epoch {self.state.epoch}", highlight=False)


def warm_then_down(steps: int, warmup: float) -> Any:
    """Return the factor on the learning rate by step: up over the share `warmup`, then straight down to zero."""
    warm = max(1, int(steps * warmup))
    return lambda step: (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))
