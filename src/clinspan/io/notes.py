"""Reading notes: text files and folders, CSV, JSON lines, Parquet, standard input.

Every reader is a generator of `Note`: one note at a time, in bounded memory. What cannot be read is handed on
as that note's error and costs no other. A note without an id goes by the number of its row, from 0.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from clinspan.exceptions import ID_COL, TEXT_COL, ColumnTypeError, InputError, MissingColumnError
from clinspan.io.csv_rows import CsvRow, csv_rows
from clinspan.texts import Unreadable

STDIN: Final = "-"
TABLES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_BATCH_ROWS: Final = 1024


class Note(NamedTuple):
    """One note: its id, and its text (str, bytes in UTF-8, None, or why it cannot be read)."""

    id: str
    text: Any


def table_kind(path: PurePath) -> str:
    """Return which kind of table the suffix of a path says, perhaps one before `.gz`; "" for a text or a folder."""
    suffix = path.suffix if path.suffix != ".gz" else PurePath(path.stem).suffix
    return TABLES.get(suffix, "")


def read_notes(source: str, *, text_col: str = "text", id_col: str | None = None) -> Iterator[Note]:
    """Read notes from a path, or from standard input for `-`.

    Args:
        source: text file, folder of `.txt` files, a table with a suffix of `TABLES` (also `.gz`), or `-`.
        text_col: column or key of the text, for tables.
        id_col: column or key of the id; by default `id` if there is one, else the row number.

    Raises:
        InputError: if there is nothing at the path.
        MissingColumnError: if a table lacks the column.
    """
    if source == STDIN:
        return iter([Note("stdin", sys.stdin.buffer.read())])
    path = Path(source)
    if not _exists(path):
        msg = f"Nothing at {source}. Give a text file, a folder, .csv, .jsonl or .parquet, or - for standard input."
        raise InputError(msg)
    return read_folder(path) if path.is_dir() else _whole(path, _read_file(path, text_col, id_col))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        msg = "INPUT is no path. Give a file or a folder, or - and the text on standard input."
        raise InputError(msg) from None


def _whole(path: Path, notes: Iterator[Note]) -> Iterator[Note]:
    """Hand on a file's notes; a file that cannot be read to its end is an error, not a shorter file."""
    try:
        yield from notes
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        msg = f"{path.name} cannot be read: {reason}."
        raise InputError(msg) from None


def _read_file(path: Path, text_col: str, id_col: str | None) -> Iterator[Note]:
    kind = table_kind(path)
    if kind in DELIMITERS:
        return read_csv(path, text_col=text_col, id_col=id_col, delimiter=DELIMITERS[kind])
    if kind == "jsonl":
        return read_jsonl(path, text_col=text_col, id_col=id_col)
    if kind == "parquet":
        return read_parquet(path, text_col=text_col, id_col=id_col)
    return (Note(_spelled(file.name, 0), file.read_bytes()) for file in [path])


def read_folder(folder: Path) -> Iterator[Note]:
    """Read every `.txt` file below a folder, in name order; the id is the path below the folder."""
    files = sorted(path for path in folder.rglob("*.txt") if not path.is_dir())
    if not files:
        msg = f"No .txt files in {folder}."
        raise InputError(msg)
    return (Note(_spelled(file.relative_to(folder).as_posix(), 0), _content(file)) for file in files)


def _content(file: Path) -> bytes | Unreadable:
    try:
        return file.read_bytes()
    except OSError as error:
        return Unreadable(f"cannot be read: {error.strerror}")


def read_jsonl(path: Path, *, text_col: str, id_col: str | None) -> Iterator[Note]:
    """Read JSON objects, one a line; a line that is none becomes that note's error."""
    with _opened(path) as lines:
        filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        for row, (number, line) in enumerate(filled):
            yield _json_note(line, number, row, text_col, id_col)


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _json_note(line: bytes, number: int, row: int, text_col: str, id_col: str | None) -> Note:
    name = str(row)
    try:
        found = json.loads(line)
    except UnicodeDecodeError as error:
        return Note(name, Unreadable(f"line {number}: not UTF-8 at byte {error.start}; convert the source to UTF-8"))
    except (ValueError, RecursionError):
        return Note(name, Unreadable(f"line {number} is not JSON"))
    if not isinstance(found, dict):
        return Note(name, Unreadable(f"line {number} is not a JSON object"))
    name = _spelled(found.get(id_col or "id"), row)
    if text_col not in found:
        return Note(name, Unreadable(f"line {number} has no key {text_col!r}; name it with --text-col"))
    return Note(name, found[text_col])


def read_csv(path: Path, *, text_col: str, id_col: str | None, delimiter: str = ",") -> Iterator[Note]:
    """Read a delimited file with a header; quoted fields may hold line breaks.

    What is no row of the table becomes an error that names its lines. After quotes that do not close, or close within
    a field, reading goes on with the line that follows the row's first.

    Raises:
        MissingColumnError: if the header lacks the column.
    """
    # bytes that are no UTF-8 travel as lone surrogates, so that they are the error of their own row
    with _opened(path) as raw, io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as file:
        found = csv_rows(file, delimiter)
        names = _header(path, next(found, None))
        wanted = [names.index(name) for name in _wanted(names, text_col, id_col)]
        for number, row in enumerate(found):
            yield _csv_note(row, number, len(names), wanted)


def _header(path: Path, row: CsvRow | None) -> list[str]:
    if row is None or row.error:
        msg = f"{path.name} has no header line; its first line has to name the columns."
        raise InputError(msg)
    return [_spelled(name, "") for name in row.fields]


def _csv_note(row: CsvRow, number: int, width: int, wanted: list[int]) -> Note:
    """Return the note of a row; a bad one goes by its lines where there are ids, since its own may be anything."""
    error = row.error or ("" if len(row.fields) == width else f"{len(row.fields)} fields, the header has {width}")
    if error:
        return Note(str(number) if len(wanted) == 1 else row.lines, Unreadable(f"{row.lines}: {error}"))
    text, *named = (row.fields[at] for at in wanted)
    return Note(_spelled(named[0] if named else None, number), _raw(text))


def _raw(text: str) -> str | bytes:
    """Return the text, or its bytes where they may be no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape")


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
    for name, argument in ((text_col, TEXT_COL), (id_col, ID_COL)):
        if name is not None and name not in names:
            raise MissingColumnError.from_name(name, names, argument=argument)
    key = id_col or ("id" if "id" in names else None)
    return [text_col, key] if key and key != text_col else [text_col]


def _table_notes(batches: Iterable[pa.RecordBatch], wanted: list[str]) -> Iterator[Note]:
    row = 0
    for batch in batches:
        texts = batch.column(wanted[0]).to_pylist()
        ids = batch.column(wanted[1]).to_pylist() if len(wanted) > 1 else [None] * len(texts)
        for number, (name, text) in enumerate(zip(ids, texts, strict=True), start=row):
            yield Note(_spelled(name, number), text)
        row += len(texts)


def _spelled(name: object, number: object) -> str:
    """Spell an id as text that any file can hold; a row without one goes by its number."""
    if name is None:
        return str(number)
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name).encode("utf-8", "replace").decode()
