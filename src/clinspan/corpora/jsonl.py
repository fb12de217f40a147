"""JSON lines: `{"id", "text", "entities": [{"start", "end", "label"}], "source"}`, plain or gzipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clinspan.corpora.files import read_lines
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


def read_jsonl(path: Path) -> Iterator[Record]:
    """Read records; offsets count code points and `end` is exclusive.

    Raises:
        InputError: naming the line that is no record, or the file that is not UTF-8.
    """
    for number, line in enumerate(read_lines(path), start=1):
        if line.strip():
            yield _record(line, f"{path.name}, line {number}")


def _record(line: str, where: str) -> Record:
    try:
        row = json.loads(line)
        if not isinstance(row["text"], str):
            raise TypeError
        spans = sorted(LabelledSpan(e["start"], e["end"], e["label"]) for e in row["entities"])
        return Record(str(row.get("id", where)), row["text"], tuple(spans), row.get("source", ""))
    except InputError as error:
        msg = f"{where}: {error}"
        raise InputError(msg) from None
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{where}: not a record with text and entities ({type(error).__name__})."
        raise InputError(msg) from None


def to_json(record: Record) -> dict[str, Any]:
    """Return the record in the form that `read_jsonl` reads."""
    entities = [{"start": s.start, "end": s.stop, "label": s.label} for s in record.spans]
    return {"id": record.id, "text": record.text, "entities": entities, "source": record.source}
