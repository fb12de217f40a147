"""`clinspan doctor`: what is installed, which engine would be used, and what is wrong with it."""

from __future__ import annotations

import typer
from rich.table import Table

from clinspan.cli.console import OUT, complain

EXAMPLES = """
[bold]Examples[/]

  clinspan doctor        (exit code 1 if something is wrong)
"""


def doctor() -> None:
    """Say what is installed, which Spark would be used, and what is wrong with it."""
    from clinspan import __version__
    from clinspan.compat.environment import Environment
    from clinspan.hub.resolve import installed_heads

    found = Environment.found()
    rows = {
        "clinspan": __version__,
        "Python": found.python,
        "threads": str(found.threads),
        "models": f"{len(installed_heads())} (clinspan models)",
        **{name: version or "–" for name, version in found.packages.items()},
        "Java": str(found.java) if found.java else "–",
        "Spark session": found.spark,
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for row in rows.items():
        table.add_row(*row)
    OUT.print(table)
    problems = found.problems()
    for problem in problems:
        complain(problem)
    if problems:
        raise typer.Exit(1)
