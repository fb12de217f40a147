"""JSON lines: `{"id", "text", "entities": [{"start", "end", "label"}], "source"}`, plain or gzipped.

An entity may have further entries; `Reading` says which of them its label shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from clinspan.corpora.files import read_rows
from clinspan.corpora.record import Record
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


@dataclass(frozen=True)
class Reading:
    """What labels show of the further entries of entities.

    Attributes:
        qualifier: an entry whose value follows the label: `PROCEDURE` with `"sub": "TEST"` is `PROCEDURE:TEST`.
        min_coverage: a lower `coverage` puts a question mark behind the label, so that it can be masked.
    """

    qualifier: str = ""
    min_coverage: float = 0.0

    def label(self, entity: Mapping[str, Any]) -> str:
        """Return the label of an entity.

        Raises:
            TypeError: if it is no text.
        """
        label = entity["label"]
        if not isinstance(label, str):
            raise TypeError
        if entity.get(self.qualifier):
            label = f"{label}:{entity[self.qualifier]}"
        return f"{label}?" if entity.get("coverage", 1.0) < self.min_coverage else label


PLAIN: Final = Reading()
Readings: TypeAlias = Callable[[str], Reading]


def read_jsonl(path: Path, reading: Reading | Readings = PLAIN) -> Iterator[Record]:
    """Read records; offsets count code points and `end` is exclusive.

    Args:
        path: the file.
        reading: what labels show, for all records or by their `source`.

    Raises:
        InputError: naming the line that is no record, or the file that cannot be read.
    """
    for where, row in read_rows(path):
        known = reading if isinstance(reading, Reading) else reading(str(row.get("source", "")))
        yield _record(row, where, known)


def _record(row: Mapping[str, Any], where: str, reading: Reading) -> Record:
    try:
        spans = sorted(_span(entity, reading) for entity in row["entities"])
        return Record(str(row.get("id", where)), row["text"], tuple(spans), row.get("source", ""))
    except InputError as error:
        msg = f"{where}: {error}"
        raise InputError(msg) from None
    except (KeyError, TypeError) as error:
        msg = f"{where}: not a record whose entities have start, end and label ({type(error).__name__})."
        raise InputError(msg) from None


def _span(entity: Mapping[str, Any], reading: Reading) -> LabelledSpan:
    start, end = entity["start"], entity["end"]
    if type(start) is not int or type(end) is not int:  # JSON's true is one to isinstance
        raise TypeError
    return LabelledSpan(start, end, reading.label(entity))


def to_json(record: Record) -> dict[str, Any]:
    """Return the record in the form that `read_jsonl` reads."""
    entities = [{"start": s.start, "end": s.stop, "label": s.label} for s in record.spans]
    return {"id": record.id, "text": record.text, "entities": entities, "source": record.source}
