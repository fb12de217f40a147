"""One labelled text."""

from __future__ import annotations

from dataclasses import dataclass

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

    Raises:
        InputError: if a span lies outside the text.
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
