"""Reading notes: text files and folders, CSV, JSON lines, Parquet, standard input.

Every reader is a generator of `Note`: one note at a time, in bounded memory. What cannot be read is handed on
as that note's error and costs no other. Where no note has an id they go by the numbers of their rows, from 0; where
some have, one without goes by where it stands, such as `line 7`, which is nobody's id.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet

from clinspan.exceptions import ID_COL, TEXT_COL, ColumnTypeError, InputError
from clinspan.frames import place_of
from clinspan.io.csv_rows import CsvRow, csv_rows
from clinspan.texts import Unreadable, is_text, python_values

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
_BATCH_ROWS: Final = 64  # notes may be long


class Note(NamedTuple):
    """One note: its id, and its text (str, bytes in UTF-8, None, or why it cannot be read)."""

    id: str
    text: Any


def table_kind(path: PurePath) -> str:
    """Return which kind of table the suffix of a path says, perhaps one before `.gz`; "" for a text or a folder."""
    name = PurePath(path.name.lower())
    return TABLES.get(name.suffix if name.suffix != ".gz" else PurePath(name.stem).suffix, "")


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
    return (Note(spelled(file.name, 0), file.read_bytes()) for file in [path])


def read_folder(folder: Path) -> Iterator[Note]:
    """Read every `.txt` file below a folder, in name order; the id is the path below the folder.

    Raises:
        InputError: if it has no such files, or cannot be listed.
    """
    closed: list[OSError] = []
    found = [Path(at, name) for at, _, names in os.walk(folder, onerror=closed.append) for name in names]
    files = [path for path in found if path.suffix.lower() == ".txt"]
    paths = sorted([*files, *(Path(error.filename) for error in closed)])
    if not paths or folder in paths:
        msg = f"No .txt files in {folder}." if not paths else f"{folder} cannot be read: {closed[0].strerror}."
        raise InputError(msg)
    return (Note(spelled(path.relative_to(folder).as_posix(), 0), _content(path)) for path in paths)


def _content(path: Path) -> bytes | Unreadable:
    """Return what is in a file; of a folder that could not be listed, or a file that cannot be read, why."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "the folder cannot be listed" if path.is_dir() else error.strerror
        return Unreadable(f"cannot be read: {reason}")


def read_jsonl(path: Path, *, text_col: str, id_col: str | None) -> Iterator[Note]:
    """Read JSON objects, one a line; a line that is none becomes that note's error."""
    with _opened(path) as lines:
        filled = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        named = id_col is not None
        for row, (number, line) in enumerate(filled):
            name, text = json_note(line, f"line {number}", text_col, id_col)
            named = named or name is not None
            yield Note(spelled(name, f"line {number}" if named else row), text)


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def json_note(line: bytes, place: str, text_col: str, id_col: str | None) -> tuple[Any, Any]:
    """Return the id of a line, None without one, and its text, or why it cannot be read; `place` is for messages."""
    try:
        found = json.loads(line)
    except UnicodeDecodeError as error:
        return None, Unreadable(f"{place}: not UTF-8 at byte {error.start}; convert the source to UTF-8")
    except (ValueError, RecursionError):
        return None, Unreadable(f"{place} is not JSON")
    if not isinstance(found, dict):
        return None, Unreadable(f"{place} is not a JSON object")
    for key, option in ((id_col, "--id-col"), (text_col, "--text-col")):
        if key is not None and key not in found:
            return found.get(id_col or "id"), Unreadable(f"{place} has no key {key!r}; name it with {option}")
    return found.get(id_col or "id"), found[text_col]


def read_csv(path: Path, *, text_col: str, id_col: str | None, delimiter: str = ",") -> Iterator[Note]:
    """Read a delimited file with a header; quoted fields may hold line breaks.

    What is no row of the table becomes an error that names its lines. After quotes that do not close, or close within
    a field, reading goes on with the line that follows the row's first.

    Raises:
        MissingColumnError: if the header lacks the column.
        InputError: if there is no header, or several columns have the name.
    """
    with _opened(path) as raw:
        yield from csv_notes(raw, path.name, text_col=text_col, id_col=id_col, delimiter=delimiter)


def csv_notes(raw: Any, name: str, *, text_col: str, id_col: str | None, delimiter: str) -> Iterator[Note]:
    """Read a delimited file that was opened for bytes as `read_csv` does; `name` is for messages."""
    # bytes that are no UTF-8 travel as lone surrogates, so that they are the error of their own row
    with io.TextIOWrapper(raw, "utf-8-sig", "surrogateescape", newline="") as file:
        found = csv_rows(file, delimiter)
        names = _header(name, next(found, None))
        wanted = [names.index(column) for column in _wanted(names, text_col, id_col)]
        for number, row in enumerate(found):
            yield _csv_note(row, number, len(names), wanted)


def _header(name: str, row: CsvRow | None) -> list[str]:
    if row is None or row.error:
        msg = f"{name} has no header line; its first line has to name the columns."
        raise InputError(msg)
    return [spelled(name, "") for name in row.fields]


def _csv_note(row: CsvRow, number: int, width: int, wanted: list[int]) -> Note:
    """Return the note of a row; a bad one goes by its lines where there are ids, since its own may be anything."""
    error = row.error or ("" if len(row.fields) == width else f"{len(row.fields)} fields, the header has {width}")
    if error:
        return Note(str(number) if len(wanted) == 1 else row.lines, Unreadable(f"{row.lines}: {error}"))
    text, *named = (row.fields[at] for at in wanted)
    return Note(spelled(named[0], row.lines) if named else str(number), _raw(text))


def _raw(text: str) -> str | bytes:
    """Return the text, or its bytes where they may be no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape")


def read_parquet(path: Path, *, text_col: str, id_col: str | None) -> Iterator[Note]:
    """Read a Parquet file batch by batch.

    Raises:
        MissingColumnError: if it lacks the column.
        ColumnTypeError: if the text column holds something else.
        InputError: if it is no Parquet file, or several columns have the name.
    """
    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pa.ArrowInvalid:
        msg = f"{path.name} is no Parquet file."
        raise InputError(msg) from None
    with file:
        wanted = _wanted(file.schema_arrow.names, text_col, id_col)
        kind = file.schema_arrow.field(text_col).type
        if not is_text(kind):
            raise ColumnTypeError.from_type(text_col, kind)
        yield from _table_notes(file.iter_batches(_BATCH_ROWS, columns=wanted), wanted)


def _wanted(names: list[str], text_col: str, id_col: str | None) -> list[str]:
    key = id_col or ("id" if "id" in names else None)
    for name, argument in ((text_col, TEXT_COL), (key, ID_COL)):
        if name is not None:
            place_of(name, names, argument)
    return [text_col, key] if key and key != text_col else [text_col]


def _table_notes(batches: Iterable[pa.RecordBatch], wanted: list[str]) -> Iterator[Note]:
    row = 0
    for batch in batches:
        texts, *named = (python_values(batch.column(name)) for name in wanted)
        for at, text in enumerate(texts):
            number = row + at
            yield Note(spelled(named[0][at], f"row {number}") if named else str(number), text)
        row += len(texts)


def spelled(name: object, place: object) -> str:
    """Spell an id as text that any file can hold; a row without one goes by its place."""
    if name is None or name in ("", b""):
        return str(place)
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name).encode("utf-8", "replace").decode()
