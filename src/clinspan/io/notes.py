"""Reading notes: text files and folders, CSV, JSON lines, Parquet, standard input.

Every reader is a generator of `Note`: one note at a time, in bounded memory. What cannot be read is handed on
as that note's error and costs no other.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from clinspan.exceptions import ColumnTypeError, InputError, MissingColumnError
from clinspan.frames import Unreadable

STDIN: Final = "-"
_BATCH_ROWS: Final = 1024


class Note(NamedTuple):
    """One note: its id, and its text (str, bytes in UTF-8, None, or why it cannot be read)."""

    id: str
    text: Any


def read_notes(source: str, *, text_col: str = "text", id_col: str | None = None) -> Iterator[Note]:
    """Read notes from a path, or from standard input for `-`.

    Args:
        source: text file, folder of `.txt` files, `.csv`, `.tsv`, `.jsonl` (also `.gz`), `.parquet`, or `-`.
        text_col: column or key of the text, for tables.
        id_col: column or key of the id; by default `id` if there is one, else the row number.

    Raises:
        InputError: if there is nothing at the path.
        MissingColumnError: if a table lacks the column.
    """
    if source == STDIN:
        return iter([Note("stdin", sys.stdin.buffer.read())])
    path = Path(source)
    if not path.exists():
        msg = f"Nothing at {source}. Give a text file, a folder, .csv, .jsonl or .parquet, or - for standard input."
        raise InputError(msg)
    if path.is_dir():
        return read_folder(path)
    kind = path.suffix if path.suffix != ".gz" else Path(path.stem).suffix
    if kind in (".csv", ".tsv"):
        return read_csv(path, text_col=text_col, id_col=id_col, delimiter="\t" if kind == ".tsv" else ",")
    if kind in (".jsonl", ".ndjson"):
        return read_jsonl(path, text_col=text_col, id_col=id_col)
    if kind == ".parquet":
        return read_parquet(path, text_col=text_col, id_col=id_col)
    return iter([Note(path.name, path.read_bytes())])


def read_folder(folder: Path) -> Iterator[Note]:
    """Read every `.txt` file below a folder, in name order; the id is the path below the folder."""
    files = sorted(folder.rglob("*.txt"))
    if not files:
        msg = f"No .txt files in {folder}."
        raise InputError(msg)
    return (Note(file.relative_to(folder).as_posix(), _content(file)) for file in files)


def _content(file: Path) -> bytes | Unreadable:
    try:
        return file.read_bytes()
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror}")


def read_jsonl(path: Path, *, text_col: str, id_col: str | None) -> Iterator[Note]:
    """Read JSON objects, one a line; a line that is none becomes that note's error."""
    opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")
    with opened as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _json_note(line, number, text_col, id_col)


def _json_note(line: bytes, number: int, text_col: str, id_col: str | None) -> Note:
    name = str(number)
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        return Note(name, Unreadable(f"line {number}: not UTF-8 at byte {error.start}; convert the source to UTF-8"))
    except (ValueError, RecursionError):
        return Note(name, Unreadable(f"line {number} is not JSON"))
    if not isinstance(row, dict):
        return Note(name, Unreadable(f"line {number} is not a JSON object"))
    name = str(row.get(id_col or "id", number))
    if text_col not in row:
        return Note(name, Unreadable(f"line {number} has no key {text_col!r}; name it with --text-col"))
    return Note(name, row[text_col])


def read_csv(path: Path, *, text_col: str, id_col: str | None, delimiter: str = ",") -> Iterator[Note]:
    """Read a delimited file with a header; quoted fields may hold line breaks."""
    names = _header(path, delimiter)
    wanted = _wanted(names, text_col, id_col)
    options = pyarrow.csv.ConvertOptions(
        check_utf8=False, column_types=dict.fromkeys(names, pa.binary()), include_columns=wanted
    )
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    with closing(pyarrow.csv.open_csv(path, parse_options=parsing, convert_options=options)) as reader:
        yield from _table_notes(reader, wanted)


def _header(path: Path, delimiter: str) -> list[str]:
    parsing = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with closing(pyarrow.csv.open_csv(path, parse_options=parsing)) as reader:
            return list(reader.schema.names)
    except pa.ArrowInvalid as error:
        msg = f"{path.name} cannot be read as CSV: {str(error).splitlines()[0]}"
        raise InputError(msg) from None


def read_parquet(path: Path, *, text_col: str, id_col: str | None) -> Iterator[Note]:
    """Read a Parquet file batch by batch.

    Raises:
        ColumnTypeError: if the text column holds something else.
    """
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pa.ArrowInvalid:
        msg = f"{path.name} is no Parquet file."
        raise InputError(msg) from None
    with file:
        wanted = _wanted(file.schema_arrow.names, text_col, id_col)
        kind = file.schema_arrow.field(text_col).type
        if not any(word in str(kind) for word in ("string", "binary", "null")):
            raise ColumnTypeError.from_type(text_col, kind)
        yield from _table_notes(file.iter_batches(_BATCH_ROWS, columns=wanted), wanted)


def _wanted(names: list[str], text_col: str, id_col: str | None) -> list[str]:
    for name in (text_col, *([id_col] if id_col else [])):
        if name not in names:
            raise MissingColumnError.from_name(name, names)
    key = id_col or ("id" if "id" in names else None)
    return [text_col, key] if key and key != text_col else [text_col]


def _table_notes(batches: Iterable[pa.RecordBatch], wanted: list[str]) -> Iterator[Note]:
    row = 0
    for batch in batches:
        texts = batch.column(wanted[0]).to_pylist()
        ids = batch.column(wanted[1]).to_pylist() if len(wanted) > 1 else range(row, row + len(texts))
        yield from (Note(_spelled(name), text) for name, text in zip(ids, texts, strict=True))
        row += len(texts)


def _spelled(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
