"""The Python face: load models by name, give them text or frames, get entities."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from clinspan.annotators.base import Annotator, check_choice
from clinspan.annotators.bilstm_tagger import BiLstmTagger
from clinspan.annotators.chunk_merge import ALL, PRECEDENCE, ChunkMerge
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.ner_converter import NerConverter
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import Tokenizer
from clinspan.annotators.token_classifier import TokenClassifier
from clinspan.annotators.word_embeddings import WordEmbeddings
from clinspan.document import Document, Entity
from clinspan.engines.base import Finish, Selected
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import ID_COL, InputError, TextError, UnsupportedModelError
from clinspan.frames import arrow_columns, frame_kind, is_spark_frame, listed, numbered, text_values, with_columns
from clinspan.inference.cache import DEFAULT_BYTES
from clinspan.inference.model import BiLstmModel, HeadModel, OpenedModel, open_model, vectors_of
from clinspan.long_table import COLUMNS, IdentifiedRows, LongTable, identified
from clinspan.pipeline import Pipeline
from clinspan.rows import ROW, blanked, warn_of_rows
from clinspan.texts import TEXT, TextSource, no_texts

CHUNK_COLUMN: Final = "ner_chunk"


def load(
    *names: str,
    language: str | None = None,
    keep: str = ALL,
    threads: int | None = None,
    cache_bytes: int = DEFAULT_BYTES,
) -> EntityRecognizer:
    """Load one model or several, ready to annotate; models that share an encoder run in one pass.

    Args:
        names: short names (`en/anatomy`), names of Spark NLP models, folders, or `hf:owner/name`.
        language: ISO 639-1 code, where a name exists in several languages.
        keep: which of the overlapping entities of several models stay: `all`, the `longest` or those of the
            highest `confidence` (see `ChunkMerge`).
        threads: how many to use; by default as many as the CPUs this process may use.
        cache_bytes: bound of the cache of repeated sentences, in bytes; 0 switches it off.

    Raises:
        InputError: if no model is named, or `keep` or `threads` is none of their values.
        ModelNotFoundError: if nothing has that name.
        DamagedModelError: if a file of the model differs from its checksum.
        UnsupportedModelError: if a model finds no entities, or a folder is that of no model.

    >>> import clinspan
    >>> ner = clinspan.load("en/anatomy")
    >>> [(e.text, e.label) for e in ner("Biopsy of the kidney.").entities]
    [('kidney', 'Organ')]
    """
    models = tuple(open_model(name, language=language, cache_bytes=cache_bytes) for name in names)
    return EntityRecognizer(models, LocalEngine(threads), keep)


@dataclass(frozen=True)
class EntityRecognizer:
    """Finds entities with one model or several.

    Attributes:
        models: opened heads.
        engine: who runs them.
        keep: which of overlapping entities stay, as for `ChunkMerge`.

    Raises:
        InputError: if there is no model, or `keep` is none of its values.
        UnsupportedModelError: if a model finds no entities.
    """

    models: tuple[OpenedModel, ...]
    engine: LocalEngine = field(default_factory=LocalEngine)
    keep: str = ALL

    def __post_init__(self) -> None:
        check_choice("keep", self.keep, PRECEDENCE)
        if not self.models:
            msg = "Name at least one model, such as 'en/anatomy'; `clinspan models` lists all."
            raise InputError(msg)
        _ = self.pipeline  # a model that finds no entities is refused here

    def __call__(self, text: str) -> Document:
        """Annotate one text.

        Raises:
            TextError: if it is no text.
        """
        document = next(self.pipe([text]))
        if document.error:
            msg = f"Cannot annotate: {document.error}."
            raise TextError(msg)
        return document

    def pipe(self, texts: Iterable[Any]) -> Iterator[Document]:
        """Annotate a stream of texts, in order, on all threads, a few batches ahead at most.

        A text that cannot be annotated comes out with its `error` set and costs no other. A lone text is a stream
        of one.
        """
        source = TextSource([texts] if isinstance(texts, str | bytes) else texts)
        row = 0
        for batch in self.pipeline.run(source.batches()):
            found = self._entities_by_row(batch)
            for text, entities in zip(batch.column(TEXT).to_pylist(), found, strict=True):
                yield Document(text or "", entities, source.errors.pop(row, None))
                row += 1

    def transform(self, frame: Any, *, text_col: str = TEXT) -> Any:
        """Return the frame, of its own kind, with the entities as annotation columns.

        The column is `ner_chunk`, or `ner_chunk_<model>` for each of several models where all their entities are
        kept. `Pipeline.transform` adds the columns of the stages before as well.

        Args:
            frame: list of texts, pandas, Polars or Spark frame, or Arrow table.
            text_col: the text column.

        Warns:
            RowWarning: naming rows that could not be annotated; their new columns are null.
        """
        if is_spark_frame(frame):
            return self._on_spark(frame, text_col, Selected(tuple(dict.fromkeys((*frame.columns, *self._sources)))))
        frame = listed(frame)
        source = TextSource(text_values(frame, text_col))
        kept = [ROW, *self._sources]
        batches = [batch.select(kept) for batch in self.pipeline.run(source.batches())]
        warn_of_rows(source.errors)
        columns = {name: self._of_no_rows.schema.field(name) for name in self._sources}
        return with_columns(frame, columns, blanked(batches, source.errors, self._sources))

    def entities(self, frame: Any, *, text_col: str = TEXT, id_col: str | None = None) -> Any:
        """Return the long table: one row per entity.

        Columns: `row` (or the id column), `start`, `end` (half-open, code points), `text`, `label`, `confidence`,
        `sentence`, `model`.

        Args:
            frame: list of texts, pandas, Polars or Spark frame, or Arrow table; the result is of the same kind (an
                Arrow table for a list).
            text_col: the text column.
            id_col: column that identifies rows in the result, in place of the row number; a Spark frame needs one.

        Raises:
            MissingColumnError: if there is no such column.
            InputError: if a Spark frame comes without `id_col`: its rows have no number; or if that is the name of
                another column of the result.

        Warns:
            RowWarning: naming rows that could not be annotated.
        """
        if id_col in COLUMNS[1:]:
            msg = f"id_col is {id_col!r}, which is another column of the result; rename it first."
            raise InputError(msg)
        if is_spark_frame(frame):
            if id_col is None:
                msg = "Rows of a Spark frame have no number: name a column that identifies them (id_col)."
                raise InputError(msg)
            needed = frame.select(*dict.fromkeys((id_col, text_col)))
            return self._on_spark(needed, text_col, IdentifiedRows(self._long_table, id_col))
        frame = listed(frame)
        source = TextSource(text_values(frame, text_col))
        ids = arrow_columns(frame, [id_col], ID_COL) if id_col is not None else {}
        tables, first = [self._long_table.rows(self._of_no_rows)], 0
        for batch in self.pipeline.run(source.batches()):
            tables.append(self._long_table.rows(batch, first))
            first += batch.num_rows
        warn_of_rows(source.errors)
        table = pa.concat_tables(tables)
        for name, column in ids.items():
            table = identified(table, name, column)
        return _like(frame, table)

    def _on_spark(self, frame: Any, text_col: str, finish: Finish) -> Any:
        from clinspan.engines import spark

        return spark.finished(self._private.reading(text_col).stages, frame, finish)

    @property
    def _private(self) -> Pipeline:
        """The pipeline with names for the columns before the chunks that no column of a user's has."""
        return self.pipeline.renamed(lambda name: name if name.startswith(CHUNK_COLUMN) else f"_clinspan_{name}")

    @cached_property
    def _of_no_rows(self) -> pa.RecordBatch:
        return next(iter(self.pipeline.run([no_texts()])))

    @cached_property
    def pipeline(self) -> Pipeline:
        """The stages, for saving, for `transform` with all columns, or for building on."""
        stages: list[Annotator] = [DocumentAssembler(), SentenceDetector()]
        for model, ner, chunk in self._columns:
            stages += _tagging_stages(model, ner, chunk)
        if self._merges:
            chunks = tuple(chunk for _, _, chunk in self._columns)
            stages.append(ChunkMerge(input_cols=chunks, output_col=CHUNK_COLUMN, keep=self.keep))
        return Pipeline(stages, self.engine)

    @property
    def labels(self) -> list[str]:
        """Every label the models give."""
        return list(dict.fromkeys(label for model in self.models for label in model.head.labels))

    @property
    def _columns(self) -> list[tuple[OpenedModel, str, str]]:
        """Each model with the names of its tag and chunk columns."""
        if len(self.models) == 1:
            return [(self.models[0], "ner", CHUNK_COLUMN)]
        names = [model.head.name.replace("/", "_") for model in self.models]
        return [(m, f"ner_{t}", f"{CHUNK_COLUMN}_{t}") for m, t in zip(self.models, numbered(names), strict=True)]

    @property
    def _merges(self) -> bool:
        return len(self.models) > 1 and self.keep != ALL

    @property
    def _sources(self) -> tuple[str, ...]:
        """The columns that hold the entities."""
        return (CHUNK_COLUMN,) if self._merges else tuple(chunk for _, _, chunk in self._columns)

    @cached_property
    def _long_table(self) -> LongTable:
        sources = tuple((chunk, model.head.name) for model, _, chunk in self._columns)
        return LongTable(sources, CHUNK_COLUMN if self._merges else "")

    def _entities_by_row(self, batch: pa.RecordBatch) -> list[tuple[Entity, ...]]:
        table = self._long_table.rows(batch)
        columns = [table.column(name).to_pylist() for name in COLUMNS]
        rows = columns.pop(0)
        found: list[list[Entity]] = [[] for _ in range(batch.num_rows)]
        for row, start, end, text, *rest in zip(rows, *columns, strict=True):
            label, confidence, sentence, model = rest
            found[row].append(Entity(text, label, start, end, confidence, sentence, model))
        return [tuple(entities) for entities in found]


def _tagging_stages(model: OpenedModel, ner: str, chunk: str) -> list[Annotator]:
    """Return the stages that lead from sentences to the chunks of a model."""
    if isinstance(model, HeadModel):
        tagger = TokenClassifier(model=model, input_cols=("sentence",), output_col=ner)
        return [tagger, NerConverter(input_cols=("sentence", ner), output_col=chunk)]
    if not isinstance(model, BiLstmModel):
        msg = f"{model.head.name} finds no entities; it is of the kind {model.manifest.architecture!r}."
        raise UnsupportedModelError(msg)
    vectors = vectors_of(model)
    return [
        Tokenizer(input_cols=("sentence",)),
        WordEmbeddings(model=vectors),
        BiLstmTagger(model=model, output_col=ner),
        NerConverter(input_cols=("sentence", "token", ner), output_col=chunk),
    ]


def _like(frame: Any, table: pa.Table) -> Any:
    """Return the long table as the kind of the frame."""
    kind = frame_kind(frame)
    if kind == "polars":
        return sys.modules["polars"].from_arrow(table)
    return table.to_pandas() if kind == "pandas" else table
