"""brat stand-off: `name.txt` with its annotations in `name.ann`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from clinspan.corpora.files import BYTE_ORDER_MARK, read_text
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


def read_brat(folder: Path) -> Iterator[Record]:
    """Read every pair of files in a folder, in name order; a text without `.ann` has no spans.

    Discontinuous annotations are read as the stretch from their first to their last fragment.

    Raises:
        InputError: naming a line that is no annotation, or a file that is not UTF-8.
    """
    for text_file in sorted(folder.glob("**/*.txt")):
        text = read_text(text_file)
        ann_file = text_file.with_suffix(".ann")
        lines = read_text(ann_file).removeprefix(BYTE_ORDER_MARK).split("\n") if ann_file.exists() else []
        entities = (
            _span(line, f"{ann_file.name}, line {number}")
            for number, line in enumerate(lines, start=1)
            if line.startswith("T")
        )
        name = text_file.relative_to(folder).with_suffix("").as_posix()
        yield Record(name, text, tuple(sorted(entities)))


def _span(line: str, where: str) -> LabelledSpan:
    try:
        label, edges = line.split("\t")[1].split(" ", 1)
        numbers = [int(n) for fragment in edges.split(";") for n in fragment.split()]
        return LabelledSpan(min(numbers), max(numbers), label)
    except (IndexError, ValueError):
        msg = f"{where}: not a brat text-bound annotation."
        raise InputError(msg) from None
