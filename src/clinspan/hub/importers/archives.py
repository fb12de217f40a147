"""Names of Spark NLP's archives, `{name}_{lang}_{lib}_{spark}_{millis}`, and the folder they are downloaded to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

RELEASE: Final = "7.0.0"  # of Spark NLP, whose names and shapes are offered
_SPARK: Final = "4.0"
_NAME: Final = re.compile(
    r"(?P<name>.+)_(?P<language>[a-z]{2,3})_(?P<library>\d+(\.\d+)*)_(?P<spark>\d+(\.\d+)*)_(?P<time>\d+)"
)


@dataclass(frozen=True)
class Archive:
    """A downloaded archive or its folder.

    Attributes:
        path: where it is.
        name: of the model; it may have underscores.
        language: ISO 639 code.
        library, spark: releases it was saved with.
        time: when, in milliseconds.
    """

    path: Path
    name: str
    language: str
    library: str
    spark: str
    time: int

    @classmethod
    def from_path(cls, path: Path) -> Archive | None:
        """Read a file or folder name from the right, or return None if it is no archive's."""
        found = _NAME.fullmatch(path.name.removesuffix(".zip"))
        if found is None:
            return None
        return cls(path, found["name"], found["language"], found["library"], found["spark"], int(found["time"]))

    @property
    def usable(self) -> bool:
        """Whether this release reads it."""
        return is_compatible(RELEASE, self.library) and is_compatible(_SPARK, self.spark)


def is_compatible(current: str, found: str) -> bool:
    """Whether something saved with the release `found` can be read by `current`; "" is any release.

    Source: `Version.isCompatible` of Spark NLP: `found` has no more parts than `current`, and the first part that
    differs is smaller.
    """
    ours, theirs = ([int(part) for part in version.split(".") if part] for version in (current, found))
    return len(theirs) <= len(ours) and theirs <= ours


def cached(name: str, language: str) -> Path | None:
    """Return the newest archive or folder of a model that Spark NLP has downloaded before, None if there is none.

    Spark NLP's cache is `~/cache_pretrained`, or what `CLINSPAN_CACHE_PRETRAINED` says.
    """
    found = [a for a in _archives() if a.name == name and a.language == language and a.usable]
    return max(found, key=lambda archive: archive.time).path if found else None


def _archives() -> Iterator[Archive]:
    root = Path(os.environ.get("CLINSPAN_CACHE_PRETRAINED") or Path.home() / "cache_pretrained")
    paths = sorted(root.iterdir()) if root.is_dir() else []
    return (archive for path in paths if (archive := Archive.from_path(path)) is not None)
