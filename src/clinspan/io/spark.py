"""Notes that Spark reads, entities that Spark writes."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from clinspan.exceptions import ID_COL, TEXT_COL, ClinspanError, InputError, OutputError
from clinspan.frames import place_of
from clinspan.io.notes import DELIMITERS, Note, csv_notes, json_note, spelled, table_kind
from clinspan.recognizer import EntityRecognizer
from clinspan.texts import TEXT, Unreadable, checked_text, python_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ID: Final = "id"
_NO_ID: Final = "without an id"
_SCHEMA: Final = f"{_ID} string, {TEXT} string, error string"
_BATCH_ROWS: Final = 256
FORMATS: Final = {"parquet": "parquet", "csv": "csv", "jsonl": "json"}  # names here and in Spark


@dataclass(frozen=True)
class SparkNotes:
    """Notes that Spark reads.

    Attributes:
        frame: those with a text.
        text_col: the column of their texts.
        id_col: the column of their ids.
        bad: the other ones, with the columns `id` and `error`; None for Parquet, which Spark itself reads.
    """

    frame: DataFrame
    text_col: str
    id_col: str
    bad: DataFrame | None = None

    def errors(self) -> list[tuple[str, str]]:
        """Return the id of each note that cannot be read, and why."""
        rows = self.bad.select(_ID, "error").collect() if self.bad is not None else []
        return [(row[_ID], row["error"]) for row in rows]


@contextmanager
def _told_as(kind: type[ClinspanError]) -> Iterator[None]:
    """Raise what Spark says of a path or a column as an error of ours: its first line, before plans and stacks."""
    from pyspark.errors import AnalysisException

    try:
        yield
    except AnalysisException as error:
        raise kind("Spark: " + str(error).partition("\n")[0]) from None


@_told_as(InputError)
def read_notes(session: Any, source: str, *, text_col: str = TEXT, id_col: str | None = None) -> SparkNotes:
    """Return notes, read as the suffix of their path says.

    Args:
        session: of Spark.
        source: path or URL that Spark can read: a table with a suffix of `TABLES` (also `.gz`); any other is a
            folder of text files, whose paths are their ids.
        text_col: the text column, for tables.
        id_col: the id column, for tables; `id` by default.

    Raises:
        InputError: if there is nothing at the path.
        MissingColumnError: if a table lacks the column.
    """
    kind, id_col = table_kind(PurePosixPath(source)), id_col or _ID
    if kind == "parquet":
        frame = session.read.parquet(source)
        _check_columns(frame.columns, text_col, id_col)
        return SparkNotes(frame, text_col, id_col)
    if kind == "jsonl":
        return _json_lines(session, source, text_col, id_col)
    return _csv_files(session, source, DELIMITERS[kind], text_col, id_col) if kind else _text_files(session, source)


@_told_as(OutputError)
def write_entities(recognizer: EntityRecognizer, notes: SparkNotes, output: str, named: str | None = None) -> None:
    """Write the long table of entities as a folder of parts that must not be there yet.

    Args:
        recognizer: who finds them.
        notes: where.
        output: path or URL that Spark can write.
        named: one of `FORMATS`; by default what the suffix says.

    Raises:
        InputError: if the format is none of them.
        OutputError: if the folder is there or cannot be.
    """
    form = named or PurePosixPath(output).suffix.removeprefix(".")
    if form not in FORMATS:
        msg = f"Spark writes {', '.join(FORMATS)}, not {form or 'a file without a suffix'} (--format)."
        raise InputError(msg)
    table = recognizer.entities(notes.frame, text_col=notes.text_col, id_col=notes.id_col)
    # quotes are doubled, as every other reader of CSV expects, not marked with a backslash
    table.write.format(FORMATS[form]).option("header", "true").option("escape", '"').save(output)


def _check_columns(names: Sequence[str], text_col: str, id_col: str) -> None:
    for name, argument in ((text_col, TEXT_COL), (id_col, ID_COL)):
        place_of(name, names, argument)


def _json_lines(session: Any, source: str, text_col: str, id_col: str) -> SparkNotes:
    lines = session.read.text(source)
    if names := _keys(lines.first()):
        _check_columns(names, text_col, id_col)
    return _checked(lines.mapInArrow(partial(json_texts, text_col=text_col, id_col=id_col), _SCHEMA))


def _keys(first: Sequence[str] | None) -> list[str]:
    """Return the keys of the first line; of one that is no object, which is named with the others, none."""
    try:
        found = json.loads(first[0]) if first else None
    except (ValueError, RecursionError):
        found = None
    return [*found] if isinstance(found, dict) else []


def _csv_files(session: Any, source: str, delimiter: str, text_col: str, id_col: str) -> SparkNotes:
    files = session.read.format("binaryFile").load(source).select("path", "content")
    read = partial(csv_texts, text_col=text_col, id_col=id_col, delimiter=delimiter)
    return _checked(files.mapInArrow(read, _SCHEMA))


def _text_files(session: Any, source: str) -> SparkNotes:
    options = {"pathGlobFilter": "*.[tT][xX][tT]", "recursiveFileLookup": "true"}
    files = session.read.format("binaryFile").options(**options).load(source)
    if files.select("path").isEmpty():
        msg = f"No .txt files in {source}."
        raise InputError(msg)
    return _checked(files.select("path", "content").mapInArrow(file_texts, _SCHEMA))


def _checked(notes: DataFrame) -> SparkNotes:
    """Divide what was read; kept, where Spark can, so that one reading serves both the texts and the errors."""
    notes = notes.persist()
    return SparkNotes(notes.filter("error is null"), TEXT, _ID, notes.filter("error is not null"))


def file_texts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the content of files as UTF-8, or say why that cannot be done: from `path`, `content` to id, text, error."""
    for batch in batches:
        yield _batch([Note(path, content) for path, content in _cells([batch], "path", "content")])


def json_texts(batches: Iterable[pa.RecordBatch], *, text_col: str, id_col: str) -> Iterator[pa.RecordBatch]:
    """Read JSON lines, which have no numbers here: from `value` to id, text, error."""
    for batch in batches:
        lines = (line if isinstance(line, bytes) else line.encode() for line in python_values(batch.column("value")))
        notes = (json_note(line, "a line", text_col, id_col) for line in lines if line.strip())
        yield _batch([Note(spelled(name, _NO_ID), text) for name, text in notes])


def csv_texts(
    batches: Iterable[pa.RecordBatch], *, text_col: str, id_col: str, delimiter: str
) -> Iterator[pa.RecordBatch]:
    """Read delimited files: from `path`, `content` to id, text, error; a file that is none is an error of its own."""
    for path, content in _cells(batches, "path", "content"):
        raw = io.BytesIO(content) if not path.lower().endswith(".gz") else gzip.GzipFile(fileobj=io.BytesIO(content))
        notes = csv_notes(raw, PurePosixPath(path).name, text_col=text_col, id_col=id_col, delimiter=delimiter)
        try:
            while part := list(islice(notes, _BATCH_ROWS)):
                yield _batch(part)
        except InputError as error:
            yield _batch([Note(path, Unreadable(str(error)))])
        except (OSError, EOFError, zlib.error):
            yield _batch([Note(path, Unreadable("cannot be read: it is damaged"))])


def _cells(batches: Iterable[pa.RecordBatch], *names: str) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        yield from zip(*(batch.column(name).to_pylist() for name in names), strict=True)


def _batch(notes: Sequence[Note]) -> pa.RecordBatch:
    checked = [checked_text(note.text) for note in notes]
    columns = [[note.id for note in notes], [text for text, _ in checked], [error for _, error in checked]]
    return pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], names=[_ID, TEXT, "error"])
