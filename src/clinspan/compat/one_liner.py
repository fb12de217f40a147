"""`nlp.load("en.med_ner.anatomy").predict(text)`: models by their NLU references, results as pandas frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from clinspan.compat.annotation import Annotation
from clinspan.compat.light import LightPipeline
from clinspan.display import to_html
from clinspan.document import Document, Entity
from clinspan.exceptions import InputError, MissingExtraError, ModelNotFoundError, TextError
from clinspan.frames import TEXT, text_values
from clinspan.hub.resolve import installed_heads
from clinspan.recognizer import EntityRecognizer
from clinspan.recognizer import load as load_recognizer
from clinspan.rows import describe_rows

_TASKS: Final = ("med_ner", "ner", "classify.token_bert", "clinical")  # what stands before a name in a reference
LEVELS: Final = ("chunk", "document")


class OneLiner:
    """Loaded models that predict in one call.

    Args:
        recognizers: by the names of their columns.
    """

    def __init__(self, recognizers: dict[str, EntityRecognizer]) -> None:
        self._recognizers = recognizers

    def predict(
        self,
        data: Any,
        output_level: str = "chunk",
        positions: bool = False,
        metadata: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> Any:
        """Return a pandas frame.

        Columns are `entities_<name>`, `…_class`, `…_confidence`, `…_origin_sentence`, and with `positions`
        `…_begin` and `…_end` (inclusive). The index is the row of the text.

        Args:
            data: a text, a list of texts, or a frame with the column `text`.
            output_level: `chunk` for one row per entity, `document` for one row per text with lists.
            positions: with offsets.
            metadata: accepted; confidence and sentence are always there.

        Raises:
            InputError: if the level is neither.
            TextError: if a text cannot be annotated.
            MissingExtraError: if pandas is not installed.
        """
        if output_level not in LEVELS:
            msg = f"output_level is {' or '.join(LEVELS)}, not {output_level!r}."
            raise InputError(msg)
        found = {name: _documents(recognizer, _texts(data)) for name, recognizer in self._recognizers.items()}
        rows = [
            row
            for i, documents in enumerate(zip(*found.values(), strict=True))
            for row in _rows(i, dict(zip(found, documents, strict=True)), positions, output_level)
        ]
        return _frame(rows)

    def viz(self, text: str, viz_type: str = "ner", labels_to_viz: Sequence[str] = (), **_: Any) -> str:
        """Return a text with its entities coloured, as HTML.

        Raises:
            InputError: for any other `viz_type` than `ner`.
        """
        if viz_type != "ner":
            msg = f"viz_type {viz_type!r} is not offered; 'ner' is."
            raise InputError(msg)
        found = [e for recognizer in self._recognizers.values() for e in recognizer(text).entities]
        shown = sorted((e for e in found if not labels_to_viz or e.label in labels_to_viz), key=lambda e: e.start)
        return to_html(Document(text, tuple(shown)))


_NOTHING: Final = Entity("", "", 0, 0, 0.0, 0, "")


def load(request: str, *_: Any, **options: Any) -> OneLiner:
    """Return models by their references, separated by spaces.

    Args:
        request: such as `en.med_ner.anatomy`, `es.med_ner.disease`, `med_ner.slim`, or any name that
            `clinspan models` lists.
        options: of NLU: `verbose`, `gpu` and others, accepted and not needed; `path` is a model folder.

    Raises:
        ModelNotFoundError: suggesting the nearest name.
    """
    if options.get("path"):
        recognizer = load_recognizer(str(options["path"]))
        return OneLiner({_column(recognizer): recognizer})
    found = (load_recognizer(_name(reference)) for reference in request.split())
    return OneLiner({_column(recognizer): recognizer for recognizer in found})


def to_pretty_df(pipeline_model: Any, text: Any, positions: bool = True, output_level: str = "chunk", **_: Any) -> Any:
    """Return the chunks that a fitted pipeline finds as a pandas frame: chunk, label, confidence, begin, end.

    Args:
        pipeline_model: from texts to chunks.
        text: a text, a list of texts, or a frame with the column `text`.
        positions: with offsets.
        output_level: only `chunk`.

    Raises:
        InputError: for any other level.
    """
    if output_level != "chunk":
        msg = f"output_level is 'chunk', not {output_level!r}."
        raise InputError(msg)
    texts = _texts(text)
    rows = [
        (i, {"chunk": c.result, "label": c.metadata["entity"], "confidence": _score(c), "begin": c.begin, "end": c.end})
        for i, record in enumerate(LightPipeline(pipeline_model).fullAnnotate(texts))
        for column in record.values()
        for c in column
        if c.annotatorType == "chunk"
    ]
    frame = _frame(rows)
    return frame if positions else frame.drop(columns=["begin", "end"], errors="ignore")


def _name(reference: str) -> str:
    """Return the short name that a reference such as `en.med_ner.anatomy` means; others are names already."""
    known = [name for head in installed_heads() for name in head.head.names]
    if reference in known or "/" in reference:
        return reference
    parts = reference.split(".")
    language = parts.pop(0) if len(parts[0]) == 2 else "en"
    rest = ".".join(parts)
    tail = next((rest.removeprefix(f"{task}.") for task in _TASKS if rest.startswith(f"{task}.")), rest)
    for name in (f"{language}/{tail}", tail):
        if name in known:
            return name
    raise ModelNotFoundError.from_name(reference, known)


def _column(recognizer: EntityRecognizer) -> str:
    return recognizer.models[0].head.name.rpartition("/")[2]


def _cells(name: str, entity: Entity, positions: bool) -> dict[str, Any]:
    column = f"entities_{name}"
    cells = {column: entity.text, f"{column}_class": entity.label, f"{column}_confidence": entity.confidence}
    if positions:
        cells |= {f"{column}_begin": entity.start, f"{column}_end": entity.end - 1}
    return cells | {f"{column}_origin_sentence": entity.sentence}


def _score(chunk: Annotation) -> float:
    return float(chunk.metadata.get("confidence", "nan"))


def _documents(recognizer: EntityRecognizer, texts: Sequence[Any]) -> list[Document]:
    found = list(recognizer.pipe(texts))
    errors = {i: document.error for i, document in enumerate(found) if document.error}
    if errors:
        raise TextError(describe_rows(errors))
    return found


def _rows(i: int, found: dict[str, Document], positions: bool, level: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Yield the rows of one text, each with the number of the text."""
    cells = {name: [_cells(name, e, positions) for e in document.entities] for name, document in found.items()}
    if level == "document":
        keys = {name: _cells(name, _NOTHING, positions) for name in found}
        lists = {key: [row[key] for row in cells[name]] for name, row in keys.items() for key in row}
        yield i, {"document": next(iter(found.values())).text, **lists}
        return
    for rows in cells.values():
        yield from ((i, row) for row in rows)


def _texts(data: Any) -> list[Any]:
    return [data] if isinstance(data, str) else list(text_values(data, TEXT))


def _frame(rows: Sequence[tuple[int, dict[str, Any]]]) -> Any:
    """Return rows as a pandas frame with their numbers as its index."""
    return _pandas().DataFrame([row for _, row in rows], index=[i for i, _ in rows])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError.from_extra("frames", "A pandas frame") from None
    return pandas
