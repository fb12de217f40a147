"""Model folders that go when the process does, such as those made of models that Spark NLP saved."""

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
    return open_head(str(saved.write(target=new_folder())))


def new_folder() -> Path:
    """Return the path of a folder to make, which goes when the process does."""
    return Path(tempfile.mkdtemp(dir=_room())) / "model"


@lru_cache(maxsize=1)
def _room() -> str:
    room = tempfile.mkdtemp(prefix="clinspan-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    return room
