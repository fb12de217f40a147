"""CoNLL columns: one token a line with its tag, a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from clinspan.corpora.files import read_lines
from clinspan.corpora.record import Record
from clinspan.tagging import LabelledSpan, tags_to_spans

_DOCUMENT = "-DOCSTART-"
Row = tuple[str, ...]


def read_conll(path: Path, *, label_index: int = -1, delimiter: str | None = None) -> Iterator[Record]:
    """Read a column file; each sentence becomes a line of its document.

    Args:
        path: the file.
        label_index: column of the tag (IOB1, IOB2 or BIOES); the last by default. Lines that are too
            short for it are skipped.
        delimiter: what separates columns; any white space by default.

    Raises:
        InputError: if the file is not UTF-8.
    """
    for number, (name, sentences) in enumerate(read_columns(path, (0, label_index), delimiter)):
        yield _record(name or f"{path.stem}-{number}", sentences)


def read_columns(
    path: Path, columns: Sequence[int], delimiter: str | None = None
) -> Iterator[tuple[str, list[list[Row]]]]:
    """Yield the name of each document that has any rows, "" for none, and its sentences.

    Args:
        path: the file.
        columns: those wanted of each line; lines that are too short for them are skipped.
        delimiter: what separates columns; any white space by default.

    Raises:
        InputError: if the file is not UTF-8.
    """
    for name, sentences in _documents(read_lines(path), columns, delimiter):
        if any(sentences):
            yield name, list(filter(None, sentences))


def _documents(
    lines: Iterable[str], columns: Sequence[int], delimiter: str | None
) -> Iterator[tuple[str, list[list[Row]]]]:
    name, sentences = "", [[]]  # type: tuple[str, list[list[Row]]]
    for line in lines:
        fields = line.rstrip("\n").split(delimiter)
        if fields[:1] == [_DOCUMENT]:
            yield name, sentences
            name, sentences = _document_name(fields), [[]]
        elif len(fields) <= 1 or not line.strip():
            sentences.append([])
        elif all(-len(fields) <= column < len(fields) for column in columns):
            sentences[-1].append(tuple(fields[column] for column in columns))
    yield name, sentences


def _document_name(fields: list[str]) -> str:
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
