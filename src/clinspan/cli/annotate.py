"""`clinspan annotate`: notes in, entities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clinspan.cli.console import OUT, complain, notes_progress
from clinspan.cli.names import complete_model

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


def annotate(
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="Text file, folder, .csv, .tsv, .jsonl(.gz), .parquet, or - for stdin."),
    ],
    model: Annotated[
        list[str],
        typer.Option("--model", "-m", help="Model name; may be given more than once.", autocompletion=complete_model),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="File or folder to write; standard output by default."),
    ] = None,
    form: Annotated[
        OutputFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="By default what the output's suffix says; a table on a terminal, else JSONL.",
        ),
    ] = None,
    keep: Annotated[
        Keep, typer.Option(help="Of overlapping entities of several models: all, the longest, the most confident.")
    ] = Keep.all,
    text_col: Annotated[str, typer.Option(help="Column or key that holds the text.")] = "text",
    id_col: Annotated[
        str | None,
        typer.Option(help="Column or key that identifies a note; 'id' or the row number by default."),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="By default all CPUs this process may use."),
    ] = None,
    engine: Annotated[EngineName, typer.Option(help="Threads of this machine, or Spark.")] = EngineName.local,
    master: Annotated[str | None, typer.Option(help="Of classic Spark, such as local[4] or yarn.")] = None,
    remote: Annotated[str | None, typer.Option(help="Of Spark Connect, such as sc://host:15002.")] = None,
) -> None:
    """Find the entities of notes.

    A note that cannot be read is named on standard error, the others are done, and the exit code is 1.
    """
    if engine is EngineName.spark or master or remote:
        form_name = form.value if form else Path(output or "").suffix.removeprefix(".")
        _on_spark(source, model, output, form_name, keep, text_col, id_col, master=master, remote=remote)
        return
    from clinspan.io.annotate import annotate_notes
    from clinspan.io.notes import read_notes
    from clinspan.recognizer import load

    notes = read_notes(source, text_col=text_col, id_col=id_col)
    pairs = annotate_notes(load(*model, keep=keep.value, threads=threads), notes)
    errors: list[str] = []
    with notes_progress() as progress:
        task = progress.add_task("notes", total=None)
        watched = _watched(pairs, errors, lambda: progress.advance(task))
        if output is not None:
            _to_file(watched, Path(output), form)
        else:
            _to_terminal(watched, form or (OutputFormat.table if OUT.is_terminal else OutputFormat.jsonl))
    for line in errors:
        complain(line)
    if errors:
        raise typer.Exit(1)


def _on_spark(
    source: str,
    model: list[str],
    output: str | None,
    form: str,
    keep: Keep,
    text_col: str,
    id_col: str | None,
    **session: str | None,
) -> None:
    from clinspan.compat.session import start
    from clinspan.io.spark import read_notes, write_entities
    from clinspan.recognizer import load

    if output is None:
        message = "Spark writes a folder: add --output PATH"
        raise typer.BadParameter(message)
    notes, name = read_notes(start(**session), source, text_col=text_col, id_col=id_col)
    write_entities(load(*model, keep=keep.value), notes, output, form, text_col=text_col, id_col=name)


def _watched(pairs: Pairs, errors: list[str], advance: Callable[[], None]) -> Iterator[tuple[str, Document]]:
    for name, document in pairs:
        if document.error:
            errors.append(f"note {name}: {document.error}")
        advance()
        yield name, document


def _to_file(pairs: Pairs, output: Path, form: OutputFormat | None) -> None:
    from clinspan.io.entities import entity_writer

    with entity_writer(output, form.value if form else None) as writer:
        for name, document in pairs:
            writer.write(name, document)


def _to_terminal(pairs: Pairs, form: OutputFormat) -> None:
    from clinspan.display import entity_rows, to_text
    from clinspan.io.entities import json_line

    if form is OutputFormat.jsonl:
        for name, document in pairs:
            typer.echo(json_line(name, document))
    elif form is OutputFormat.text:
        for _, document in pairs:
            OUT.print(to_text(document), soft_wrap=True)
    elif form is OutputFormat.table:
        found = list(pairs)
        OUT.print(entity_rows(found, many=len(found) > 1))
    else:
        message = f"--format {form.value} needs a file: add --output PATH"
        raise typer.BadParameter(message)
