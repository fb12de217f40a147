"""What the Python face returns: documents and entities."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of text with a label.

    Attributes:
        text: the stretch itself, `document.text[start:end]`.
        label: its entity type.
        start: first character, in code points.
        end: one past the last.
        confidence: mean probability of its tags.
        sentence: index of its sentence in the document.
        model: short name of the model that found it.
    """

    text: str
    label: str
    start: int
    end: int
    confidence: float
    sentence: int
    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dictionary."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Document:
    """A text and the entities found in it.

    Attributes:
        text: the text as given; "" if it was none.
        entities: in order of where they start.
        error: why the text could not be annotated, None if it could.
    """

    text: str
    entities: tuple[Entity, ...]
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return text, entities and error as a dictionary."""
        return {"text": self.text, "entities": [e.to_dict() for e in self.entities], "error": self.error}

    def _repr_html_(self) -> str:
        from clinspan.display import to_html

        return to_html(self)
