"""Reading corpus files, which are UTF-8, plain or gzipped."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from clinspan.exceptions import InputError

BYTE_ORDER_MARK: Final = "\ufeff"


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, without a byte-order mark.

    Raises:
        InputError: if it is not UTF-8, or not a whole gzip file.
    """
    with _opened(path) as lines:
        try:
            yield from lines
        except UnicodeDecodeError:
            raise _not_utf8(path) from None
        except (EOFError, gzip.BadGzipFile, zlib.error):
            msg = f"{path.name} is damaged, cut off or not gzipped; copy it again."
            raise InputError(msg) from None


def read_text(path: Path) -> str:
    """Return a whole file with its line ends as they are.

    Raises:
        InputError: if it is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each object of a JSON-lines file, after where it stands, such as `notes.jsonl, line 3`.

    Raises:
        InputError: naming the line that is no object or has no `text` that can be UTF-8, or a file as in `read_lines`.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            where = f"{path.name}, line {number}"
            yield where, _row(line, where)


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):  # which hold the line
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        msg = f"{where}: not a JSON object with a text."
        raise InputError(msg)
    try:
        row["text"].encode()
    except UnicodeEncodeError as error:
        msg = f"{where}: a lone surrogate at character {error.start}; decode the source with errors='replace'."
        raise InputError(msg) from None
    return row


def _opened(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig")


def _not_utf8(path: Path) -> InputError:
    return InputError(f"{path.name} is not UTF-8 text; convert it first.")
