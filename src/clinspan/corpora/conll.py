"""CoNLL columns: one token a line with its tag, a blank line between sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from pathlib import Path

from clinspan.corpora.files import read_lines
from clinspan.corpora.record import Record
from clinspan.tagging import LabelledSpan, tags_to_spans

_DOCUMENT = "-DOCSTART-"
Row = tuple[str, str]


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
    for number, (name, sentences) in enumerate(_documents(read_lines(path), label_index, delimiter)):
        yield _record(name or f"{path.stem}-{number}", sentences)


def _documents(lines: Iterable[str], label_index: int, delimiter: str | None) -> Iterator[tuple[str, list[list[Row]]]]:
    name, sentences = "", [[]]  # type: tuple[str, list[list[Row]]]
    for line in lines:
        fields = line.rstrip("\n").split(delimiter)
        if fields[:1] == [_DOCUMENT]:
            if any(sentences):
                yield name, sentences
            name, sentences = _document_name(fields), [[]]
        elif len(fields) <= 1 or not line.strip():
            sentences.append([])
        elif -len(fields) <= label_index < len(fields):
            sentences[-1].append((fields[0], fields[label_index]))
    if any(sentences):
        yield name, sentences


def _document_name(fields: list[str]) -> str:
    return fields[2].strip("-") if len(fields) > 2 else ""


def _record(name: str, sentences: list[list[Row]]) -> Record:
    lines, spans, offset = [], [], 0
    for sentence in filter(None, sentences):
        words = [word for word, _ in sentence]
        starts = [offset, *accumulate((len(w) + 1 for w in words), initial=offset)][1:]
        for first, stop, label in tags_to_spans([tag for _, tag in sentence]):
            spans.append(LabelledSpan(starts[first], starts[stop - 1] + len(words[stop - 1]), label))
        lines.append(" ".join(words))
        offset += len(lines[-1]) + 1
    return Record(name, "\n".join(lines), tuple(spans))
