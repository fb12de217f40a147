"""Following a recipe from data to a model folder."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console

from clinspan.corpora import Record, read_corpus
from clinspan.exceptions import RecipeError
from clinspan.hub.card import write_card
from clinspan.hub.manifest import Head, Manifest, ModelFile
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.inference.units import Encoder
from clinspan.training.examples import Examples
from clinspan.training.export import write_graphs
from clinspan.training.finetune import Finetuner
from clinspan.training.model import MultiHeadTagger, checkpoint_folder
from clinspan.training.recipe import CorpusRecipe, Recipe

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def train(recipe: Recipe, *, data: Path, runs: Path, output: Path, console: Console) -> Manifest:
    """Train a model and write its folder.

    Args:
        recipe: what to do.
        data: folder the recipe's corpora lie in.
        runs: folder for checkpoints and the fp32 graph; a run in it is resumed.
        output: model folder to write.
        console: where to report.

    Raises:
        RecipeError: if a corpus is not there or has labels that its head lacks.
    """
    torch.manual_seed(recipe.seed)
    source = checkpoint_folder(recipe.checkpoint)
    encoder = Encoder(SubwordTokenizer.open(source / "tokenizer.json"), recipe.max_length, recipe.overlap)
    train_set = [e for c in recipe.corpora if c.train for e in [_examples(recipe, c, data / c.train, encoder)]]
    dev_set = [e for c in recipe.corpora if c.dev for e in [_examples(recipe, c, data / c.dev, encoder)]]
    _describe(console, train_set, "train")
    _describe(console, dev_set, "dev")
    widths = {name: len(head.tags) for name, head in recipe.heads.items()}
    model = MultiHeadTagger.from_checkpoint(source, widths, recipe.training.dropout)
    run = runs / recipe.name
    Finetuner(recipe, model, encoder, train_set, dev_set, run, console).run()
    return write_model(recipe, model, source, run=run, output=output)


def write_model(recipe: Recipe, model: MultiHeadTagger, source: Path, *, run: Path, output: Path) -> Manifest:
    """Export a trained network as a model folder; the fp32 graph stays in the run's folder."""
    output.mkdir(parents=True, exist_ok=True)
    config = model.encoder.config
    write_graphs(
        _Named(model),
        INPUTS,
        list(recipe.heads),
        config,
        int8=output / "model.onnx",
        fp32=run / "model.fp32.onnx",
    )
    shutil.copy(source / "tokenizer.json", output / "tokenizer.json")
    config.to_json_file(output / "config.json")
    manifest = _manifest(recipe, config.model_type, output)
    manifest.write(output)
    write_card(manifest, output)
    return manifest


class _Named(torch.nn.Module):
    """The network with token types accepted and ignored where the encoder has none of its own use."""

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
    records = [record.mapped(corpus.label_map) for record in read_corpus(path)]
    head = recipe.heads[corpus.head]
    _check_labels(corpus, records, head.labels)
    return Examples.from_records(records, head=corpus.head, tags=head.tags, encoder=encoder, unit=recipe.unit)


def _check_labels(corpus: CorpusRecipe, records: Sequence[Record], labels: Sequence[str]) -> None:
    unknown = {span.label for record in records for span in record.spans} - set(labels)
    if unknown:
        msg = (
            f"The corpus {corpus.name!r} has labels that the head {corpus.head!r} lacks: "
            f"{', '.join(sorted(unknown))}. Rename or drop them in its label_map."
        )
        raise RecipeError(msg)


def _describe(console: Console, sets: Sequence[Examples], part: str) -> None:
    for e in sets:
        spans = sum(len(r.spans) for r in e.records)
        console.print(
            f"{part}: {e.head}: {len(e.records)} records, {len(e.sentences.texts)} sentences, "
            f"{len(e.targets)} sub-words, {spans} spans",
            highlight=False,
        )


def _manifest(recipe: Recipe, architecture: str, folder: Path) -> Manifest:
    heads = tuple(
        Head(
            name=f"{recipe.languages[0]}/{output}",
            output=output,
            tags=tuple(head.tags),
            aliases=tuple(head.aliases),
            description=head.description,
            training=tuple(
                {"name": c.name, "licence": c.licence, "url": c.url, "label_map": c.label_map}
                for c in recipe.corpora
                if c.head == output
            ),
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
        precision="int8",
        licence=recipe.licence,
        heads=heads,
        files=files,
    )
