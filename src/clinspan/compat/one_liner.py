"""`nlp.load("en.med_ner.anatomy").predict(text)`: models by their NLU references, results as pandas frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from clinspan.compat.annotation import Annotation
from clinspan.compat.light import LightPipeline
from clinspan.display import to_html
from clinspan.document import Document
from clinspan.exceptions import InputError, MissingExtraError, ModelNotFoundError, TextError
from clinspan.frames import numbered, text_values
from clinspan.hub.resolve import installed_heads
from clinspan.recognizer import EntityRecognizer
from clinspan.recognizer import load as load_recognizer
from clinspan.rows import describe_rows
from clinspan.texts import TEXT, checked_text

_TASKS: Final = ("med_ner", "ner", "classify.token_bert", "clinical")  # what stands before a name in a reference
LEVELS: Final = ("chunk", "document")
Row = tuple[int, dict[str, Any]]  # with the number of its text
Table = tuple[list[str], list[list[Any]]]  # the columns of a model, and their values for each chunk of a text


class OneLiner:
    """Loaded models that predict in one call; those that share an encoder run in one pass.

    Args:
        recognizer: with one model or several; the columns of each have the last part of its name.
    """

    def __init__(self, recognizer: EntityRecognizer) -> None:
        self._recognizer = recognizer
        self._names = numbered(model.head.name.rpartition("/")[2] for model in recognizer.models)

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
        `…_begin` and `…_end` (inclusive). Of models of one name the second has `<name>_2`. The index is the row of
        the text.

        Args:
            data: a text, texts, or a frame with the column `text`.
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
        table = self._recognizer.transform(_checked_texts(data))
        keys = [_keys(name, positions) for name in self._names]
        rows = []
        for i, (text, *found) in enumerate(zip(*(column.to_pylist() for column in table.columns), strict=True)):
            values = [[_values(Annotation.fromRow(chunk), positions) for chunk in chunks] for chunks in found]
            tables = list(zip(keys, values, strict=True))
            rows += _document_row(i, text, tables) if output_level == "document" else _chunk_rows(i, tables)
        columns = ["document"] * (output_level == "document") + [key for names in keys for key in names]
        return _frame(rows, columns)

    def viz(
        self,
        text: str,
        viz_type: str = "ner",
        labels_to_viz: Sequence[str] = (),
        viz_colors: Mapping[str, str] = MappingProxyType({}),
        **_: Any,
    ) -> str:
        """Return a text with its entities coloured, as HTML.

        Args:
            text: the text.
            viz_type: only `ner`.
            labels_to_viz: those to show, whatever their case; all by default.
            viz_colors: colours (`#rrggbb`) by label, whatever its case.

        Raises:
            InputError: for any other `viz_type` than `ner`.
        """
        if viz_type != "ner":
            msg = f"viz_type {viz_type!r} is not offered; 'ner' is."
            raise InputError(msg)
        wanted = {label.lower() for label in labels_to_viz}
        found = (e for e in self._recognizer(text).entities if not wanted or e.label.lower() in wanted)
        return to_html(Document(text, tuple(found)), colors={name.lower(): c for name, c in viz_colors.items()})


def load(request: str = "", *_: Any, **options: Any) -> OneLiner:
    """Return models by their references, separated by spaces.

    Args:
        request: such as `en.med_ner.anatomy`, `es.med_ner.disease`, `med_ner.slim`, or any name that
            `clinspan models` lists.
        options: of NLU: `verbose`, `gpu` and others, accepted and not needed; `path` is a model folder.

    Raises:
        ModelNotFoundError: suggesting the nearest name.
        InputError: if there is neither a reference nor a `path`.
    """
    path = options.get("path")
    return OneLiner(load_recognizer(*([str(path)] if path else map(_name, request.split()))))


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
    frame = _frame(rows, ["chunk", "label", "confidence", "begin", "end"])
    return frame if positions else frame.drop(columns=["begin", "end"])


def _name(reference: str) -> str:
    """Return the short name that a reference such as `en.med_ner.anatomy` means; others are names already."""
    known = [name for head in installed_heads() if head.head.labels for name in head.head.names]
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


def _keys(name: str, positions: bool) -> list[str]:
    place = ("_begin", "_end") if positions else ()
    return [f"entities_{name}{tail}" for tail in ("", "_class", "_confidence", *place, "_origin_sentence")]


def _values(chunk: Annotation, positions: bool) -> list[Any]:
    place = (chunk.begin, chunk.end) if positions else ()
    return [chunk.result, chunk.metadata["entity"], _score(chunk), *place, int(chunk.metadata.get("sentence", "0"))]


def _score(chunk: Annotation) -> float:
    return float(chunk.metadata.get("confidence", "nan"))


def _chunk_rows(i: int, tables: Sequence[Table]) -> list[Row]:
    return [(i, dict(zip(keys, values, strict=True))) for keys, rows in tables for values in rows]


def _document_row(i: int, text: str | None, tables: Sequence[Table]) -> list[Row]:
    lists = {key: [values[j] for values in rows] for keys, rows in tables for j, key in enumerate(keys)}
    return [(i, {"document": text or "", **lists})]


def _checked_texts(data: Any) -> list[Any]:
    texts = _texts(data)
    errors = {i: error for i, (_, error) in enumerate(map(checked_text, texts)) if error}
    if errors:
        raise TextError(describe_rows(errors))
    return texts


def _texts(data: Any) -> list[Any]:
    return [data] if isinstance(data, str) else list(text_values(data, TEXT))


def _frame(rows: Sequence[Row], columns: Sequence[str]) -> Any:
    """Return rows as a pandas frame with their numbers as its index, and with its columns even if there are none."""
    return _pandas().DataFrame([row for _, row in rows], index=[i for i, _ in rows], columns=[*dict.fromkeys(columns)])


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError.from_extra("frames", "A pandas frame") from None
    return pandas
