"""Following a recipe from data to a model folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from rich.console import Console

from clinspan.codepoints import Ints
from clinspan.corpora import Record
from clinspan.exceptions import RecipeError
from clinspan.folders import complete
from clinspan.hub.importers.hugging_face import longest_sequence
from clinspan.hub.manifest import Manifest
from clinspan.inference.model import open_vectors
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.inference.units import Encoder
from clinspan.training.bilstm import train_bilstm
from clinspan.training.data import DataFolders
from clinspan.training.examples import Examples
from clinspan.training.finetune import Finetuner
from clinspan.training.model import MultiHeadTagger, checkpoint_folder, save_encoder
from clinspan.training.publish import add_scores, write_bilstm, write_transformer
from clinspan.training.recipe import CorpusRecipe, Recipe
from clinspan.training.start import take_heads
from clinspan.training.teacher import train_records
from clinspan.training.teachings import measuring, teachings
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
        RecipeError: if a corpus is not there or has labels that its head lacks, if nothing teaches a head, or if the
            encoder cannot read sequences that long.
        OutputError: if the output cannot be written.
    """
    _check_files(recipe, data)
    torch.manual_seed(recipe.seed)
    if recipe.bilstm is None:
        write = _trained_transformer(recipe, data=data, runs=runs, console=console)
    else:
        network, alphabet = train_bilstm(recipe, recipe.bilstm, data=data, runs=runs, console=console)
        write = partial(write_bilstm, recipe, network, alphabet, open_vectors(recipe.bilstm.vectors))
    with complete(output) as folder:
        write(folder)
        return add_scores(recipe, data, folder)


def _check_files(recipe: Recipe, data: DataFolders) -> None:
    """Look for all files now, not after hours."""
    texts = recipe.vocabulary.texts if recipe.vocabulary else []
    for path in (*texts, *(path for corpus in recipe.corpora for path in (corpus.train, corpus.dev) if path)):
        data.find(path)


def _trained_transformer(recipe: Recipe, *, data: DataFolders, runs: Path, console: Console) -> Callable[[Path], None]:
    """Train; return what writes the int8 model into a folder."""
    source = checkpoint_folder(recipe.checkpoint, runs)
    tokenizer = SubwordTokenizer.open(source / "tokenizer.json")
    encoder = Encoder(tokenizer, recipe.max_length, recipe.overlap, recipe.context)
    train_set = [_examples(recipe, c, train_records(c, data, runs), encoder) for c in recipe.corpora if c.train]
    dev_set = [
        _examples(recipe, c, data.records(c.dev, c.reading), encoder) for c in map(measuring, recipe.corpora) if c.heads
    ]
    _describe(console, train_set, "train")
    _describe(console, dev_set, "dev")
    content, kept = _vocabulary(
        recipe, source / "tokenizer.json", tokenizer, _vocabulary_texts(recipe, train_set, data)
    )
    tags = {name: head.tags for name, head in recipe.heads.items()}
    options = recipe.training
    widths = {name: len(of_head) for name, of_head in tags.items()}
    model = MultiHeadTagger.from_checkpoint(source, widths, options.dropout, options.attention_dropout)
    known = take_heads(model.heads, tags, source)
    if known:
        console.print(f"heads that go on from {recipe.checkpoint}: {', '.join(known)}", highlight=False)
    _check_start(recipe, model, known)
    run = runs / recipe.name
    Finetuner(recipe, model, encoder, train_set, dev_set, run, console).run()
    save_encoder(model.encoder, source / "tokenizer.json", run, model.heads, tags)
    if kept is not None:
        trim_embeddings(model.encoder, kept)
    offered = {name: head for name, head in recipe.heads.items() if not head.auxiliary}
    for name in recipe.heads.keys() - offered.keys():
        del model.heads[name]
    shipped = replace(recipe, heads=offered)
    return lambda folder: write_transformer(shipped, model, content, int8=folder, fp32=run / "fp32")


def _check_start(recipe: Recipe, model: MultiHeadTagger, known: Sequence[str]) -> None:
    taught = {head for corpus in recipe.corpora if corpus.train for head in corpus.heads}
    if untaught := [head for head in recipe.heads if head not in taught and head not in known]:
        msg = (
            f"No corpus with a train file teaches {', '.join(untaught)}, nor does {recipe.checkpoint} have such a head."
        )
        raise RecipeError(msg)
    if recipe.training.keep_start and (new := sorted(recipe.heads.keys() - {*known})):
        msg = f"keep_start wants a start with all heads; {recipe.checkpoint} lacks {', '.join(new)} with these tags."
        raise RecipeError(msg)
    longest = longest_sequence(model.encoder.config.to_dict())
    if recipe.max_length > longest:
        msg = f"max_length is {recipe.max_length}, but {recipe.checkpoint} reads at most {longest} sub-words at once."
        raise RecipeError(msg)


def _vocabulary(
    recipe: Recipe, path: Path, tokenizer: SubwordTokenizer, texts: Iterable[str]
) -> tuple[str, Ints | None]:
    """Return the tokenizer to ship and the ids of the pieces it keeps; None: all."""
    if recipe.vocabulary is None:
        return path.read_text(encoding="utf-8"), None
    kept = kept_pieces(tokenizer, texts, recipe.vocabulary.size)
    return trimmed_tokenizer(path, kept), kept


def _vocabulary_texts(recipe: Recipe, train_set: Sequence[Examples], data: DataFolders) -> Iterator[str]:
    """Yield all text that the vocabulary has to cover: that of the train sets, and what the recipe adds."""
    for examples in train_set:
        yield from (record.text for record in examples.records)
    yield from data.texts(recipe.vocabulary.texts if recipe.vocabulary else [])


def _examples(recipe: Recipe, corpus: CorpusRecipe, records: Sequence[Record], encoder: Encoder) -> Examples:
    heads = teachings(recipe, corpus, records)
    return Examples.from_records(
        records, heads, encoder=encoder, unit=recipe.unit, name=corpus.title, passes=corpus.passes
    )


def _describe(console: Console, sets: Sequence[Examples], part: str) -> None:
    for e in sets:
        spans = sum(len(r.spans) for r in e.records)
        size = len(e.encoded.subwords.ids)
        console.print(
            f"{part}: {e.name}: {len(e.records)} records, {len(e.sentences.texts)} sentences, {size} sub-words, "
            f"{spans} spans; teaches {', '.join(e.heads)}",
            highlight=False,
        )
