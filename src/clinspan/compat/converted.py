"""Models that Spark NLP saved, made into model folders that go when the process does."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from clinspan.hub.importers.spark_nlp import SavedClassifier
from clinspan.inference.model import HeadModel, open_head


def open_saved(saved: SavedClassifier) -> HeadModel:
    """Open a classifier; to keep it, save the stage that has it, or use `clinspan import`."""
    folder = Path(tempfile.mkdtemp(dir=_room()))
    return open_head(str(saved.write(target=folder / "model")))


@lru_cache(maxsize=1)
def _room() -> str:
    room = tempfile.mkdtemp(prefix="clinspan-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return room
