"""Rows of delimited files: one with wrong quotes is an error that names its lines, and the rows after it are found."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_LONGEST_FIELD: Final = 2**31 - 1  # the csv module's own bound, 131,072 characters, is shorter than some notes


class CsvRow(NamedTuple):
    """A row of a delimited file: its lines in words, and its fields, or why they cannot be told."""

    lines: str
    fields: list[str]
    error: str = ""


def csv_rows(file: Iterable[str], delimiter: str) -> Iterator[CsvRow]:
    """Yield each row of the lines of a file; blank lines are none."""
    csv.field_size_limit(_LONGEST_FIELD)
    lines = _Lines(file)
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    fields: list[str] | None = []
    while fields is not None:
        first = lines.begin_row()
        try:
            fields = next(rows, None)
        except csv.Error as error:
            yield _broken_row(first, lines.number, error)
            lines.back_to_second()
            continue
        if fields:
            yield CsvRow(_spelled_lines(first, lines.number), fields)


def _broken_row(first: int, last: int, error: csv.Error) -> CsvRow:
    further = f"; read on from line {first + 1}" if last > first else ""
    return CsvRow(_spelled_lines(first, last), [], f"not CSV ({error}), check its quotes{further}")


def _spelled_lines(first: int, last: int) -> str:
    return f"lines {first} to {last}" if last > first else f"line {first}"


class _Lines:
    """The lines of a file; of the row at hand, all but the first can be read again.

    Attributes:
        number: of the line that was read last, from 1.
    """

    def __init__(self, file: Iterable[str]) -> None:
        self.number = 0
        self._file = iter(file)
        self._row: list[str] = []
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self.number += 1
        self._row.append(line)
        return line

    def begin_row(self) -> int:
        """Return the number of the next line, with which a row begins."""
        self._row.clear()
        return self.number + 1

    def back_to_second(self) -> None:
        """Go back to the second line of the row at hand."""
        again = self._row[1:]
        self.number -= len(again)
        self._again.extendleft(reversed(again))
