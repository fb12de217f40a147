"""Training a model of sentence boundaries."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.sentence_base import SentenceStage
from clinspan.annotators.sentence_dl import SentenceDetectorDL
from clinspan.codepoints import Ints
from clinspan.evaluation.entity import MICRO, Score
from clinspan.evaluation.report import rounded
from clinspan.evaluation.sentences import score_sentences
from clinspan.folders import complete
from clinspan.hub.card import MEASURE, write_card
from clinspan.hub.manifest import SENTENCE_CNN, Manifest
from clinspan.inference.alphabet import NOTHING, Alphabet
from clinspan.inference.boundaries import CHARACTERS, DETAILS_FILE, OUTPUT, WINDOWS, Candidates, character_ids
from clinspan.inference.model import open_sentences
from clinspan.inference.units import WORD_UNIT
from clinspan.schema import Span
from clinspan.training.calibration import add_to_bias
from clinspan.training.data import DataFolders
from clinspan.training.examples import repeated
from clinspan.training.export import export_onnx
from clinspan.training.passages import Passage, corpus_passages, laid_out, stacked
from clinspan.training.publish import single_manifest, size_of
from clinspan.training.recipes import SentencesRecipe
from clinspan.training.schedule import warm_then_down
from clinspan.training.variations import Variation

_WARMUP: Final = 0.05
_EDGE: Final = 3  # characters on either side that the convolutions need around one
Corpora = Mapping[str, tuple[list[Passage], list[Passage]]]  # what trains and what measures, by corpus


class BoundaryNetwork(nn.Module):
    """Two convolutions over characters, and a hidden layer over all places around a candidate.

    Args:
        recipe: sizes.
        characters: size of the alphabet.
    """

    def __init__(self, recipe: SentencesRecipe, characters: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, recipe.dimension, padding_idx=NOTHING)
        self.places = recipe.width - 2 * _EDGE
        self.convolutions = nn.Sequential(
            nn.Conv1d(recipe.dimension, recipe.filters, 3),
            nn.ReLU(),
            nn.Conv1d(recipe.filters, recipe.filters, 3, dilation=2),
            nn.ReLU(),
        )
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(recipe.dropout),
            nn.Linear(recipe.filters * self.places, recipe.hidden),
            nn.ReLU(),
            nn.Dropout(recipe.dropout),
            nn.Linear(recipe.hidden, 1),
        )

    def forward(self, characters: Tensor) -> Tensor:
        """Return logits, shape [candidates, 1], from character ids, shape [candidates, width]."""
        found: Tensor = self.layers(self.features(characters))
        return found

    def features(self, characters: Tensor) -> Tensor:
        """Return what the convolutions find, shape [texts, length - 6, filters], from ids, shape [texts, length]."""
        found: Tensor = self.convolutions(self.embedding(characters).transpose(1, 2)).transpose(1, 2)
        return found


class _AsGraph(nn.Module):
    """The network over one text and many candidates: convolutions once, probabilities by name."""

    def __init__(self, network: BoundaryNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, **inputs: Tensor) -> Mapping[str, Tensor]:
        around = inputs[WINDOWS][0, :, None] + torch.arange(self.network.places)
        found = self.network.features(inputs[CHARACTERS])[0][around]
        return {OUTPUT: torch.sigmoid(self.network.layers(found))}


@dataclass(frozen=True)
class Decisions:
    """Candidates with what is right: `windows` as in `Candidates`, `ends` whether a sentence ends there."""

    windows: npt.NDArray[np.uint32]
    ends: npt.NDArray[np.bool_]

    @classmethod
    def from_passages(cls, passages: Sequence[Passage], reach: int) -> Decisions:
        """Find the candidates of passages."""
        text, ends = laid_out(passages)
        found = Candidates.from_text(text, reach)
        return cls(found.windows, np.isin(found.stops, ends))


def write_graph(network: BoundaryNetwork, path: Path) -> None:
    """Write a network as `BoundaryModel` reads it."""
    example = {
        CHARACTERS: torch.ones(1, network.places + 2 * _EDGE + 2, dtype=torch.int64),
        WINDOWS: torch.arange(3)[None],
    }
    export_onnx(_AsGraph(network), example, [OUTPUT], path)


def train_sentences(recipe: SentencesRecipe, *, data: DataFolders, output: Path, console: Console) -> Manifest:
    """Train on the recipe's corpora, write a model folder, and score it beside the rules."""
    corpora = {corpus.name: corpus_passages(corpus, data) for corpus in recipe.corpora}
    everything = [passage for train, _ in corpora.values() for passage in train]
    alphabet = _alphabet(Decisions.from_passages(everything, recipe.reach).windows, recipe.min_count)
    torch.manual_seed(recipe.seed)
    network = BoundaryNetwork(recipe, len(alphabet))
    console.print(f"{len(everything)} texts, {len(alphabet)} characters", highlight=False)
    _optimise(network, recipe, alphabet, corpora, console)
    with complete(output) as folder:
        _write(recipe, network.eval(), alphabet, folder)
        return _add_scores(corpora, folder, console)


def _alphabet(windows: npt.NDArray[np.uint32], min_count: int) -> Alphabet:
    codes, counts = np.unique(windows, return_counts=True)
    frequent = codes[(counts >= min_count) & (codes != NOTHING)]
    return Alphabet.from_codes(frequent.tolist())


def _optimise(
    network: BoundaryNetwork, recipe: SentencesRecipe, alphabet: Alphabet, corpora: Corpora, console: Console
) -> None:
    rng = random.Random(recipe.seed)  # noqa: S311 - order and changes of texts, not a secret
    vary = Variation(recipe, rng)
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    schedule = None
    for epoch in range(recipe.epochs):
        passages = [vary(p) for c in recipe.corpora for p in repeated(corpora[c.name][0], c.passes, rng)]
        decisions = Decisions.from_passages(stacked(passages, recipe.stack, rng), recipe.reach)
        batches = _batches(len(decisions.ends), recipe.batch_candidates, recipe.seed + epoch)
        if schedule is None:
            rate = warm_then_down(len(batches) * recipe.epochs, _WARMUP)
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        network.train()
        losses = []
        for rows in track(batches, f"epoch {epoch + 1}/{recipe.epochs}", transient=True, console=console):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(torch.from_numpy(character_ids(alphabet, decisions.windows[rows])))[:, 0]
            loss = binary_cross_entropy_with_logits(logits.float(), torch.from_numpy(decisions.ends[rows]).float())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            losses.append(loss.item())
        console.print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}", highlight=False)
    network.load_state_dict(average.module.state_dict())
    add_to_bias(network.layers[-1], np.array([recipe.bias], dtype=np.float32))


def _batches(count: int, size: int, seed: int) -> list[Ints]:
    order = np.random.default_rng(seed).permutation(count)
    return [order[i : i + size] for i in range(0, count, size)]


def _write(recipe: SentencesRecipe, network: BoundaryNetwork, alphabet: Alphabet, folder: Path) -> None:
    details = {"characters": alphabet.characters, "reach": recipe.reach}
    (folder / DETAILS_FILE).write_text(json.dumps(details) + "\n", encoding="utf-8")
    write_graph(network, folder / "model.onnx")
    manifest = single_manifest(
        recipe,
        folder,
        ("model.onnx", DETAILS_FILE),
        output=OUTPUT,
        training=[
            {"name": c.name, "licence": c.licence, "url": c.url, "use": "training" if c.train else MEASURE}
            for c in recipe.corpora
        ],
        architecture=SENTENCE_CNN,
        unit=WORD_UNIT,
        precision="fp32",
        parameters=size_of(network),
        cased=True,
    )
    manifest.write(folder)


def _add_scores(corpora: Corpora, folder: Path, console: Console) -> Manifest:
    learnt, rules = SentenceDetectorDL(model=open_sentences(str(folder.resolve()))), SentenceDetector()
    scores = {}
    for name, (_, dev) in corpora.items():
        if not dev:
            continue
        found = {stage.name: measured(stage, dev) for stage in (learnt, rules)}
        scores[f"{name} dev"] = {label: rounded(score) for label, score in found[learnt.name].items()}
        line = "  ".join(f"{stage} {score[MICRO].f1:.4f}" for stage, score in found.items())
        console.print(f"{name}: boundaries F1 {line}", highlight=False)
    manifest = Manifest.read(folder)
    manifest = replace(manifest, heads=(replace(manifest.heads[0], scores=scores),))
    manifest.write(folder)
    write_card(manifest, folder)
    return manifest


def measured(stage: SentenceStage, passages: Sequence[Passage]) -> Mapping[str, Score]:
    """Score a sentence detector on passages."""
    found = stage.sentences(pa.array([passage.text for passage in passages], pa.string()))
    by_text: list[list[Span]] = [[] for _ in passages]
    for owner, start, stop in zip(found.owners.tolist(), found.starts.tolist(), found.stops.tolist(), strict=True):
        by_text[owner].append(Span(start, stop))
    return score_sentences([passage.spans for passage in passages], by_text)
