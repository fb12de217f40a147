"""Choosing the reader for a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from clinspan.corpora.brat import read_brat
from clinspan.corpora.conll import read_conll
from clinspan.corpora.jsonl import PLAIN, Reading, Readings, read_jsonl
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError

_KINDS: Final = "use .jsonl(.gz), .conll or a folder of brat files (name.txt with name.ann)"


def read_corpus(path: Path, reading: Reading | Readings = PLAIN) -> Iterator[Record]:
    """Read JSON lines (`.jsonl`, `.jsonl.gz`), CoNLL columns (`.conll`, `.tsv`, `.bio`) or a brat folder.

    Args:
        path: file or folder.
        reading: what labels of JSON lines show, for all records or by their `source`.

    Raises:
        InputError: if there is nothing at the path, it is of no known kind, or it has no records.
    """
    if not path.exists():
        msg = f"No corpus at {path}."
        raise InputError(msg)
    return _some(_records(path, reading), path)


def _records(path: Path, reading: Reading | Readings) -> Iterator[Record]:
    if path.is_dir():
        return read_brat(path)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return read_jsonl(path, reading)
    if path.suffix in (".conll", ".tsv", ".bio", ".iob", ".txt"):
        return read_conll(path)
    msg = f"{path.name} is no corpus: {_KINDS}."
    raise InputError(msg)


def _some(records: Iterator[Record], path: Path) -> Iterator[Record]:
    """Hand on records; none at all are an error."""
    first = next(records, None)
    if first is None:
        msg = f"No records in {path}: {_KINDS}."
        raise InputError(msg)
    yield first
    yield from records
