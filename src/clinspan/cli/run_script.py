"""`clinspan run`: a Spark NLP script, as it is."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
[bold]Examples[/]

  clinspan run pipeline.py

  clinspan run pipeline.py --input notes.parquet        (what follows the script is for the script)
"""


SETTINGS = {"allow_interspersed_args": False, "ignore_unknown_options": True}  # options after the script are its own


def run(
    script: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A Python script.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments.")] = None,
) -> None:
    """Run a Python script with clinspan in place of sparknlp, sparknlp_jsl, johnsnowlabs and sparknlp_display.

    Needs no licence and, for local frames, neither Spark nor Java.
    """
    import clinspan.compat.install  # noqa: F401 - puts the stand-ins in place

    sys.argv = [str(script), *(arguments or [])]
    sys.path.insert(0, str(script.resolve().parent))
    runpy.run_path(str(script), run_name="__main__")
