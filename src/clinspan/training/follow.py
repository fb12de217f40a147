"""Following a recipe file, and before it those that it starts from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from clinspan.exceptions import RecipeError
from clinspan.hub.manifest import replaced
from clinspan.training.boundaries import train_sentences
from clinspan.training.data import DataFolders
from clinspan.training.model import is_checkpoint
from clinspan.training.pretrain import Pretrainer
from clinspan.training.recipe import Recipe
from clinspan.training.recipes import AnyRecipe, PretrainRecipe, SentencesRecipe, VectorsRecipe, read_recipe
from clinspan.training.run import train
from clinspan.training.teacher import recipe_name, trained
from clinspan.training.vectors import train_vectors


def chain(path: Path, runs: Path) -> list[Path]:
    """Return the recipe files to follow, in order; the one given is the last.

    The checkpoint of a recipe, and the teacher of a corpus or of word vectors, may be what another recipe in the same
    folder makes. If there is no such thing yet, that recipe comes first.

    Raises:
        RecipeError: if a recipe cannot be read, or if recipes start from each other.
    """
    return list(dict.fromkeys(_needed(path, runs, ())))


def _needed(path: Path, runs: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    if path in above:
        msg = f"Recipes start from each other: {' <- '.join(p.name for p in (path, *reversed(above)))}."
        raise RecipeError(msg)
    for before in _before(path, runs):
        yield from _needed(before, runs, (*above, path))
    yield path


def _before(path: Path, runs: Path) -> Iterator[Path]:
    """Yield the recipes beside one whose results it needs and that are not there yet."""
    recipe = read_recipe(path)
    wanted = []
    if isinstance(recipe, Recipe | PretrainRecipe) and not is_checkpoint(recipe.checkpoint, runs):
        wanted.append(recipe.checkpoint)
    wanted += [recipe_name(teacher) for teacher in _teachers(recipe) if trained(teacher, runs) is None]
    for name in wanted:
        beside = path.parent / f"{name}.toml"
        if beside.is_file():
            yield beside


def _teachers(recipe: AnyRecipe) -> list[str]:
    if isinstance(recipe, VectorsRecipe):
        return [recipe.teacher] if recipe.teacher else []
    return [corpus.teacher for corpus in recipe.corpora if corpus.teacher] if isinstance(recipe, Recipe) else []


def follow(path: Path, *, folders: Sequence[Path], runs: Path, output: Path | None, console: Console) -> None:
    """Follow a recipe file and, where they were not followed yet, those that it starts from.

    Args:
        path: the recipe file.
        folders: folders of corpora.
        runs: folder for checkpoints; unfinished runs in it go on.
        output: model folder of the recipe given; None: `RUNS/NAME/model`.
        console: where to report.

    Raises:
        RecipeError: if a recipe or its data are not as they should be.
        OutputError: if the output is a folder of other things.
    """
    paths = chain(path, runs)
    for step in paths:
        if len(paths) > 1:
            console.print(step.name, style="bold")
        begin = time.monotonic()
        result = _follow_one(step, folders, runs, output if step is path else None, console)
        console.print(f"wrote {result} in {timedelta(seconds=round(time.monotonic() - begin))}", highlight=False)


def _follow_one(path: Path, folders: Sequence[Path], runs: Path, output: Path | None, console: Console) -> str:
    """Follow one recipe and say what was written."""
    recipe, data = read_recipe(path), DataFolders.beside(path, *folders)
    if isinstance(recipe, PretrainRecipe):
        return str(Pretrainer(recipe, data=data, runs=runs, console=console).run())
    target = output or runs / recipe.name / "model"
    replaced(target)
    if isinstance(recipe, VectorsRecipe):
        manifest = train_vectors(recipe, data=data, runs=runs, output=target, console=console)
    elif isinstance(recipe, SentencesRecipe):
        manifest = train_sentences(recipe, data=data, output=target, console=console)
    else:
        manifest = train(recipe, data=data, runs=runs, output=target, console=console)
    return f"{target} ({manifest.size / 1e6:.1f} MB)"
