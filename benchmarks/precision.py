"""What quantization costs: strict F1 of every head on its dev sets, int8 against fp32.

python -m benchmarks.precision recipes/en.toml --data ~/corpora [--int8 FOLDER] [--fp32 FOLDER]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from clinspan.evaluation.entity import MICRO
from clinspan.evaluation.run import evaluate
from clinspan.hub.resolve import BUNDLED
from clinspan.recognizer import load
from clinspan.training.data import DataFolders
from clinspan.training.recipe import CorpusRecipe, Recipe

_MOST = 0.003


def main(
    recipe: Annotated[Path, typer.Argument(help="The recipe that the model was trained by.")],
    data: Annotated[list[Path], typer.Option(help="Folder of corpora; may be given more than once.")],
    int8: Annotated[Path | None, typer.Option(help="By default the bundled model.")] = None,
    fp32: Annotated[Path | None, typer.Option(help="By default runs/NAME/fp32.")] = None,
) -> None:
    """Measure and print."""
    read, folders = Recipe.read(recipe), DataFolders.beside(recipe, *data)
    models = (int8 or BUNDLED / read.name, fp32 or Path("runs") / read.name / "fp32")
    table = Table("head", "dev set", "int8", "fp32", "difference", title="strict micro F1", title_justify="left")
    for head in (name for name, head in read.heads.items() if not head.auxiliary):
        for corpus in (c for c in read.corpora if c.dev and head in c.heads and c.heads[head].scored):
            small, large = (_f1(folder, head, corpus, folders) for folder in models)
            mark = "" if abs(small - large) <= _MOST else " !"
            table.add_row(head, corpus.name, f"{small:.4f}", f"{large:.4f}", f"{small - large:+.4f}{mark}")
    Console().print(table)


def _f1(folder: Path, head: str, corpus: CorpusRecipe, data: DataFolders) -> float:
    recognizer = load(f"{folder.resolve()}#{head}", cache_bytes=0)
    found = evaluate(recognizer, data.records(corpus.dev, corpus.reading), scheme=corpus.heads[head])
    return found.entities["strict"][MICRO].f1


if __name__ == "__main__":
    typer.run(main)
