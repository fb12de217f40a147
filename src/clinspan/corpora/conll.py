"""CoNLL columns: one token a line with its tag, a blank line between sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from clinspan.corpora.files import read_lines
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan, tags_to_spans

_DOCUMENT: Final = "-DOCSTART-"
_FIELD: Final = re.compile(r"\S+", re.ASCII)  # other white space, such as a no-break space, belongs to tokens
Row = tuple[str, ...]


def read_conll(path: Path, *, label_index: int = -1, delimiter: str | None = None) -> Iterator[Record]:
    """Read a column file; each sentence becomes a line of its document.

    Args:
        path: the file.
        label_index: column of the tag (IOB1, IOB2 or BIOES); the last by default.
        delimiter: what separates columns; by default tabs in a line that has any, else white space.

    Raises:
        InputError: naming the line that lacks a token or a tag, or if the file is not UTF-8.
    """
    documents = read_columns(path, (0, label_index), delimiter, strict=True)
    for number, (name, sentences) in enumerate(documents):
        yield _record(name or f"{path.stem}-{number}", sentences)


def read_columns(
    path: Path, columns: Sequence[int], delimiter: str | None = None, *, strict: bool = False
) -> Iterator[tuple[str, list[list[Row]]]]:
    """Yield the name of each document that has any rows, "" for none, and its sentences.

    Args:
        path: the file.
        columns: those wanted of each line.
        delimiter: what separates columns; by default tabs in a line that has any, else white space.
        strict: whether a line that lacks one of the columns is an error; otherwise it is skipped.

    Raises:
        InputError: if the file is not UTF-8; if strict, naming the line that lacks a column.
    """
    for name, sentences in _documents(_rows(path, columns, delimiter, strict)):
        if any(sentences):
            yield name, list(filter(None, sentences))


def _rows(path: Path, columns: Sequence[int], delimiter: str | None, strict: bool) -> Iterator[Row]:
    """Yield the columns wanted of each line; all of a line that begins a document, none of a blank one."""
    wanted = max(2, *(column + 1 if column >= 0 else -column for column in columns))
    for number, line in enumerate(read_lines(path), start=1):
        fields = _fields(line.rstrip("\n"), delimiter)
        row = tuple(fields[column] for column in columns) if len(fields) >= wanted else ()
        if fields[:1] == [_DOCUMENT] or not fields:
            yield tuple(fields)
        elif len(fields) == 1 and not strict:  # ends a sentence in Spark NLP
            yield ()
        elif row and (all(row) or not strict):
            yield row
        elif strict:
            msg = f"{path.name}, line {number}: a token with its tag is expected, or a blank line."
            raise InputError(msg)


def _fields(line: str, delimiter: str | None) -> list[str]:
    if _FIELD.search(line) is None:
        return []
    if delimiter is not None:
        return line.split(delimiter)
    return [field.strip(" ") for field in line.rstrip(" \t").split("\t")] if "\t" in line else _FIELD.findall(line)


def _documents(rows: Iterable[Row]) -> Iterator[tuple[str, list[list[Row]]]]:
    name, sentences = "", [[]]  # type: tuple[str, list[list[Row]]]
    for row in rows:
        if row[:1] == (_DOCUMENT,):
            yield name, sentences
            name, sentences = _document_name(row), [[]]
        elif row:
            sentences[-1].append(row)
        else:
            sentences.append([])
    yield name, sentences


def _document_name(fields: Row) -> str:
    return fields[2].strip("-") if len(fields) > 2 else ""


def _record(name: str, sentences: list[list[Row]]) -> Record:
    lines, spans, offset = [], [], 0
    for sentence in sentences:
        words = [word for word, _ in sentence]
        starts = [offset, *accumulate((len(w) + 1 for w in words), initial=offset)][1:]
        for first, stop, label in tags_to_spans([tag for _, tag in sentence]):
            spans.append(LabelledSpan(starts[first], starts[stop - 1] + len(words[stop - 1]), label))
        lines.append(" ".join(words))
        offset += len(lines[-1]) + 1
    return Record(name, "\n".join(lines), tuple(spans))
