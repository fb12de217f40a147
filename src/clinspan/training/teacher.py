"""Records that a model has annotated, to teach another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.progress import track

from clinspan.corpora import Record
from clinspan.hub.manifest import MANIFEST
from clinspan.recognizer import load
from clinspan.tagging import LabelledSpan
from clinspan.training.data import DataFolders
from clinspan.training.recipe import CorpusRecipe

_HEAD: Final = "#"


def recipe_name(teacher: str) -> str:
    """Return the name of the recipe that makes a teacher: what stands before the `#` of its head."""
    return teacher.partition(_HEAD)[0]


def trained(teacher: str, runs: Path) -> str | None:
    """Return where the model of a recipe lies, with `#head` if a teacher says so; None if it was not followed yet."""
    name, mark, head = teacher.partition(_HEAD)
    folder = runs / name / "model"
    return f"{folder.resolve()}{mark}{head}" if (folder / MANIFEST).is_file() else None


def where_taught(teacher: str, runs: Path) -> str:
    """Return what opens a teacher: where the model of its recipe lies, or its name."""
    return trained(teacher, runs) or teacher


def train_records(corpus: CorpusRecipe, data: DataFolders, runs: Path) -> list[Record]:
    """Return what a corpus teaches with: its records, or its texts as its teacher annotates them."""
    if not corpus.teacher:
        return data.records(corpus.train, corpus.reading)
    return annotated_records(where_taught(corpus.teacher, runs), list(data.texts([corpus.train])))


def annotated_records(teacher: str, texts: Sequence[str]) -> list[Record]:
    """Return texts as a model annotates them.

    Args:
        teacher: its name or folder.
        texts: plain texts.
    """
    documents = track(
        load(teacher, cache_bytes=0).pipe(texts), f"annotating with {teacher}", len(texts), transient=True
    )
    return [
        Record(str(i), document.text, tuple(LabelledSpan(e.start, e.end, e.label) for e in document.entities))
        for i, document in enumerate(documents)
    ]
