"""Notes that Spark reads, entities that Spark writes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from clinspan.exceptions import InputError, MissingColumnError, RowWarning
from clinspan.frames import checked_text
from clinspan.recognizer import EntityRecognizer

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ID: Final = "id"
_NAMED: Final = 3  # unreadable files that a warning names
FORMATS: Final = {"parquet": "parquet", "csv": "csv", "jsonl": "json"}  # names here and in Spark


def read_notes(session: Any, source: str, *, text_col: str, id_col: str | None) -> tuple[DataFrame, str]:
    """Return a frame of notes, read as the suffix of its path says, and the name of its id column.

    Args:
        session: of Spark.
        source: path or URL that Spark can read: Parquet, CSV, TSV or JSON lines; any other is a folder of text
            files, whose paths are their ids.
        text_col: the text column.
        id_col: the id column, `id` by default.

    Raises:
        MissingColumnError: if there is no such column.
    """
    frame = _read(session, source, text_col)
    for name in (text_col, id_col or _ID):
        if name not in frame.columns:
            raise MissingColumnError.from_name(name, frame.columns)
    return frame, id_col or _ID


def write_entities(
    recognizer: EntityRecognizer, notes: DataFrame, output: str, form: str, *, text_col: str, id_col: str
) -> None:
    """Write the long table of entities as a folder of parts that must not be there yet.

    Raises:
        InputError: if the format is none of `FORMATS`.
    """
    if form not in FORMATS:
        msg = f"Spark writes {', '.join(FORMATS)}, not {form or 'a file without a suffix'} (--format)."
        raise InputError(msg)
    table = recognizer.entities(notes, text_col=text_col, id_col=id_col)
    table.write.format(FORMATS[form]).option("header", "true").save(output)


def _read(session: Any, source: str, text_col: str) -> DataFrame:
    from pyspark.sql import functions as sql

    suffixes = PurePosixPath(source).suffixes
    if ".parquet" in suffixes:
        return session.read.parquet(source)
    if ".jsonl" in suffixes or ".json" in suffixes:
        return session.read.json(source)
    if ".csv" in suffixes or ".tsv" in suffixes:
        separator = "\t" if ".tsv" in suffixes else ","
        return session.read.csv(source, sep=separator, header=True, multiLine=True, escape='"')
    options = {"pathGlobFilter": "*.txt", "recursiveFileLookup": "true"}
    files = session.read.format("binaryFile").options(**options).load(source).select("path", "content")
    notes = files.mapInArrow(_decoded, f"{_ID} string, text string, error string")
    _warn_of(notes.filter("error is not null"))
    return notes.filter("error is null").select(_ID, sql.col("text").alias(text_col))


def _decoded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the content of files as UTF-8, or say why that cannot be done."""
    for batch in batches:
        texts, errors = zip(*(checked_text(content) for content in batch.column("content").to_pylist()), strict=True)
        columns = [batch.column("path"), pa.array(texts, pa.string()), pa.array(errors, pa.string())]
        yield pa.RecordBatch.from_arrays(columns, names=[_ID, "text", "error"])


def _warn_of(notes: DataFrame) -> None:
    rows = notes.select(_ID, "error").limit(_NAMED + 1).collect()
    if rows:
        named = "; ".join(f"{row[_ID]}: {row['error']}" for row in rows[:_NAMED])
        more = "; and others" if len(rows) > _NAMED else ""
        warnings.warn(f"Passed over: {named}{more}.", RowWarning, stacklevel=4)
