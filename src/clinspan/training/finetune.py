"""Fine-tuning an encoder with one or more heads: seeded, resumable, stopped on the dev sets."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from clinspan.codepoints import Ints
from clinspan.evaluation.entity import strict_f1
from clinspan.inference.units import Encoder
from clinspan.training.batches import Batch, make_batches, tag_loss
from clinspan.training.calibration import add_to_bias, calibrated
from clinspan.training.checkpoints import identity, read_checkpoint, write_checkpoint
from clinspan.training.dropout import on_cpu
from clinspan.training.examples import Examples
from clinspan.training.hyperparameters import TrainingRecipe
from clinspan.training.model import MultiHeadTagger, mask_token
from clinspan.training.recipe import Recipe
from clinspan.training.rounding import keep_rounded, round_weights
from clinspan.training.schedule import warm_then_down

_MOST_STEPS: Final = 1_000_000  # of an epoch; each step has a seed of its own, so that a run goes on from any


@dataclass
class State:
    """Where a run stands; everything a resumed run needs besides the weights."""

    epoch: int = 0
    step: int = 0  # of the epoch
    loss: float = 0.0  # sum over these steps
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
        self.identity = identity(recipe, _arrays((*train, *dev)), model)
        self.windows = [(examples, list(examples.windows(encoder))) for examples in train]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.options.quantization_aware:
            round_weights(model.encoder)
        self.model = model.to(self.device) if self.device.type == "cuda" else on_cpu(model)
        self.optimizer = torch.optim.AdamW(
            model.parameter_groups(
                lr=self.options.learning_rate,
                head_lr=self.options.head_learning_rate,
                layer_decay=self.options.layer_decay,
                weight_decay=self.options.weight_decay,
            ),
            fused=True,
        )
        steps = len(self._epoch_batches(0)) * self.options.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, warm_then_down(steps, self.options.warmup))
        self.state = State()
        self.saved = time.monotonic()
        self.best: dict[str, Tensor] = {}
        averaging = get_ema_multi_avg_fn(self.options.average)  # type: ignore[no-untyped-call]
        self.average = AveragedModel(model, multi_avg_fn=averaging)
        kept = self.average.module.state_dict() if self.options.keep_start else {}
        self.start = {k: v.detach().cpu().clone() for k, v in kept.items()}

    def run(self) -> State:
        """Train to the end, or until the dev score stays put; load the best weights and calibrate them."""
        self._resume()
        with Progress(console=self.console, transient=True) as progress:
            while not self._finished():
                loss = self._train_epoch(progress)
                self._judge(loss)
                self._save()
        kept = self._with_start()
        self.model.load_state_dict(kept)
        self.average.module.load_state_dict(kept)
        self._calibrate()
        keep_rounded(self.model.encoder)
        return self.state

    def _with_start(self) -> dict[str, Tensor]:
        """Return the best weights with a share of those at the start (WiSE-FT, Wortsman et al. 2022)."""
        share = self.options.keep_start
        mixed = {k: torch.lerp(self.best[k], v, share) for k, v in self.start.items() if v.is_floating_point()}
        return self.best | mixed

    def _calibrate(self) -> None:
        """Choose the biases of the tags on the dev sets."""
        found = [(examples, self.predict(examples)) for examples in self.dev]
        for head, layer in self.model.heads.items():
            judged = [(examples, logits[head]) for examples, logits in found if head in examples.heads]
            if judged:
                offsets = calibrated(judged[0][0].heads[head].tags, judged, head)
                add_to_bias(layer, offsets)
                shown = f"O {offsets[0]:+.2f}, B {offsets[1]:+.2f}"
                self.console.print(f"biases of {head}: {shown}", highlight=False)

    def _finished(self) -> bool:
        stale = self.state.epoch - 1 - self.state.best_epoch
        stopped = stale >= self.options.patience and not self.options.mean_of_epochs
        return self.state.epoch >= self.options.epochs or stopped

    def _epoch_batches(self, epoch: int) -> list[Batch]:
        rng = random.Random(self.seed * 1000 + epoch)  # noqa: S311 - order of batches, not a secret
        size = self.options.batch_subwords
        batches = [
            batch
            for examples, windows in self.windows
            for batch in make_batches(windows, examples.heads, size=size, passes=examples.passes, rng=rng)
        ]
        rng.shuffle(batches)
        return batches

    def _train_epoch(self, progress: Progress) -> float:
        """Go through an epoch, from where it was left; return its mean loss."""
        self.model.train()
        batches = self._epoch_batches(self.state.epoch)
        name = f"epoch {self.state.epoch + 1}/{self.options.epochs}"
        task = progress.add_task(name, total=len(batches), completed=self.state.step)
        for batch in batches[self.state.step :]:
            self._step(batch)
            progress.advance(task)
            if time.monotonic() - self.saved > self.options.checkpoint_minutes * 60:
                self._save()
        progress.remove_task(task)
        loss, self.state.step, self.state.loss = self.state.loss / len(batches), 0, 0.0
        return loss

    def _step(self, batch: Batch) -> None:
        torch.manual_seed((self.seed * 1000 + self.state.epoch) * _MOST_STEPS + self.state.step)
        loss = self._loss(batch.to(self.device))
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.options.max_grad_norm)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.model)
        self.state.step += 1
        self.state.loss += loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        """Return the weighted sum of the losses of the heads that the corpus teaches."""
        ids = self._masked(batch.input_ids, batch.attention_mask)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits = self.model(ids, batch.attention_mask, list(batch.heads))
        losses = [
            teaching.weight
            * tag_loss(
                logits[head].float().flatten(0, 1),
                batch.targets[head].flatten(),
                torch.from_numpy(teaching.possible).to(self.device),
            )
            for head, teaching in batch.heads.items()
        ]
        return torch.stack(losses).sum()

    def _masked(self, ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Replace a random share of the sub-words by the mask token."""
        tokenizer = self.encoder.tokenizer
        fixed = torch.isin(ids, torch.tensor([*tokenizer.prefix, *tokenizer.suffix], device=ids.device))
        drawn = torch.rand(ids.shape, device=ids.device) < self.options.mask
        mask_id = mask_token(tokenizer)
        return ids if mask_id is None else ids.masked_fill(drawn & ~fixed & attention_mask.bool(), mask_id)

    def _judge(self, loss: float) -> None:
        """Score the dev sets and remember the weights if they are the best so far."""
        logits = ((examples, self.predict(examples)) for examples in self.dev)
        scores = {
            f"{e.name}/{head}": strict_f1(*e.compared(head, found[head])) for e, found in logits for head in e.heads
        }
        score = sum(scores.values()) / len(scores) if scores else float(self.state.epoch)  # without any: the newest
        epoch, self.state.epoch = self.state.epoch, self.state.epoch + 1
        self.state.history.append({"loss": loss, **scores})
        better = score > self.state.best_score or not self.best
        if better:
            self.state.best_score, self.state.best_epoch = score, epoch
        if better or self._averaged(epoch):
            self._remember(epoch)
        shown = "  ".join(f"{name} {value:.4f}" for name, value in scores.items())
        self.console.print(f"epoch {epoch + 1}: loss {loss:.4f}  dev strict F1 {shown}", highlight=False)

    def _averaged(self, epoch: int) -> int:
        """Return which one of the epochs whose mean is kept this one is, from 1; 0: none, or one before them."""
        return max(0, epoch + 1 - (self.options.epochs - self.options.mean_of_epochs))

    def _remember(self, epoch: int) -> None:
        """Keep the averaged weights of an epoch, or their mean over the last ones (Izmailov et al. 2018)."""
        weights = {k: v.detach().cpu().clone() for k, v in self.average.module.state_dict().items()}
        if (count := self._averaged(epoch)) > 1:
            weights = {k: torch.lerp(self.best[k], v, 1 / count) for k, v in weights.items()}
        self.best = weights

    @torch.no_grad()
    def predict(self, examples: Examples) -> dict[str, Any]:
        """Return the logits of every sub-word by head, shape [sub-words, tags] each."""
        self.average.eval()
        windows = examples.encoded.windows
        size = len(examples.encoded.subwords.ids)
        found = {h: np.zeros((size, len(t.tags)), dtype=np.float32) for h, t in examples.heads.items()}
        shift = len(self.encoder.tokenizer.prefix)
        keep = np.stack([windows.keep_starts, windows.keep_stops], axis=1)
        for rows, logits in self._forward_all(examples):
            for i, row in enumerate(rows):
                a, b = keep[row]
                offset = shift - windows.starts[row]
                for head, values in logits.items():
                    found[head][a:b] = values[i, a + offset : b + offset]
        return found

    def _forward_all(self, examples: Examples) -> Iterator[tuple[list[int], dict[str, Any]]]:
        windows = list(examples.windows(self.encoder))
        order = sorted(range(len(windows)), key=lambda i: len(windows[i][0]))
        for first in range(0, len(order), 32):
            rows = order[first : first + 32]
            batch = Batch.from_windows(examples.heads, [windows[i] for i in rows]).to(self.device)
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                logits = self.average(batch.input_ids, batch.attention_mask, list(examples.heads))
            yield rows, {head: values.float().cpu().numpy() for head, values in logits.items()}

    def _save(self) -> None:
        content = {
            "state": vars(self.state),
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        write_checkpoint(self.folder, self.identity, content)
        self.saved = time.monotonic()

    def _resume(self) -> None:
        content = read_checkpoint(self.folder, self.identity, self.device)
        if content is None:
            return
        self.state = State(**content["state"])
        self.model.load_state_dict(content["model"])
        self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.schedule.load_state_dict(content["schedule"])
        self.best = {k: v.cpu() for k, v in content["best"].items()}
        self.console.print(f"resumed after epoch {self.state.epoch}, step {self.state.step}", highlight=False)


def _arrays(sets: Sequence[Examples]) -> Iterator[Ints]:
    """Yield all that examples hold: their sub-words and the tags of each head."""
    for examples in sets:
        yield examples.encoded.subwords.ids
        yield from examples.targets.values()
