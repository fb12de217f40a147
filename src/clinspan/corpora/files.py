"""Reading corpus files, which are UTF-8, plain or gzipped."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from clinspan.exceptions import InputError


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file.

    Raises:
        InputError: if it is not UTF-8.
    """
    with _opened(path) as lines:
        try:
            yield from lines
        except UnicodeDecodeError:
            raise _not_utf8(path) from None


def read_text(path: Path) -> str:
    """Return a whole file with its line ends as they are.

    Raises:
        InputError: if it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def _opened(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _not_utf8(path: Path) -> InputError:
    return InputError(f"{path.name} is not UTF-8 text; convert it first.")
