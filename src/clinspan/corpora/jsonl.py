"""JSON lines: `{"id", "text", "entities": [{"start", "end", "label"}], "source"}`, plain or gzipped."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from clinspan.corpora.record import Record
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


def read_jsonl(path: Path) -> Iterator[Record]:
    """Read records; offsets count code points and `end` is exclusive.

    Raises:
        InputError: naming the line that is no record.
    """
    with open_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _record(line, f"{path.name}, line {number}")


def open_lines(path: Path) -> IO[str]:
    """Open a text file, gzipped if its name ends in `.gz`."""
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _record(line: str, where: str) -> Record:
    try:
        row = json.loads(line)
        spans = sorted(LabelledSpan(e["start"], e["end"], e["label"]) for e in row["entities"])
        return Record(str(row.get("id", where)), row["text"], tuple(spans), row.get("source", ""))
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{where}: not a record with text and entities ({type(error).__name__})."
        raise InputError(msg) from None


def to_json(record: Record) -> dict[str, Any]:
    """Return the record in the form that `read_jsonl` reads."""
    entities = [{"start": s.start, "end": s.stop, "label": s.label} for s in record.spans]
    return {"id": record.id, "text": record.text, "entities": entities, "source": record.source}
