"""NerVisualizer: one annotated record as HTML, as spark-nlp-display shows it; all text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clinspan.compat.annotation import Annotation
from clinspan.display import to_html
from clinspan.document import Document, Entity
from clinspan.exceptions import MissingExtraError
from clinspan.schema import Span


class NerVisualizer:
    """Shows the chunks of one record."""

    def __init__(self) -> None:
        self._colors: dict[str, str] = {}

    def set_label_colors(self, color_dict: Mapping[str, str]) -> NerVisualizer:
        """Set colours (`#rrggbb`) by label, whatever its case; return the visualizer."""
        self._colors |= {label.lower(): color for label, color in color_dict.items()}
        return self

    def get_label_color(self, label: str) -> str | None:
        """Return the colour set for a label, None if none was."""
        return self._colors.get(label.lower())

    def display(
        self,
        result: Mapping[str, Any],
        label_col: str,
        document_col: str = "document",
        raw_text: Any = None,
        labels: Iterable[str] | None = None,
        return_html: bool = False,
        save_path: str | None = None,
    ) -> str | None:
        """Show the chunks of one record in its text.

        Args:
            result: `fullAnnotate(text)[0]`, or a row of a collected frame.
            label_col: the chunk column.
            document_col: the column with the text.
            raw_text: the text, in place of that column.
            labels: those to show, whatever their case; all by default.
            return_html: return the HTML in place of showing it in the notebook.
            save_path: file to write the HTML to.

        Raises:
            AttributeError: if a column is missing, or holds no chunks.
            ValueError: if `raw_text` is no text.
            MissingExtraError: without IPython, if the HTML is to be shown.
        """
        if raw_text is not None and not isinstance(raw_text, str):
            msg = "raw_text is a text."
            raise ValueError(msg)
        text = raw_text if raw_text is not None else "".join(row.result for row in _column(result, document_col)[:1])
        wanted = None if labels is None else {label.lower() for label in labels}
        entities = [_entity(chunk) for chunk in _column(result, label_col)]
        shown = tuple(e for e in sorted(entities, key=_place) if wanted is None or e.label.lower() in wanted)
        html = to_html(Document(text, shown), colors=self._colors)
        if save_path is not None:
            Path(save_path).write_text(html, encoding="utf-8")
        if return_html:
            return html
        try:
            from IPython.display import HTML, display
        except ImportError:
            msg = "Showing entities needs a notebook: pip install ipython, or take the HTML with return_html=True."
            raise MissingExtraError(msg) from None
        display(HTML(html))
        return None


def _column(result: Mapping[str, Any], name: str) -> list[Annotation]:
    try:
        rows = result[name]
    except (KeyError, ValueError):
        msg = f"The record has no column {name!r}."
        raise AttributeError(msg) from None
    try:
        return [row if isinstance(row, Annotation) else Annotation.fromRow(row) for row in rows]
    except (KeyError, TypeError, ValueError):
        msg = f"The column {name!r} holds no annotations."
        raise AttributeError(msg) from None


def _entity(chunk: Annotation) -> Entity:
    if "entity" not in chunk.metadata:
        msg = "label_col holds no chunks: an annotation has no 'entity' in its metadata."
        raise AttributeError(msg)
    span = Span.from_annotation(chunk.begin, chunk.end)
    confidence = float(chunk.metadata.get("confidence", "nan"))
    sentence = int(chunk.metadata.get("sentence", "0"))
    return Entity(chunk.result, chunk.metadata["entity"], *span, confidence, sentence, "")


def _place(entity: Entity) -> tuple[int, int]:
    return entity.start, -entity.end
