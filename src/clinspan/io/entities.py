"""Writing entities: JSON lines, CSV, Parquet, brat.

A writer fills a file beside the target and gives it its final name only when all went well; whatever goes wrong
before, nothing half written stays.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, ClassVar, Final

import pyarrow as pa
import pyarrow.parquet

from clinspan.document import Document
from clinspan.exceptions import InputError, OutputError

COLUMNS: Final = ("id", "start", "end", "text", "label", "confidence", "sentence", "model")
SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("text", pa.string()),
        ("label", pa.string()),
        ("confidence", pa.float32()),
        ("sentence", pa.int64()),
        ("model", pa.string()),
    ]
)
_ROW_GROUP: Final = 50_000
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST_NAME: Final = 200  # bytes; file systems take 255, and a number and a suffix come behind


class EntityWriter(ABC):
    """Writes the entities of one document after another to an open target."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def write(self, name: str, document: Document) -> None:
        """Write one document's entities."""

    @abstractmethod
    def close(self) -> None:
        """Finish the file."""


class JsonlWriter(EntityWriter):
    """One object a document: `{"id", "entities", "error"?}`; documents without entities appear too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file: IO[str] = path.open("w", encoding="utf-8")

    def write(self, name: str, document: Document) -> None:
        """Write one line."""
        self.file.write(json_line(name, document) + "\n")

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def json_line(name: str, document: Document) -> str:
    """Return a document's entities as one line of JSON."""
    row: dict[str, Any] = {"id": name, "entities": [entity.to_dict() for entity in document.entities]}
    if document.error:
        row["error"] = document.error
    return json.dumps(row, ensure_ascii=False)


class CsvWriter(EntityWriter):
    """One row an entity."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file = path.open("w", encoding="utf-8", newline="")
        self.rows = csv.writer(self.file)
        self.rows.writerow(COLUMNS)

    def write(self, name: str, document: Document) -> None:
        """Write one document's rows."""
        self.rows.writerows(_rows(name, document))

    def close(self) -> None:
        """Close the file."""
        self.file.close()


class ParquetWriter(EntityWriter):
    """One row an entity, in row groups of bounded size."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.rows: list[tuple[Any, ...]] = []
        self.file = pyarrow.parquet.ParquetWriter(path, SCHEMA)

    def write(self, name: str, document: Document) -> None:
        """Keep one document's rows, and write a row group when there are enough."""
        self.rows.extend(_rows(name, document))
        if len(self.rows) >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self.rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)]
        self.file.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA))
        self.rows.clear()

    def close(self) -> None:
        """Write what is left and close the file."""
        if self.rows:
            self._flush()
        self.file.close()


class BratWriter(EntityWriter):
    """A folder with `name.txt` and `name.ann` for each document; a name that was there before gets a number."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        path.mkdir()
        self.used: dict[str, int] = {}

    def write(self, name: str, document: Document) -> None:
        """Write one pair of files; path separators in the name make folders."""
        target = self.path / self._unused(_safe_name(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        # bytes, since brat counts characters of the text as it is, line ends included
        target.with_name(target.name + ".txt").write_bytes(document.text.encode())
        lines = (
            f"T{i}\t{'_'.join(e.label.split())} {e.start} {e.end}\t{' '.join(e.text.split())}\n"
            for i, e in enumerate(document.entities, start=1)
        )
        target.with_name(target.name + ".ann").write_text("".join(lines), encoding="utf-8")

    def _unused(self, name: str) -> str:
        free, number = name, self.used.get(name, 1)
        while free in self.used:
            number += 1
            free = f"{name}-{number}"
        self.used |= {name: number, free: self.used.get(free, 1)}
        return free

    def close(self) -> None:
        """Do nothing: every file is closed."""


def _safe_name(name: str) -> str:
    """Return a relative path that stays in its folder and that a file system takes."""
    parts = (_shortened(_CONTROL.sub("_", part)) for part in name.removesuffix(".txt").split("/"))
    return "/".join(part for part in parts if part not in ("", ".", "..")) or "note"


def _shortened(part: str) -> str:
    """Return a name that a file system takes; one that is too long ends in a digest, which tells it from others."""
    raw = part.encode()
    if len(raw) <= _LONGEST_NAME:
        return part
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{raw[: _LONGEST_NAME - len(digest) - 1].decode(errors='ignore')}-{digest}"


def _rows(name: str, document: Document) -> Iterator[tuple[Any, ...]]:
    for e in document.entities:
        yield name, e.start, e.end, e.text, e.label, e.confidence, e.sentence, e.model


class Format:
    """The output formats by name."""

    writers: ClassVar[dict[str, type[EntityWriter]]] = {
        "jsonl": JsonlWriter,
        "csv": CsvWriter,
        "parquet": ParquetWriter,
        "brat": BratWriter,
    }

    @classmethod
    def of(cls, path: Path, named: str | None) -> type[EntityWriter]:
        """Choose by name, or by the path's suffix (a path without one is a brat folder).

        Raises:
            InputError: if neither tells.
        """
        key = named or path.suffix.removeprefix(".") or "brat"
        if key not in cls.writers:
            msg = f"Unknown output format {key!r}; use {', '.join(cls.writers)} (--format)."
            raise InputError(msg)
        return cls.writers[key]


@contextmanager
def entity_writer(path: Path, named: str | None = None) -> Iterator[EntityWriter]:
    """Open a writer whose file gets its final name only if the block ends well.

    Args:
        path: the target.
        named: `jsonl`, `csv`, `parquet` or `brat`; by default what the suffix says.

    Raises:
        OutputError: if the target cannot be written, or exists and is no file.
    """
    kind = Format.of(path, named)
    part = path.parent / f".{path.name}.part"
    try:
        _check_target(path, folder=kind is BratWriter)
        _remove(part)
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = kind(part)
        try:
            yield writer
            writer.close()
        except BaseException:
            with suppress(OSError, ValueError):
                writer.close()
            raise
        part.replace(path)
    except OutputError:
        raise
    except OSError as error:
        msg = f"Cannot write {path}: {error.strerror or error}. Nothing was left under that name."
        raise OutputError(msg) from None
    finally:
        with suppress(OSError):
            _remove(part)


def _check_target(path: Path, *, folder: bool) -> None:
    if path.exists() and (folder or not path.is_file()):
        msg = f"{path} exists; name a new {'folder' if folder else 'file'}."
        raise OutputError(msg)


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
