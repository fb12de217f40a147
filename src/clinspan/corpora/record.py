"""One labelled text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


@dataclass(frozen=True)
class Record:
    """A text and its gold spans.

    Attributes:
        id: name of the document in its corpus.
        text: the document.
        spans: gold spans, sorted; they may overlap.
        source: name of the corpus, if stated.
    """

    id: str
    text: str
    spans: tuple[LabelledSpan, ...]
    source: str = ""

    def __post_init__(self) -> None:
        for span in self.spans:
            if not 0 <= span.start < span.stop <= len(self.text):
                msg = f"Record {self.id!r}: the span {span.start}-{span.stop} lies outside its text."
                raise InputError(msg)

    def mapped(self, labels: Mapping[str, str]) -> Record:
        """Return the record with labels renamed; a label mapped to "" is dropped."""
        spans = (span._replace(label=labels.get(span.label, span.label)) for span in self.spans)
        return replace(self, spans=tuple(span for span in spans if span.label))

    def limited(self, labels: frozenset[str]) -> Record:
        """Return the record with only the spans of these labels."""
        return replace(self, spans=tuple(span for span in self.spans if span.label in labels))
