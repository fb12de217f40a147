"""The annotation column: its Arrow type, its metadata, and the one offset rule.

A column holds, for each row, a list of annotations with the fields of Spark NLP: `annotatorType, begin,
end, result, metadata, embeddings`. In the column `end` is inclusive and counts code points of the
document; in code every range is half-open, `start`/`stop`. This module alone converts between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.codepoints import Bools, Ints
from clinspan.exceptions import InputError

DOCUMENT: Final = "document"
TOKEN: Final = "token"  # noqa: S105 - the field's word for a piece of text
WORD_EMBEDDINGS: Final = "word_embeddings"
NAMED_ENTITY: Final = "named_entity"
CHUNK: Final = "chunk"
POS: Final = "pos"

ANNOTATION: Final = pa.struct(
    [
        pa.field("annotatorType", pa.string()),
        pa.field("begin", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("result", pa.string()),
        pa.field("metadata", pa.map_(pa.string(), pa.string())),
        pa.field("embeddings", pa.list_(pa.field("element", pa.float32(), nullable=False))),
    ]
)
ANNOTATIONS: Final = pa.list_(pa.field("element", ANNOTATION))
ANNOTATOR_TYPE_KEY: Final = "annotatorType"
REFERENCE_KEY: Final = "ref"  # which word vectors a column holds


class Span(NamedTuple):
    """A half-open range of characters: `text[start:stop]`."""

    start: int
    stop: int

    @classmethod
    def from_annotation(cls, begin: int, end: int) -> Span:
        """Read the inclusive `end` of an annotation column."""
        return cls(begin, end + 1)


def annotation_field(name: str, kind: str, reference: str = "") -> pa.Field:
    """Return the field of an annotation column; its metadata names the annotation type.

    Args:
        name: of the column.
        kind: the annotation type.
        reference: which word vectors the column holds, "" for none.
    """
    metadata = {ANNOTATOR_TYPE_KEY: kind} | ({REFERENCE_KEY: reference} if reference else {})
    return pa.field(name, ANNOTATIONS, metadata=metadata)


def annotation_kind(field: pa.Field) -> str | None:
    """Return the annotation type a field declares, or None for any other column."""
    kind = (field.metadata or {}).get(ANNOTATOR_TYPE_KEY.encode())
    return kind.decode() if kind is not None else None


def annotation_reference(field: pa.Field) -> str:
    """Return which word vectors a field says its column holds, "" if it says nothing."""
    return (field.metadata or {}).get(REFERENCE_KEY.encode(), b"").decode()


def annotation_kinds(schema: pa.Schema) -> dict[str, str]:
    """Return the annotation columns of a schema and their types, in order."""
    kinds = {field.name: annotation_kind(field) for field in schema}
    return {name: kind for name, kind in kinds.items() if kind is not None}


@dataclass(frozen=True)
class Annotations:
    """The annotations of a column as one array per field (a struct of arrays).

    Attributes:
        row_starts: first annotation of each row and the end of the last, shape [rows + 1].
        starts: first character of each, counted in its document, shape [annotations].
        stops: one past the last character, shape [annotations].
        results: the texts or tags, shape [annotations].
        metadata: map<string, string>, shape [annotations].
        embeddings: list<float>, shape [annotations].
    """

    row_starts: Ints
    starts: Ints
    stops: Ints
    results: pa.StringArray
    metadata: pa.MapArray
    embeddings: pa.ListArray

    @classmethod
    def from_column(cls, column: pa.ListArray) -> Annotations:
        """View a column; null rows count as empty."""
        if column.null_count:
            column = pc.if_else(column.is_valid(), column, pa.scalar([], column.type))
        values = column.flatten()
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        return cls(
            row_starts=starts_of(lengths),
            starts=values.field("begin").to_numpy().astype(np.int64),
            stops=values.field("end").to_numpy().astype(np.int64) + 1,
            results=values.field("result"),
            metadata=values.field("metadata"),
            embeddings=values.field("embeddings"),
        )

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def rows(self) -> Ints:
        """The row of each annotation, shape [annotations]."""
        return np.repeat(np.arange(len(self.row_starts) - 1), np.diff(self.row_starts))

    @cached_property
    def texts(self) -> Ints:
        """The text that each document or sentence lies in, numbered over the column, shape [annotations].

        A row may be a list of texts; each is counted from 0, so that a further one begins before the last one ended.
        """
        begins = np.ones(len(self), dtype=np.bool_)
        begins[1:] = (self.rows[1:] != self.rows[:-1]) | (self.starts[1:] < self.stops[:-1])
        return np.cumsum(begins) - 1

    def values(self, key: str) -> pa.StringArray:
        """Return one metadata entry of each annotation, null where absent."""
        if self.metadata.null_count:
            return pc.map_lookup(self.metadata, pa.scalar(key), "first")
        offsets = self.metadata.offsets.to_numpy()  # ten times as fast as Arrow's own look-up
        found = np.flatnonzero(pc.equal(self.metadata.keys, key).to_numpy(zero_copy_only=False))
        found = found[(found >= offsets[0]) & (found < offsets[-1])][::-1]
        place = np.full(len(self), -1, dtype=np.int64)
        place[np.searchsorted(offsets, found, "right") - 1] = found  # of a key given twice, the first
        return self.metadata.items.take(pa.array(place, mask=place < 0))

    def taken(self, at: Ints) -> Annotations:
        """Return the annotations with these numbers, which ascend; of all, the very object."""
        if len(at) == len(self):
            return self
        index = pa.array(at)
        row_starts = starts_of(np.bincount(self.rows[at], minlength=len(self.row_starts) - 1))
        columns = (column.take(index) for column in (self.results, self.metadata, self.embeddings))
        return Annotations(row_starts, self.starts[at], self.stops[at], *columns)

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """The embeddings as one array, shape [annotations, dimension].

        Raises:
            InputError: if they are of different lengths.
        """
        flat = self.embeddings.flatten().to_numpy()
        width = len(flat) // max(len(self), 1)
        if not pc.all(pc.equal(self.embeddings.value_lengths(), width)).as_py() and len(self):
            msg = "The embeddings of a column have different lengths."
            raise InputError(msg)
        return flat.reshape(len(self), width)


def annotation_column(
    kind: str,
    row_starts: Ints,
    starts: Ints,
    stops: Ints,
    results: pa.StringArray,
    metadata: Mapping[str, pa.StringArray],
    embeddings: npt.NDArray[np.float32] | None = None,
) -> pa.ListArray:
    """Build an annotation column from one array per field.

    Args:
        kind: the annotation type, such as `token`.
        row_starts: first annotation of each row and the end of the last, shape [rows + 1].
        starts: first character of each annotation, counted in its document.
        stops: one past the last character.
        results: the texts or tags.
        metadata: one array per key; a null leaves the key out for that annotation.
        embeddings: one vector per annotation, shape [annotations, dimension]; None for none.
    """
    count = len(starts)
    values = pa.StructArray.from_arrays(
        [
            pa.repeat(pa.scalar(kind), count),
            pa.array(starts, pa.int32()),
            pa.array(stops - 1, pa.int32()),
            results,
            _metadata_array(metadata, count),
            _embedding_array(embeddings, count),
        ],
        fields=list(ANNOTATION),
    )
    return pa.ListArray.from_arrays(row_starts.astype(np.int32), values).cast(ANNOTATIONS)


def _embedding_array(embeddings: npt.NDArray[np.float32] | None, count: int) -> pa.ListArray:
    width = 0 if embeddings is None else embeddings.shape[1]
    values = pa.array([] if embeddings is None else embeddings.ravel(), pa.float32())
    offsets = np.arange(count + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(offsets, values).cast(ANNOTATION.field("embeddings").type)


def _metadata_array(metadata: Mapping[str, pa.StringArray], count: int) -> pa.MapArray:
    """Interleave the columns of metadata into one map per annotation."""
    if not metadata or not count:
        none = pa.array([], pa.string())
        return pa.MapArray.from_arrays(np.zeros(count + 1, np.int32), none, none)
    width = len(metadata)
    order = np.arange(count * width).reshape(width, count).T.ravel()
    items = pa.concat_arrays(list(metadata.values())).take(pa.array(order))
    keys = pa.array(list(metadata)).take(pa.array(np.tile(np.arange(width), count)))
    present = items.is_valid().to_numpy(zero_copy_only=False)
    if present.all():
        starts = np.arange(0, count * width + 1, width)
    else:
        mask = pa.array(present)
        items, keys = items.filter(mask), keys.filter(mask)
        starts = starts_of(present.reshape(count, width).sum(axis=1))
    return pa.MapArray.from_arrays(starts.astype(np.int32), keys, items)


def starts_of(lengths: npt.ArrayLike) -> Ints:
    """Turn lengths into start positions with the total at the end, shape [len + 1]."""
    lengths = np.asarray(lengths)
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def index_strings(numbers: Ints) -> pa.StringArray:
    """Spell whole numbers as metadata values."""
    return pc.cast(pa.array(numbers, pa.int64()), pa.string())


def score_strings(scores: npt.NDArray[np.float32]) -> pa.StringArray:
    """Spell scores as the shortest decimal that reads back as the same float32; NaN becomes null."""
    spelled = pc.cast(pa.array(scores, pa.float32(), from_pandas=True), pa.string())
    whole = pc.match_substring_regex(spelled, r"^-?\d+$")
    return pc.if_else(whole, pc.binary_join_element_wise(spelled, "0", "."), spelled)


def with_annotations(
    batch: pa.RecordBatch, name: str, kind: str, column: pa.ListArray, reference: str = ""
) -> pa.RecordBatch:
    """Return the batch plus one annotation column, replacing a column of that name; arguments as `annotation_field`."""
    field = annotation_field(name, kind, reference)
    at = batch.schema.get_field_index(name)
    columns, fields = list(batch.columns), list(batch.schema)
    if at >= 0:
        columns[at], fields[at] = column, field
    else:
        columns.append(column)
        fields.append(field)
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, batch.schema.metadata))


def row_mask(column: pa.ListArray, keep: Bools) -> pa.ListArray:
    """Return the column with null for every row that is not kept."""
    return pc.if_else(pa.array(keep), column, pa.scalar(None, column.type))
