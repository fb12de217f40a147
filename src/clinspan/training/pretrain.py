"""Domain adaptation: masked-language training of an encoder on unlabelled text.

Whole words are masked (Devlin et al. 2019, whole-word release): 15 % of the words, of whose sub-words 80 % become
the mask token, 10 % a random one, 10 % stay. Documents are packed end to end into sequences of one length, so
that nothing is padding.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import AutoConfig

from clinspan.exceptions import RecipeError
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.training.checkpoints import CHECKPOINT, identity, read_checkpoint, write_checkpoint
from clinspan.training.data import DataFolders
from clinspan.training.dropout import on_cpu
from clinspan.training.examples import repeated
from clinspan.training.model import checkpoint_folder, mask_token, save_encoder
from clinspan.training.recipes import PretrainRecipe
from clinspan.training.schedule import warm_then_down
from clinspan.training.start import load_checkpoint
from clinspan.training.transplant import learnt_wordpiece, transplant
from clinspan.training.vocabulary import CONTINUES

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_MASKED: Final = 0.15
_MASK_SHARE: Final = 0.8
_RANDOM_SHARE: Final = 0.1
_DEV_SHARE: Final = 50  # one sequence in so many is held out, to measure perplexity
_DEV_BATCH: Final = 32  # sequences
_PART: Final = 2048  # sub-words whose activations stay in the caches of a CPU


class MaskedLanguageModel(nn.Module):
    """An encoder with the prediction head of BERT, its output weights tied to the embeddings."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        size, vocabulary = encoder.config.hidden_size, encoder.config.vocab_size
        self.transform = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.LayerNorm(size))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, input_ids: Tensor, masked: Tensor) -> Tensor:
        """Return logits over the vocabulary at the masked places, shape [masked, vocabulary]."""
        states = self.encoder(input_ids=input_ids).last_hidden_state[masked]
        embeddings = self.encoder.get_input_embeddings().weight
        return nn.functional.linear(self.transform(states), embeddings, self.bias)


@dataclass(frozen=True)
class Masker:
    """Chooses and hides whole words.

    Attributes:
        continues: whether a vocabulary entry continues a word, shape [vocabulary].
        special: whether it is a special one.
        mask_id: id of the mask token.
    """

    continues: Bools
    special: Bools
    mask_id: int

    @classmethod
    def from_tokenizer(cls, tokenizer: SubwordTokenizer) -> Masker:
        """Read a WordPiece vocabulary.

        Raises:
            RecipeError: if it has no mask token.
        """
        mask_id = mask_token(tokenizer)
        if mask_id is None:
            msg = "The checkpoint's vocabulary has no mask token; masked-language training needs one."
            raise RecipeError(msg)
        pieces = [tokenizer.tokenizer.id_to_token(i) for i in range(tokenizer.tokenizer.get_vocab_size())]
        special = np.array([piece.startswith("[") and piece.endswith("]") and len(piece) > 2 for piece in pieces])
        continues = np.array([piece.startswith(CONTINUES) for piece in pieces])
        return cls(continues, special, mask_id)

    def hide(self, ids: Ids, rng: np.random.Generator) -> tuple[Ids, Bools]:
        """Return (ids with words hidden, where), shape [sequences, length] each."""
        flat = ids.ravel()
        word = np.cumsum(~self.continues[flat])
        chosen = (rng.random(word[-1] + 1) < _MASKED)[word] & ~self.special[flat]
        draw = rng.random(len(flat))
        hidden = np.where(chosen & (draw < _MASK_SHARE), self.mask_id, flat)
        random = chosen & (draw >= 1 - _RANDOM_SHARE)
        hidden[random] = rng.integers(0, len(self.continues), int(random.sum()))
        return hidden.reshape(ids.shape), chosen.reshape(ids.shape)


def packed_sequences(texts: Iterator[str], tokenizer: SubwordTokenizer, length: int) -> Ids:
    """Lay documents end to end, each closed by the separator, and cut them into sequences of one length."""
    encodings = (tokenizer.tokenizer.encode(text, add_special_tokens=False) for text in texts)
    rows = [np.array([*encoding.ids, *tokenizer.suffix], np.int64) for encoding in encodings]
    ids = np.concatenate([np.zeros(0, np.int64), *rows])
    inner = length - len(tokenizer.prefix) - len(tokenizer.suffix)
    ids = ids[: len(ids) // inner * inner].reshape(-1, inner)
    before, after = (np.tile(edge, (len(ids), 1)).astype(np.int64) for edge in (tokenizer.prefix, tokenizer.suffix))
    return np.concatenate([before, ids, after], axis=1)


def chosen_texts(recipe: PretrainRecipe, files: Sequence[str], data: DataFolders) -> Iterator[str]:
    """Yield the texts of files that the recipe does not pass over."""
    return data.texts(files, skip_licences=recipe.skip_licences, without=recipe.without)


def divided_sequences(recipe: PretrainRecipe, data: DataFolders, tokenizer: SubwordTokenizer) -> tuple[Ids, Ids]:
    """Return the sequences that train, those of each file as often as the recipe says, and those held out.

    Raises:
        RecipeError: if they do not fill a batch.
    """
    rng, train, dev = random.Random(recipe.seed), [], []  # noqa: S311 - a share of texts, not a secret
    for file in recipe.texts:
        sequences = packed_sequences(chosen_texts(recipe, [file], data), tokenizer, recipe.length)
        np.random.default_rng(recipe.seed).shuffle(sequences)
        held = max(1, len(sequences) // _DEV_SHARE)
        rows = repeated(range(held, len(sequences)), recipe.passes.get(file, 1.0), rng)
        train.append(sequences[rows])
        dev.append(sequences[:held])
    if sum(map(len, train)) < recipe.batch_sequences:
        msg = f"The texts of {recipe.name!r} do not fill a batch of {recipe.batch_sequences} sequences; add more."
        raise RecipeError(msg)
    return np.concatenate(train), np.concatenate(dev)


def opened_encoder(source: Path, dropout: float, device: torch.device) -> Any:
    """Return the encoder of a checkpoint with the dropout of this training; its `config` keeps that of the next."""
    options = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": 0.0}
    attention = "sdpa" if device.type == "cuda" else "eager"  # each the faster one there
    encoder = load_checkpoint(source, attn_implementation=attention, **options)
    kept = AutoConfig.from_pretrained(source).to_dict()
    encoder.config.update({name: kept[name] for name in options.keys() & kept.keys()})
    return encoder if device.type == "cuda" else on_cpu(encoder)


class Pretrainer:
    """One run in a folder of its own; resumed if there is a checkpoint in it."""

    def __init__(self, recipe: PretrainRecipe, *, data: DataFolders, runs: Path, console: Console) -> None:
        source = checkpoint_folder(recipe.checkpoint, runs)
        self.recipe, self.folder, self.console = recipe, runs / recipe.name, console
        torch.manual_seed(recipe.seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        encoder = opened_encoder(source, recipe.dropout, self.device)
        self.vocabulary = self._vocabulary(source / "tokenizer.json", encoder, data)
        self.tokenizer = SubwordTokenizer.open(self.vocabulary)
        self.masker = Masker.from_tokenizer(self.tokenizer)
        self.train, self.dev = divided_sequences(recipe, data, self.tokenizer)
        self.model = MaskedLanguageModel(encoder).to(self.device)
        self.identity = identity(recipe, (self.train, self.dev), self.model)
        self.steps = int(len(self.train) * recipe.epochs) // recipe.batch_sequences
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            betas=(0.9, 0.98),
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, warm_then_down(self.steps, recipe.warmup))
        self.step = 0

    def _vocabulary(self, given: Path, encoder: Any, data: DataFolders) -> Path:
        """Return the file of the vocabulary; a new one is learnt before the first checkpoint, from the one given."""
        if not self.recipe.vocabulary:
            return given
        learnt, part = self.folder / "tokenizer.json", self.folder / "tokenizer.json.part"
        if not (learnt.exists() and (self.folder / CHECKPOINT).exists()):
            self.folder.mkdir(parents=True, exist_ok=True)
            texts = chosen_texts(self.recipe, self.recipe.texts, data)
            learnt_wordpiece(texts, self.recipe.vocabulary).save(str(part))
            part.replace(learnt)
        transplant(encoder, SubwordTokenizer.open(given), SubwordTokenizer.open(learnt))
        return learnt

    def run(self) -> Path:
        """Train to the end and return the folder of the adapted checkpoint."""
        self._resume()
        self._say(f"{len(self.train)} sequences of {self.recipe.length}, {self.steps} steps")
        self._say(f"step {self.step}: dev perplexity {self.perplexity():.2f}")
        saved = time.monotonic()
        with Progress(console=self.console, transient=True) as progress:
            task = progress.add_task("pretraining", total=self.steps, completed=self.step)
            while self.step < self.steps:
                self._train_step()
                progress.advance(task)
                if time.monotonic() - saved > self.recipe.checkpoint_minutes * 60:
                    self._save()
                    self._say(f"step {self.step}: dev perplexity {self.perplexity():.2f}")
                    saved = time.monotonic()
        self._say(f"step {self.step}: dev perplexity {self.perplexity():.2f}")
        return save_encoder(self.model.encoder, self.vocabulary, self.folder)

    def _train_step(self) -> None:
        self.model.train()
        rng = np.random.default_rng((self.recipe.seed, self.step))
        torch.manual_seed(int(rng.integers(2**62)))
        order = np.random.default_rng((self.recipe.seed, self._epoch())).permutation(len(self.train))
        at = self.step * self.recipe.batch_sequences % len(self.train)
        rows = np.take(order, np.arange(at, at + self.recipe.batch_sequences), mode="wrap")
        self._backward(self.train[rows], rng)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
        self.step += 1

    def _backward(self, ids: Ids, rng: np.random.Generator) -> None:
        """Add the gradients of the batch's mean loss, part by part."""
        hidden, masked = self.masker.hide(ids, rng)
        size = len(ids) if self.device.type == "cuda" else max(1, _PART // ids.shape[1])
        for i in range(0, len(ids), size):
            part = slice(i, i + size)
            loss = self._loss(ids[part], hidden[part], masked[part]) / masked.sum()
            loss.backward()

    def _epoch(self) -> int:
        return self.step * self.recipe.batch_sequences // len(self.train)

    def _loss(self, ids: Ids, hidden: Ids, masked: Bools) -> Tensor:
        """Return the sum of the losses of the hidden sub-words."""
        where = torch.from_numpy(masked).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits = self.model(torch.from_numpy(hidden).to(self.device), where)
        return cross_entropy(logits.float(), torch.from_numpy(ids).to(self.device)[where], reduction="sum")

    @torch.no_grad()
    def perplexity(self) -> float:
        """Return the perplexity of hidden sub-words in the held-out sequences, with fixed masks."""
        self.model.eval()
        hidden, masked = self.masker.hide(self.dev, np.random.default_rng(self.recipe.seed))
        parts = [slice(i, i + _DEV_BATCH) for i in range(0, len(self.dev), _DEV_BATCH)]
        losses = [self._loss(self.dev[part], hidden[part], masked[part]).item() for part in parts]
        return math.exp(sum(losses) / masked.sum())

    def _save(self) -> None:
        content = {"step": self.step, "parts": [part.state_dict() for part in self._parts]}
        write_checkpoint(self.folder, self.identity, content)

    def _resume(self) -> None:
        content = read_checkpoint(self.folder, self.identity, self.device)
        if content is None:
            return
        for part, state in zip(self._parts, content["parts"], strict=True):
            part.load_state_dict(state)
        self.step = content["step"]
        self._say(f"resumed at step {self.step}")

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.model, self.optimizer, self.schedule

    def _say(self, line: str) -> None:
        self.console.print(line, highlight=False)
