"""Records that a model has annotated, to teach another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import track

from clinspan.corpora import Record
from clinspan.hub.manifest import MANIFEST
from clinspan.recognizer import load
from clinspan.tagging import LabelledSpan
from clinspan.training.data import DataFolders
from clinspan.training.recipe import CorpusRecipe


def trained_folder(name: str, runs: Path) -> Path | None:
    """Return the model folder of the recipe of that name; None if it was not followed to its end."""
    folder = runs / name / "model"
    return folder if (folder / MANIFEST).is_file() else None


def train_records(corpus: CorpusRecipe, data: DataFolders, runs: Path) -> list[Record]:
    """Return what a corpus teaches with: its records, or its texts as its teacher annotates them."""
    if not corpus.teacher:
        return data.records(corpus.train, corpus.reading)
    teacher = trained_folder(corpus.teacher, runs)
    return annotated_records(str(teacher or corpus.teacher), list(data.texts([corpus.train])))


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
