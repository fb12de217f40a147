"""`clinspan annotate`: notes in, entities out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clinspan.cli.console import OUT, abandon_output, complain, notes_progress
from clinspan.cli.names import complete_model
from clinspan.exceptions import OutputError

if TYPE_CHECKING:
    from clinspan.document import Document

EXAMPLES = """
[bold]Examples[/]

  clinspan annotate note.txt -m en/anatomy

  clinspan annotate notes/ -m en/anatomy -o entities.csv

  clinspan annotate notes.parquet -m en/anatomy --text-col body --id-col note_id -o entities.parquet

  clinspan annotate note.txt -m en/clinical -m en/medication --keep longest

  cat note.txt | clinspan annotate - -m en/anatomy --format jsonl

  clinspan annotate notes.parquet -m en/slim -o entities.parquet --engine spark --master "local[4]"

  clinspan annotate s3a://notes/2026.parquet -m en/slim -o s3a://out/2026.parquet --remote sc://cluster:15002
"""


class EngineName(str, Enum):
    """Who does the work."""

    local = "local"
    spark = "spark"


class Keep(str, Enum):
    """Which of overlapping entities to keep."""

    all = "all"
    longest = "longest"
    confidence = "confidence"


class OutputFormat(str, Enum):
    """What to write."""

    table = "table"
    text = "text"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    brat = "brat"


Pairs = Iterable[tuple[str, "Document"]]
Errors = list[tuple[str, str]]  # ids of notes, and why they cannot be read

Source = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="Text file, folder, .csv, .tsv, .jsonl/.ndjson/.json (also .gz), .parquet, or - for stdin.",
    ),
]
Models = Annotated[
    list[str],
    typer.Option("--model", "-m", help="Model name; may be given more than once.", autocompletion=complete_model),
]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="File or folder to write; standard output by default.")
]
Form = Annotated[
    OutputFormat | None,
    typer.Option("--format", "-f", help="By default what the output's suffix says; a table on a terminal, else JSONL."),
]
Kept = Annotated[
    Keep, typer.Option(help="Of overlapping entities of several models: all, the longest, the most confident.")
]
TextCol = Annotated[str, typer.Option(help="Column or key that holds the text.")]
IdCol = Annotated[
    str | None,
    typer.Option(
        help="Column or key that identifies a note; 'id' by default, or the row number, from 0; Spark has no numbers."
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="By default all CPUs this process may use; not for Spark.")]
Engine = Annotated[EngineName, typer.Option(help="Threads of this machine, or Spark.")]
Master = Annotated[str | None, typer.Option(help="Of classic Spark, such as local[4] or yarn.")]
Remote = Annotated[str | None, typer.Option(help="Of Spark Connect, such as sc://host:15002.")]


@dataclass(frozen=True)
class _Job:
    """What is asked for, whoever does it.

    Attributes:
        source: where the notes are.
        models: names of the models.
        output: where the entities go; None for standard output.
        form: its format; None for what the suffix says.
        keep: which of overlapping entities stay.
        text_col: the text column of a table.
        id_col: its id column; None for the default.
    """

    source: str
    models: tuple[str, ...]
    output: str | None
    form: str | None
    keep: str
    text_col: str
    id_col: str | None


def annotate(
    source: Source,
    model: Models,
    output: Output = None,
    form: Form = None,
    keep: Kept = Keep.all,
    text_col: TextCol = "text",
    id_col: IdCol = None,
    threads: Threads = None,
    engine: Engine = EngineName.local,
    master: Master = None,
    remote: Remote = None,
) -> None:
    """Find the entities of notes.

    A note that cannot be read is named on standard error, the others are done, and the exit code is 1.
    """
    job = _Job(source, tuple(model), output, form.value if form else None, keep.value, text_col, id_col)
    if engine is EngineName.spark or master or remote:
        errors = _on_spark(job, threads, master, remote)
    else:
        errors = _on_threads(job, threads)
    for name, error in errors:
        complain(f"note {name}: {error}")
    if errors:
        raise typer.Exit(1)


def _on_threads(job: _Job, threads: int | None) -> Errors:
    from clinspan.io.annotate import annotate_notes
    from clinspan.io.notes import read_notes
    from clinspan.recognizer import load

    if job.output is not None:
        _check_output(job.source, Path(job.output))
    notes = read_notes(job.source, text_col=job.text_col, id_col=job.id_col)
    pairs = annotate_notes(load(*job.models, keep=job.keep, threads=threads), notes)
    errors: Errors = []
    with notes_progress() as progress:
        watched = _watched(progress.track(pairs, description="notes"), errors)
        if job.output is not None:
            _to_file(watched, Path(job.output), job.form)
        else:
            try:
                _to_terminal(watched, job.form or ("table" if sys.stdout.isatty() else "jsonl"))
            except BrokenPipeError:  # the reader went away, such as `head`
                abandon_output()
                raise typer.Exit(2) from None
    return errors


def _on_spark(job: _Job, threads: int | None, master: str | None, remote: str | None) -> Errors:
    from clinspan.compat.session import start
    from clinspan.io.spark import read_notes, write_entities
    from clinspan.recognizer import load

    if job.output is None:
        raise typer.BadParameter("Spark writes a folder: add --output PATH")
    if threads is not None:
        raise typer.BadParameter('--threads is not for Spark, which runs a task a core: --master "local[4]"')
    if master and remote:
        raise typer.BadParameter("--master starts a Spark, --remote names one that runs: give one of them")
    notes = read_notes(start(master=master, remote=remote), job.source, text_col=job.text_col, id_col=job.id_col)
    write_entities(load(*job.models, keep=job.keep), notes, job.output, job.form)
    return notes.errors()


def _watched(pairs: Pairs, errors: Errors) -> Pairs:
    """Hand on the documents, and keep their errors."""
    for name, document in pairs:
        if document.error:
            errors.append((name, document.error))
        yield name, document


def _check_output(source: str, output: Path) -> None:
    """Refuse an output that would take the place of the notes."""
    if output.exists() and Path(source).exists() and output.samefile(source):
        msg = f"{output} holds the notes; name another file with --output."
        raise OutputError(msg)


def _to_file(pairs: Pairs, output: Path, form: str | None) -> None:
    from clinspan.io.entities import entity_writer

    with entity_writer(output, form) as writer:
        for name, document in pairs:
            writer.write(name, document)


def _to_terminal(pairs: Pairs, form: str) -> None:
    from clinspan.display import entity_rows, to_text
    from clinspan.io.entities import json_line

    if form == "jsonl":
        for name, document in pairs:
            typer.echo(json_line(name, document))
    elif form == "text":
        for _, document in pairs:
            OUT.print(to_text(document), soft_wrap=True)
    elif form == "table":
        found = list(pairs)
        OUT.print(entity_rows(found, many=len(found) > 1))
    else:
        message = f"--format {form} needs a file: add --output PATH"
        raise typer.BadParameter(message)
