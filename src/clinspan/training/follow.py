"""Following a recipe file, and before it those that it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from clinspan.exceptions import RecipeError
from clinspan.training.boundaries import train_sentences
from clinspan.training.data import DataFolders
from clinspan.training.model import is_checkpoint
from clinspan.training.pretrain import Pretrainer
from clinspan.training.recipes import PretrainRecipe, SentencesRecipe, VectorsRecipe, read_recipe
from clinspan.training.run import train


def chain(path: Path, runs: Path) -> list[Path]:
    """Return the recipe files to follow, in order; the one given is the last.

    The checkpoint of a recipe may be the run of another recipe in the same folder. If there is no such run yet, that
    recipe comes first.

    Raises:
        RecipeError: if a recipe cannot be read, or if recipes start from each other.
    """
    paths = [path]
    while (before := _before(paths[0], runs)) is not None:
        if before in paths:
            msg = f"Recipes start from each other: {' <- '.join(p.name for p in [before, *paths])}."
            raise RecipeError(msg)
        paths.insert(0, before)
    return paths


def _before(path: Path, runs: Path) -> Path | None:
    recipe = read_recipe(path)
    if isinstance(recipe, VectorsRecipe | SentencesRecipe) or is_checkpoint(recipe.checkpoint, runs):
        return None
    beside = path.with_name(f"{recipe.checkpoint}.toml")
    return beside if beside.is_file() else None


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
    """
    paths = chain(path, runs)
    for step in paths:
        if len(paths) > 1:
            console.print(f"[bold]{step.name}[/]")
        _follow_one(step, folders, runs, output if step is path else None, console)


def _follow_one(path: Path, folders: Sequence[Path], runs: Path, output: Path | None, console: Console) -> None:
    recipe, data = read_recipe(path), DataFolders.beside(path, *folders)
    if isinstance(recipe, PretrainRecipe):
        console.print(f"wrote {Pretrainer(recipe, data=data, runs=runs, console=console).run()}")
        return
    target = output or runs / recipe.name / "model"
    if isinstance(recipe, VectorsRecipe):
        from clinspan.training.vectors import train_vectors  # it needs gensim, which no other recipe does

        manifest = train_vectors(recipe, data=data, output=target, console=console)
    elif isinstance(recipe, SentencesRecipe):
        manifest = train_sentences(recipe, data=data, output=target, console=console)
    else:
        manifest = train(recipe, data=data, runs=runs, output=target, console=console)
    console.print(f"wrote {target} ({manifest.size / 1e6:.1f} MB)")
