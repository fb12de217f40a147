"""The command line run in this process, as the `clinspan` script runs it."""

import io
import sys
from dataclasses import dataclass

import pytest

from clinspan.cli import app


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line


@pytest.fixture
def clinspan(monkeypatch, capsys):
    """Run `clinspan ARGUMENTS`; returns exit code, standard output and standard error."""

    def run(*arguments, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["clinspan", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as left:
            app()
        return Outcome(int(left.value.code or 0), *capsys.readouterr())

    return run
