"""NerConverter: from tags to entity chunks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.tagged import Tagged
from clinspan.codepoints import Bools, CodePoints, Ints
from clinspan.corpora.files import read_lines
from clinspan.exceptions import InputError, MissingInputError
from clinspan.schema import (
    CHUNK,
    DOCUMENT,
    NAMED_ENTITY,
    TOKEN,
    Annotations,
    annotation_column,
    annotation_kinds,
    index_strings,
    score_strings,
    starts_of,
    with_annotations,
)
from clinspan.tagging import FILLERS, TagTable, spark_spans

_PIECES: Final = re.compile(r"\w+|[^\w\s]|\n")


@dataclass(frozen=True)
class Chunks:
    """Entity chunks of a batch, in order; arrays of shape [chunks].

    Attributes:
        sentence: the sentence of each.
        starts: first character, counted in the document.
        stops: one past the last.
        entities: entity names.
        confidence: mean score, NaN where it cannot be computed.
        results: the texts.
        sizes: how many tagged tokens or units make up each.
    """

    sentence: Ints
    starts: Ints
    stops: Ints
    entities: npt.NDArray[np.object_]
    confidence: npt.NDArray[np.float32]
    results: npt.NDArray[np.object_]
    sizes: Ints

    def kept(self, mask: Bools | Ints) -> Chunks:
        """Return the chunks that a mask or an index picks."""
        return Chunks(**{name: array[mask] for name, array in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class NerConverter(Annotator):
    """Merge tags into chunks; a chunk is always a slice of its sentence.

    A chunk ends where its label ends: at O, at B-, at another label, at the end of the sentence. `PAD`
    and its like count as O; IOB1, IOB2 and BIOES are understood. Edges are those of the tagging
    units, finer than tokens.

    Attributes:
        white_list: entity names to keep; empty keeps all.
        preserve_position: False makes the result the chunk's tokens joined by one space.
        ner_has_no_schema: tags are bare entity names without prefixes.
        strict: merge exactly as Spark NLP does, at token edges (see `clinspan.tagging.spark_spans`).
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT, NAMED_ENTITY)
    optional_types: ClassVar[tuple[str, ...]] = (TOKEN,)
    output_type: ClassVar[str] = CHUNK

    input_cols: tuple[str, ...] = ("sentence", "token", "ner")
    output_col: str = "ner_chunk"
    white_list: tuple[str, ...] = ()
    preserve_position: bool = True
    ner_has_no_schema: bool = False
    strict: bool = False

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `ner_chunk` column."""
        sentences, tagged = self._read(batch)
        chunks = self.selected(self._merged(sentences, tagged), sentences)
        rows = sentences.rows[chunks.sentence]
        row_starts = starts_of(np.bincount(rows, minlength=batch.num_rows))
        metadata = {
            "entity": pa.array(chunks.entities, pa.string()),
            "sentence": self._sentence_numbers(sentences, tagged).take(pa.array(chunks.sentence)),
            "chunk": index_strings(np.arange(len(rows)) - row_starts[rows]),
            "confidence": score_strings(chunks.confidence),
        }
        results = pa.array(chunks.results, pa.string())
        column = annotation_column(CHUNK, row_starts, chunks.starts, chunks.stops, results, metadata)
        return with_annotations(batch, self.output_col, CHUNK, column)

    def selected(self, chunks: Chunks, _sentences: Annotations) -> Chunks:
        """Keep the chunks that were asked for."""
        return chunks.kept(np.isin(chunks.entities, self.white_list)) if self.white_list else chunks

    @property
    def greedy(self) -> bool:
        """Whether B- goes on with a chunk of the same label before it."""
        return False

    def _read(self, batch: pa.RecordBatch) -> tuple[Annotations, Tagged]:
        token_column = self.column(batch, TOKEN)
        if self.strict and token_column is None:
            available = annotation_kinds(batch.schema)
            raise MissingInputError.from_stage(f"{self.name} (strict)", ["a column of type 'token'"], available)
        sentences = Annotations.from_column(self.column(batch, DOCUMENT))
        tokens = None if token_column is None else Annotations.from_column(token_column)
        ner = Annotations.from_column(self.column(batch, NAMED_ENTITY))
        return sentences, Tagged.from_columns(sentences, tokens, ner, units=not self.strict)

    def _merged(self, sentences: Annotations, tagged: Tagged) -> Chunks:
        first, stop, names = self._spans(tagged)
        starts, stops = tagged.starts[first], tagged.stops[stop - 1]
        sentence = tagged.sentence[first]
        text = CodePoints.from_arrow(sentences.results)
        shift = (text.row_starts[:-1] - sentences.starts)[sentence]
        results = text.slices(starts + shift, stops + shift).to_numpy(zero_copy_only=False)
        if not self.preserve_position:
            results = tagged.joined_words(first, first + 1 if self.strict else stop)
        return Chunks(sentence, starts, stops, names, tagged.mean_scores(first, stop), results, stop - first)

    def _spans(self, tagged: Tagged) -> tuple[Ints, Ints, npt.NDArray[np.object_]]:
        """Return first item, one past the last, and entity name of each chunk."""
        if self.strict:
            first, stop = spark_spans(tagged.tag_ids, tagged.sentence, tagged.tags)
            cut = 0 if self.ner_has_no_schema else 2
            names = np.array([tag[cut:] for tag in tagged.tags], dtype=object)[tagged.tag_ids[first]]
            return _contiguous(first, stop, names, tagged.sentence) if self.greedy else (first, stop, names)
        tags = tagged.tags
        if self.ner_has_no_schema:
            tags = [tag if tag in FILLERS else f"I-{tag}" for tag in tags]
        table = TagTable.from_tags(tags)
        first, stop, label = table.spans(tagged.tag_ids, tagged.sentence, greedy=self.greedy)
        return first, stop, np.array(table.labels, dtype=object)[label]

    def _sentence_numbers(self, sentences: Annotations, tagged: Tagged) -> pa.StringArray:
        if not self.strict:
            return sentences.values("sentence")
        filled = np.zeros(len(sentences), dtype=np.int64)
        filled[tagged.sentence] = 1
        before = np.cumsum(filled) - filled
        return index_strings(before - np.append(before, 0)[sentences.row_starts[sentences.rows]])


@dataclass(frozen=True, kw_only=True)
class NerConverterInternal(NerConverter):
    """NerConverter with the filters and renamings of Healthcare NLP.

    Filters and renamings come in this order: stop words, white and black list (on the names before
    renaming), renaming, threshold.

    Attributes:
        black_list: entity names to drop.
        threshold: chunks of lower confidence are dropped; 0 keeps all.
        greedy_mode: B- of the same entity right after a chunk goes on with it.
        replace_labels: entity names to rename.
        ignore_stop_words: neighbouring chunks of one entity with only these words and marks between
            become one; its result leaves them out.
        case_sensitive: whether names in lists and renamings mind case.
        lazy_annotator: left out by pipelines for later use by others.
    """

    black_list: tuple[str, ...] = ()
    threshold: float = 0.0
    greedy_mode: bool = False
    replace_labels: Mapping[str, str] = field(default_factory=dict)
    ignore_stop_words: tuple[str, ...] = ()
    case_sensitive: bool = True
    lazy_annotator: bool = False

    @property
    def greedy(self) -> bool:
        """Whether B- goes on with a chunk of the same label before it."""
        return self.greedy_mode

    def selected(self, chunks: Chunks, sentences: Annotations) -> Chunks:
        """Join over stop words, filter by name, rename, filter by confidence."""
        if self.ignore_stop_words:
            chunks = self._joined(chunks, sentences)
        names = self._cased(chunks.entities)
        keep = np.isin(names, self._cased(self.white_list)) if self.white_list else np.ones(len(names), np.bool_)
        keep &= ~np.isin(names, self._cased(self.black_list))
        keep &= ~(chunks.confidence < self.threshold)
        renamed = {self._case(old): new for old, new in self.replace_labels.items()}
        entities = [renamed.get(self._case(name), name) for name in chunks.entities]
        return replace(chunks, entities=np.array(entities, dtype=object)).kept(keep)

    def _case(self, name: str) -> str:
        return name if self.case_sensitive else name.casefold()

    def _cased(self, names: npt.ArrayLike) -> npt.NDArray[np.object_]:
        return np.array([self._case(name) for name in np.asarray(names, dtype=object)], dtype=object)

    def _joined(self, chunks: Chunks, sentences: Annotations) -> Chunks:
        """Join neighbours over stop words: begin of the first, end of the last, texts by one space."""
        if not len(chunks.starts):
            return chunks
        text, ignored = CodePoints.from_arrow(sentences.results), set(self.ignore_stop_words)
        shift = (text.row_starts[:-1] - sentences.starts)[chunks.sentence]
        alike = _equal_to_previous(chunks.sentence) & _equal_to_previous(chunks.entities)
        at = np.flatnonzero(alike)
        between = text.slices((chunks.stops + shift)[at - 1], (chunks.starts + shift)[at]).to_pylist()
        alike[at] = [ignored.issuperset(_PIECES.findall(piece)) for piece in between]
        first = np.flatnonzero(~alike)
        stop = np.append(first[1:], len(alike))
        sizes = np.add.reduceat(chunks.sizes, first)
        scores = np.add.reduceat(chunks.confidence.astype(np.float64) * chunks.sizes, first) / sizes
        results = [" ".join(chunks.results[a:b]) for a, b in zip(first, stop, strict=True)]
        return replace(
            chunks.kept(first),
            stops=chunks.stops[stop - 1],
            confidence=scores.astype(np.float32),
            results=np.array(results, dtype=object),
            sizes=sizes,
        )


def _equal_to_previous(values: npt.NDArray[Any]) -> Bools:
    equal = np.zeros(len(values), dtype=np.bool_)
    equal[1:] = values[1:] == values[:-1]
    return equal


def _contiguous(
    first: Ints, stop: Ints, names: npt.NDArray[np.object_], sentence: Ints
) -> tuple[Ints, Ints, npt.NDArray[np.object_]]:
    """Join spans of one name that follow each other without a token between."""
    goes_on = _equal_to_previous(names) & _equal_to_previous(sentence[first])
    goes_on[1:] &= first[1:] == stop[:-1]
    return first[~goes_on], stop[np.append(~goes_on[1:], True)[: len(stop)]], names[~goes_on]


def read_replacements(path: Path, delimiter: str = ",") -> dict[str, str]:
    """Read a two-column file `old,new` of entity names to rename.

    Raises:
        InputError: naming the line that lacks the delimiter, or if the file is not UTF-8.
    """
    lines = ((number, line) for number, line in enumerate(read_lines(path), start=1) if line.strip())
    return dict(_replacement(line, delimiter, f"{path.name}, line {number}") for number, line in lines)


def _replacement(line: str, delimiter: str, where: str) -> tuple[str, str]:
    old, found, new = line.partition(delimiter)
    if not found:
        msg = f"{where}: two names with {delimiter!r} between them are expected; name the delimiter of the file."
        raise InputError(msg)
    return old.strip(), new.strip()
