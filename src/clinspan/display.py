"""Entities where people look: coloured text on a terminal, boxes in HTML, rows in a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from types import MappingProxyType
from typing import Final

from rich.table import Table
from rich.text import Text

from clinspan.document import Document, Entity

# dark enough for white text, light enough for a dark terminal
PALETTE: Final = (
    "#2f7fb8", "#c2553d", "#3f8f4f", "#8f5bb0", "#b07a1e", "#c04a7c", "#2c8c8c", "#6f7f1f",
    "#a0522d", "#5566c4", "#9a3f5c", "#4f7f6f",
)  # fmt: skip

_C0: Final = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}
_PICTURES: Final = {**_C0, 0x7F: 0x2421, **dict.fromkeys(range(0x80, 0xA0), 0xFFFD)}


def printable(text: str) -> str:
    """Return the text with control characters as pictures: a note must not be able to steer a terminal."""
    return text.translate(_PICTURES)


def label_color(label: str) -> str:
    """Return the colour of a label: always the same one, on every machine."""
    digest = hashlib.blake2b(label.lower().encode(), digest_size=4).digest()
    return PALETTE[int.from_bytes(digest, "big") % len(PALETTE)]


def to_text(document: Document) -> Text:
    """Return the text with its entities coloured and labelled, for a terminal."""
    found = Text()
    for piece, entity in segments(document):
        if entity is None:
            found.append(printable(piece))
        else:
            found.append(printable(piece), style=f"bold {label_color(entity.label)}")
            found.append(f" {entity.label}", style=f"dim {label_color(entity.label)}")
    return found


def to_html(document: Document, *, colors: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the text as HTML with a box around each entity; all text is escaped.

    Args:
        document: what to show.
        colors: colours by label in lower case, for labels that shall not have their own.
    """
    parts = [
        _box(piece, entity.label, colors) if entity else escape(piece).replace("\n", "<br>")
        for piece, entity in segments(document)
    ]
    return f'<div style="line-height:2.2;font-family:sans-serif">{"".join(parts)}</div>'


def _box(piece: str, label: str, colors: Mapping[str, str]) -> str:
    color = escape(colors.get(label.lower()) or label_color(label))
    return (
        f'<mark style="background:{color}22;border:1px solid {color};border-radius:.3em;padding:.15em .3em">'
        f'{escape(piece)} <b style="color:{color};font-size:.7em">{escape(label)}</b></mark>'
    )


def segments(document: Document) -> Iterator[tuple[str, Entity | None]]:
    """Yield the text in pieces, each with its entity; of overlapping entities the first is shown."""
    at = 0
    for entity in document.entities:
        if entity.start < at:
            continue
        if entity.start > at:
            yield document.text[at : entity.start], None
        yield entity.text, entity
        at = entity.end
    if at < len(document.text):
        yield document.text[at:], None


def entity_rows(documents: Iterable[tuple[str, Document]], *, many: bool) -> Table:
    """Return a table with one row an entity; `many` adds the note's id."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in (*(["note"] if many else []), "entity", "label", "start", "end", "confidence"):
        table.add_column(name, justify="right" if name in ("start", "end", "confidence") else "left", overflow="fold")
    for name, document in documents:
        for e in document.entities:
            shown = Text(printable(" ".join(e.text.split())))
            label = Text(printable(e.label), style=label_color(e.label))
            cells = (shown, label, str(e.start), str(e.end), f"{e.confidence:.2f}")
            table.add_row(*([Text(printable(name))] if many else []), *cells)
    return table
