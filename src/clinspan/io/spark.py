"""Notes that Spark reads, entities that Spark writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from clinspan.exceptions import ID_COL, TEXT_COL, ClinspanError, InputError, MissingColumnError, OutputError
from clinspan.io.notes import DELIMITERS, table_kind
from clinspan.recognizer import EntityRecognizer
from clinspan.texts import TEXT, checked_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_ID: Final = "id"
FORMATS: Final = {"parquet": "parquet", "csv": "csv", "jsonl": "json"}  # names here and in Spark


@dataclass(frozen=True)
class SparkNotes:
    """Notes that Spark reads.

    Attributes:
        frame: those with a text.
        text_col: the column of their texts.
        id_col: the column of their ids.
        bad: the other ones, with the columns `id` and `error`; None where Spark itself makes texts of what it reads.
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
    kind = table_kind(PurePosixPath(source))
    if not kind:
        return _text_files(session, source)
    frame, id_col = _table(session, source, kind), id_col or _ID
    for name, argument in ((text_col, TEXT_COL), (id_col, ID_COL)):
        if name not in frame.columns:
            raise MissingColumnError.from_name(name, frame.columns, argument=argument)
    return SparkNotes(frame, text_col, id_col)


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
    table.write.format(FORMATS[form]).option("header", "true").save(output)


def _table(session: Any, source: str, kind: str) -> DataFrame:
    if kind == "parquet":
        return session.read.parquet(source)
    if kind == "jsonl":
        return session.read.json(source)
    return session.read.csv(source, sep=DELIMITERS[kind], header=True, multiLine=True, escape='"')


def _text_files(session: Any, source: str) -> SparkNotes:
    options = {"pathGlobFilter": "*.txt", "recursiveFileLookup": "true"}
    files = session.read.format("binaryFile").options(**options).load(source)
    if files.select("path").isEmpty():
        msg = f"No .txt files in {source}."
        raise InputError(msg)
    # kept, where Spark can, so that one reading serves both the texts and the errors
    notes = files.select("path", "content").mapInArrow(decoded, f"{_ID} string, {TEXT} string, error string").persist()
    return SparkNotes(notes.filter("error is null"), TEXT, _ID, notes.filter("error is not null"))


def decoded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the content of files as UTF-8, or say why that cannot be done: from `path`, `content` to id, text, error."""
    for batch in batches:
        checked = [checked_text(content) for content in batch.column("content").to_pylist()]
        texts, errors = ([one[at] for one in checked] for at in (0, 1))
        columns = [batch.column("path"), pa.array(texts, pa.string()), pa.array(errors, pa.string())]
        yield pa.RecordBatch.from_arrays(columns, names=[_ID, TEXT, "error"])
