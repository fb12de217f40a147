"""`clinspan train`: follow a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clinspan.cli.console import OUT

EXAMPLES = """
[bold]Examples[/]

  clinspan train recipes/en.toml --data ~/corpora

  clinspan train my-recipe.toml --data ~/corpora --output models/mine && clinspan annotate note.txt -m models/mine
"""


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe (TOML); recipes/ has those of the bundled models.")],
    data: Annotated[
        list[Path] | None,
        typer.Option(envvar="CLINSPAN_DATA", help="Folder of corpora; may be given more than once (see docs/data.md)."),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder for checkpoints; an unfinished run in it goes on.")] = Path("runs"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Model folder to write; RUNS/NAME/model by default."),
    ] = None,
) -> None:
    r"""Train a model by a recipe, export it as int8 ONNX, score it, and write manifest and card.

    A recipe with the table \[pretrain] adapts an encoder to a domain instead; one with the table \[vectors] trains word
    vectors. A recipe that starts from another one of its folder follows that one first, unless its run is there.

    Needs the train extra: pip install 'clinspan\[train]'.
    """
    from clinspan.training.extra import check_extra

    check_extra()
    from clinspan.training.follow import follow

    follow(recipe, folders=data or [], runs=runs, output=output, console=OUT)
