"""Following a recipe from data to a model folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console

from clinspan.corpora import Record
from clinspan.exceptions import RecipeError
from clinspan.hub.manifest import Manifest
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.inference.units import Encoder
from clinspan.training.bilstm import train_bilstm
from clinspan.training.data import DataFolders
from clinspan.training.examples import Examples, Teaching
from clinspan.training.finetune import Finetuner
from clinspan.training.model import MultiHeadTagger, checkpoint_folder
from clinspan.training.pretrain import Pretrainer
from clinspan.training.publish import add_scores, write_bilstm, write_transformer
from clinspan.training.recipe import CorpusRecipe, PretrainRecipe, Recipe
from clinspan.training.vocabulary import kept_pieces, trim_embeddings, trimmed_tokenizer


def train(recipe: Recipe, *, data: DataFolders, runs: Path, output: Path, console: Console) -> Manifest:
    """Train a model, write its folder, and score it on the dev sets.

    Args:
        recipe: what to do.
        data: where the recipe's corpora lie.
        runs: folder for checkpoints and the fp32 model; a run in it is resumed.
        output: folder for the int8 model.
        console: where to report.

    Raises:
        RecipeError: if a corpus is not there or has labels that its head lacks.
    """
    torch.manual_seed(recipe.seed)
    if recipe.bilstm is None:
        _train_transformer(recipe, data=data, runs=runs, output=output, console=console)
    else:
        network, alphabet = train_bilstm(recipe, recipe.bilstm, data=data, console=console)
        write_bilstm(recipe, network, alphabet, recipe.bilstm.vectors, output)
    return add_scores(recipe, data, output)


def pretrain(recipe: PretrainRecipe, *, data: DataFolders, runs: Path, console: Console) -> Path:
    """Adapt an encoder to a domain; return its checkpoint folder, which fine-tuning recipes start from by name."""
    return Pretrainer(recipe, data=data, runs=runs, console=console).run()


def _train_transformer(recipe: Recipe, *, data: DataFolders, runs: Path, output: Path, console: Console) -> None:
    source = checkpoint_folder(recipe.checkpoint, runs)
    tokenizer = SubwordTokenizer.open(source / "tokenizer.json")
    encoder = Encoder(tokenizer, recipe.max_length, recipe.overlap, recipe.context)
    train_set = [_examples(recipe, c, data.records(c.train), encoder) for c in recipe.corpora if c.train]
    dev_set = [_examples(recipe, c, data.records(c.dev), encoder) for c in map(measuring, recipe.corpora) if c.heads]
    _describe(console, train_set, "train")
    _describe(console, dev_set, "dev")
    widths = {name: len(head.tags) for name, head in recipe.heads.items()}
    model = MultiHeadTagger.from_checkpoint(source, widths, recipe.training.dropout)
    run = runs / recipe.name
    Finetuner(recipe, model, encoder, train_set, dev_set, run, console).run()
    content = (source / "tokenizer.json").read_text(encoding="utf-8")
    if recipe.vocabulary:
        kept = kept_pieces(tokenizer, _vocabulary_texts(recipe, data), recipe.vocabulary.size)
        trim_embeddings(model.encoder, kept)
        content = trimmed_tokenizer(source / "tokenizer.json", kept)
        console.print(f"vocabulary: {len(kept)} pieces kept", highlight=False)
    write_transformer(recipe, model, content, int8=output, fp32=run / "fp32")


def measuring(corpus: CorpusRecipe) -> CorpusRecipe:
    """Return the corpus with the heads for which its dev set helps to choose the epoch."""
    wanted = corpus.dev and corpus.judge
    return replace(corpus, heads={name: t for name, t in corpus.heads.items() if wanted and t.scored})


def _vocabulary_texts(recipe: Recipe, data: DataFolders) -> Iterator[str]:
    """Yield all text that the vocabulary has to cover: that of the train sets, and what the recipe adds."""
    for corpus in recipe.corpora:
        if corpus.train:
            yield from (record.text for record in data.records(corpus.train))
    yield from data.texts(recipe.vocabulary.texts if recipe.vocabulary else [])


def _examples(recipe: Recipe, corpus: CorpusRecipe, records: Sequence[Record], encoder: Encoder) -> Examples:
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
