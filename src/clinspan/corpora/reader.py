"""Choosing the reader for a path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clinspan.corpora.brat import read_brat
from clinspan.corpora.conll import read_conll
from clinspan.corpora.jsonl import PLAIN, Reading, read_jsonl
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError


def read_corpus(path: Path, reading: Reading = PLAIN) -> Iterator[Record]:
    """Read JSON lines (`.jsonl`, `.jsonl.gz`), CoNLL columns (`.conll`, `.tsv`, `.bio`) or a brat folder.

    Args:
        path: file or folder.
        reading: what labels of JSON lines show.

    Raises:
        InputError: if there is nothing at the path, or of no known kind.
    """
    if not path.exists():
        msg = f"No corpus at {path}."
        raise InputError(msg)
    if path.is_dir():
        return read_brat(path)
    suffixes = "".join(path.suffixes[-2:])
    if suffixes.endswith((".jsonl", ".jsonl.gz")):
        return read_jsonl(path, reading)
    if path.suffix in (".conll", ".tsv", ".bio", ".iob", ".txt"):
        return read_conll(path)
    msg = f"{path.name} is no corpus: use .jsonl(.gz), .conll or a folder of brat files."
    raise InputError(msg)
