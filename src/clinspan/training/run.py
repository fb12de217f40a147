"""Following a recipe from data to a model folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from clinspan.corpora import read_corpus
from clinspan.evaluation.report import to_json
from clinspan.evaluation.run import evaluate
from clinspan.exceptions import RecipeError
from clinspan.hub.card import write_card
from clinspan.hub.manifest import Head, Manifest, ModelFile
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.inference.units import Encoder
from clinspan.recognizer import load
from clinspan.training.examples import Examples, Teaching
from clinspan.training.export import write_graphs
from clinspan.training.finetune import Finetuner
from clinspan.training.model import MultiHeadTagger, checkpoint_folder
from clinspan.training.pretrain import Pretrainer
from clinspan.training.recipe import CorpusRecipe, PretrainRecipe, Recipe, TeachingRecipe

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def train(recipe: Recipe, *, data: Path, runs: Path, output: Path, console: Console) -> Manifest:
    """Train a model, write its folder, and score it on the dev sets.

    Args:
        recipe: what to do.
        data: folder the recipe's corpora lie in.
        runs: folder for checkpoints and the fp32 model; a run in it is resumed.
        output: folder for the int8 model.
        console: where to report.

    Raises:
        RecipeError: if a corpus is not there or has labels that its head lacks.
    """
    torch.manual_seed(recipe.seed)
    source = checkpoint_folder(recipe.checkpoint, runs)
    tokenizer = SubwordTokenizer.open(source / "tokenizer.json")
    encoder = Encoder(tokenizer, recipe.max_length, recipe.overlap, recipe.context)
    train_set = [_examples(recipe, c, data / c.train, encoder) for c in recipe.corpora if c.train]
    dev_set = [_examples(recipe, c, data / c.dev, encoder) for c in recipe.corpora if c.dev and c.judge]
    _describe(console, train_set, "train")
    _describe(console, dev_set, "dev")
    widths = {name: len(head.tags) for name, head in recipe.heads.items()}
    model = MultiHeadTagger.from_checkpoint(source, widths, recipe.training.dropout)
    run = runs / recipe.name
    Finetuner(recipe, model, encoder, train_set, dev_set, run, console).run()
    write_model(recipe, model, source, int8=output, fp32=run / "fp32")
    return add_scores(recipe, data, output)


def pretrain(recipe: PretrainRecipe, *, data: Path, runs: Path, console: Console) -> Path:
    """Adapt an encoder to a domain; return its checkpoint folder, which fine-tuning recipes start from by name."""
    return Pretrainer(recipe, data=data, runs=runs, console=console).run()


def write_model(recipe: Recipe, model: MultiHeadTagger, source: Path, *, int8: Path, fp32: Path) -> None:
    """Export a trained network as two model folders, int8 and fp32."""
    for folder in (int8, fp32):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "tokenizer.json", folder / "tokenizer.json")
        model.encoder.config.to_json_file(folder / "config.json")
    graphs = {"int8": int8 / "model.onnx", "fp32": fp32 / "model.onnx"}
    write_graphs(_Named(model), INPUTS, list(recipe.heads), model.encoder.config, **graphs)
    for folder, precision in ((int8, "int8"), (fp32, "fp32")):
        _manifest(recipe, model.encoder.config.model_type, precision, folder).write(folder)


def add_scores(recipe: Recipe, data: Path, folder: Path) -> Manifest:
    """Score the exported model on the recipe's dev sets; write the scores into manifest and card."""
    manifest = Manifest.read(folder)
    heads = []
    for head in manifest.heads:
        recognizer = load(f"{folder.resolve()}#{head.output}", cache_bytes=0)
        scores = {
            f"{c.name} dev": to_json(evaluate(recognizer, read_corpus(data / c.dev)))["entities"]["strict"]
            for c in recipe.corpora
            if c.dev and head.output in c.heads
        }
        heads.append(replace(head, scores=scores))
    manifest = replace(manifest, heads=tuple(heads))
    manifest.write(folder)
    write_card(manifest, folder)
    return manifest


class _Named(torch.nn.Module):
    """The network as a function of the graph's inputs."""

    def __init__(self, model: MultiHeadTagger) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        model = self.model
        states = model.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        return {name: head(states) for name, head in model.heads.items()}


def _examples(recipe: Recipe, corpus: CorpusRecipe, path: Path, encoder: Encoder) -> Examples:
    if not path.exists():
        msg = f"No corpus file {path}; name the folder with --data."
        raise RecipeError(msg)
    records = list(read_corpus(path))
    heads = {}
    for name, teaching in corpus.heads.items():
        labels = recipe.heads[name].labels
        _check_labels(corpus, {span.label for r in records for span in teaching.renamed(r).spans} - set(labels), name)
        heads[name] = Teaching(recipe.heads[name].tags, teaching, teaching.weight)
    return Examples.from_records(
        records, heads, encoder=encoder, unit=recipe.unit, name=corpus.name, passes=corpus.passes
    )


def _check_labels(corpus: CorpusRecipe, unknown: set[str], head: str) -> None:
    if unknown:
        msg = (
            f"The corpus {corpus.name!r} has labels that the head {head!r} lacks: "
            f"{', '.join(sorted(unknown))}. Rename or drop them in its label_map."
        )
        raise RecipeError(msg)


def _describe(console: Console, sets: Sequence[Examples], part: str) -> None:
    for e in sets:
        spans = sum(len(r.spans) for r in e.records)
        size = len(e.encoded.subwords.ids)
        console.print(
            f"{part}: {e.name}: {len(e.records)} records, {len(e.sentences.texts)} sentences, {size} sub-words, "
            f"{spans} spans; teaches {', '.join(e.heads)}",
            highlight=False,
        )


def _manifest(recipe: Recipe, architecture: str, precision: str, folder: Path) -> Manifest:
    heads = tuple(
        Head(
            name=f"{recipe.languages[0]}/{output}",
            output=output,
            tags=tuple(head.tags),
            aliases=tuple(head.aliases),
            description=head.description,
            training=tuple(_corpus_entry(c, c.heads[output]) for c in recipe.corpora if output in c.heads),
        )
        for output, head in recipe.heads.items()
    )
    files = tuple(ModelFile.from_path(folder, p) for p in ("model.onnx", "tokenizer.json", "config.json"))
    return Manifest(
        name=recipe.name,
        version=recipe.version,
        languages=tuple(recipe.languages),
        architecture=architecture,
        unit=recipe.unit,
        max_length=recipe.max_length,
        overlap=recipe.overlap,
        context=recipe.context,
        precision=precision,
        licence=recipe.licence,
        heads=heads,
        files=files,
    )


def _corpus_entry(corpus: CorpusRecipe, teaching: TeachingRecipe) -> dict[str, Any]:
    """Return what the manifest says of a corpus: where it is from, what it was for, and how its labels read."""
    scheme = {key: value for key, value in asdict(teaching).items() if (value or value == []) and key != "weight"}
    use = "training" if corpus.train else "measure"
    return {"name": corpus.name, "licence": corpus.licence, "url": corpus.url, "use": use, **scheme}
