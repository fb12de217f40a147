"""Notes in, documents out, with their ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from clinspan.document import Document
from clinspan.io.notes import Note
from clinspan.recognizer import EntityRecognizer


def annotate_notes(recognizer: EntityRecognizer, notes: Iterable[Note]) -> Iterator[tuple[str, Document]]:
    """Yield each note's id and document, in order, reading only a few batches ahead."""
    ids: deque[str] = deque()

    def texts() -> Iterator[Any]:
        for note in notes:
            ids.append(note.id)
            yield note.text

    for document in recognizer.pipe(texts()):
        yield ids.popleft(), document
