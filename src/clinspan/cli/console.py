"""Where the command line writes: results to standard output, all else to standard error."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)


class _Results(Console):
    """Standard output; a reader that goes away is an error like any other."""

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, where rich would leave."""
        raise BrokenPipeError


OUT = _Results(highlight=False, emoji=False, markup=False)
ERR = Console(stderr=True, highlight=False, emoji=False)


def fail(message: str) -> NoReturn:
    """Print one line and leave with exit code 2."""
    ERR.print(f"[bold red]error:[/] {_plain(message)}", soft_wrap=True)
    sys.exit(2)


def complain(message: str) -> None:
    """Print one line about something that did not stop the work."""
    ERR.print(f"[yellow]warning:[/] {_plain(message)}", soft_wrap=True)


def notes_progress() -> Progress:
    """Return a progress bar that counts notes and leaves nothing behind; silent without a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal)


def abandon_output() -> None:
    """Let what standard output could not take go nowhere, so that leaving does not fail on it again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(message: str) -> str:
    """Return one line that says what it says, without markup or control characters."""
    return escape("".join(c if c.isprintable() else " " for c in message))
