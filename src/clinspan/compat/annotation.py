"""Annotation: one row of an annotation column as an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(repr=False)
class Annotation:
    """An annotation with the fields of Spark NLP.

    Attributes:
        annotatorType: `document`, `token`, `named_entity`, `chunk` and so on.
        begin, end: first and last character in the document, counted in code points; `end` is inclusive.
        result: the text, or the tag.
        metadata: further facts, as strings.
        embeddings: the vector; empty for most.
    """

    annotatorType: str  # noqa: N815 - the name in Spark NLP
    begin: int
    end: int
    result: str
    metadata: dict[str, str] = field(default_factory=dict)
    embeddings: list[float] = field(default_factory=list)

    @classmethod
    def fromRow(cls, row: Any) -> Annotation:  # noqa: N802
        """Read a row of an annotation column: a mapping, or anything with the fields as attributes or in order."""
        if isinstance(row, Mapping):
            values: Sequence[Any] = [row[name] for name in cls.__dataclass_fields__]
        else:
            values = tuple(row)
        kind, begin, end, result, metadata, embeddings = values
        return cls(kind, begin, end, result, dict(metadata or {}), [] if embeddings is None else list(embeddings))

    def copy(self, result: str) -> Annotation:
        """Return a copy with another result."""
        return replace(self, result=result, metadata=dict(self.metadata), embeddings=list(self.embeddings))

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        shown = (self.annotatorType, self.begin, self.end, self.result, self.metadata, self.embeddings)
        return f"Annotation({', '.join(map(str, shown))})"
