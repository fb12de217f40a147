"""The metadata that pyspark.ml writes beside a stage: one JSON line in `metadata/part-00000`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from clinspan.exceptions import InputError, UnsupportedModelError

_PART: Final = "part-00000"
_SPARK: Final = "4.0.0"  # the format is the same since 2.0


def local_path(path: str) -> Path:
    """Return a path as Spark writes it, with or without `file:`, as a path.

    Raises:
        InputError: if it has another scheme, such as `hdfs:`.
    """
    parts = urlsplit(path)
    if parts.scheme not in {"", "file"} and len(parts.scheme) > 1:  # a single letter is a drive
        msg = f"{path} is not on a file system of this machine; save to a folder, or to one that all machines share."
        raise InputError(msg)
    return Path(unquote(parts.path) if parts.scheme == "file" else path)


def write_metadata(folder: Path, cls: str, uid: str, params: Mapping[str, Any] | None = None) -> None:
    """Write what `read_metadata` and pyspark.ml read.

    Args:
        folder: of the stage.
        cls: module and name of its class.
        uid: identifier of the stage.
        params: parameters as JSON values.
    """
    content = {
        "class": cls,
        "timestamp": time.time_ns() // 1_000_000,
        "sparkVersion": _SPARK,
        "uid": uid,
        "paramMap": dict(params or {}),
        "defaultParamMap": {},
    }
    place = folder / "metadata"
    place.mkdir(parents=True, exist_ok=True)
    (place / _PART).write_text(json.dumps(content, default=list) + "\n", encoding="utf-8")  # bytes as numbers
    (place / "_SUCCESS").touch()


def read_metadata(folder: Path) -> dict[str, Any]:
    """Return the metadata of a saved stage.

    Raises:
        UnsupportedModelError: if there is none, or it is damaged.
    """
    for part in sorted((folder / "metadata").glob("part-*")):
        try:
            content = json.loads(part.read_text(encoding="utf-8").partition("\n")[0] or "null")
        except ValueError:
            content = None
        if isinstance(content, dict) and {"class", "uid"} <= set(content) and isinstance(content.get("paramMap"), dict):
            return content
    msg = f"{folder} is no saved stage (no readable metadata/{_PART})."
    raise UnsupportedModelError(msg)


def stage_folder(folder: Path, uid: str, i: int, count: int) -> Path:
    """Return where the i-th of `count` stages of a pipeline lies."""
    return folder / "stages" / f"{i:0{len(str(count))}d}_{uid}"
