"""Tokens with their vectors and labels, as a frame of annotation columns has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import columns_by_type
from clinspan.annotators.bilstm_tagger import EmbeddedTokens
from clinspan.codepoints import Ints
from clinspan.compat.frames import annotation_columns
from clinspan.exceptions import InputError
from clinspan.hub.manifest import WORD_VECTORS
from clinspan.hub.resolve import installed_heads
from clinspan.inference.decoding import Floats
from clinspan.inference.model import VectorModel, open_vectors
from clinspan.schema import (
    DOCUMENT,
    NAMED_ENTITY,
    TOKEN,
    WORD_EMBEDDINGS,
    Annotations,
    annotation_reference,
    starts_of,
)
from clinspan.tagging import OUTSIDE

_WANTED: Final = (DOCUMENT, TOKEN, WORD_EMBEDDINGS, NAMED_ENTITY)
_COMPARED: Final = 1000  # tokens, to tell which vectors a column holds


@dataclass(frozen=True)
class LabelledTokens:
    """Tokens to learn from, or to compare with.

    Attributes:
        words: their texts, shape [tokens].
        vectors: shape [tokens, dimension].
        labels: the tag of each, shape [tokens].
        sentence_starts: first token of each sentence and the end of the last; no sentence is empty.
        reference: which word vectors these are, as far as the column says it.
    """

    words: pa.StringArray
    vectors: Floats
    labels: pa.StringArray
    sentence_starts: Ints
    reference: str = ""

    @classmethod
    def from_frame(cls, frame: Any, columns: Sequence[str], label_column: str, stage: str) -> LabelledTokens:
        """Read a frame of any kind.

        Args:
            frame: what has the columns.
            columns: those of sentences, tokens and word embeddings, in any order.
            label_column: that of labels.
            stage: who wants them, for messages.

        Raises:
            MissingInputError: if a column is missing.
            InputError: if the vectors are not those of the tokens, or there are no tokens.
        """
        given = [*columns, label_column]
        table, names = annotation_columns(frame, lambda kinds: columns_by_type(stage, given, _WANTED, kinds))
        batch = pa.RecordBatch.from_arrays([column.combine_chunks() for column in table.columns], schema=table.schema)
        embedded = EmbeddedTokens.from_batch(batch, names)
        if not len(embedded.tokens):
            msg = f"{stage} finds no tokens in the frame."
            raise InputError(msg)
        labels = labels_of(embedded.tokens, Annotations.from_column(batch.column(names[NAMED_ENTITY])))
        reference = annotation_reference(batch.schema.field(names[WORD_EMBEDDINGS]))
        starts = np.unique(embedded.sentence_starts)
        return cls(embedded.tokens.results, embedded.vectors, labels, starts, reference)

    def __len__(self) -> int:
        """The number of sentences."""
        return len(self.sentence_starts) - 1

    @property
    def tags(self) -> list[str]:
        """`O` and all other labels, sorted."""
        return [OUTSIDE, *sorted(set(pc.unique(self.labels).to_pylist()) - {OUTSIDE})]

    def tag_ids(self, tags: Sequence[str]) -> Ints:
        """Return the label of each token as an index into tags, -1 for one that is not there."""
        return pc.fill_null(pc.index_in(self.labels, pa.array(tags)), -1).to_numpy().astype(np.int64)

    def part(self, sentences: Sequence[int]) -> LabelledTokens:
        """Return some of the sentences."""
        ranges = [np.arange(self.sentence_starts[i], self.sentence_starts[i + 1]) for i in sentences]
        at = np.concatenate(ranges) if ranges else np.zeros(0, np.int64)
        starts = starts_of([len(tokens) for tokens in ranges])
        taken = pa.array(at)
        return LabelledTokens(self.words.take(taken), self.vectors[at], self.labels.take(taken), starts, self.reference)

    def vector_reference(self) -> str:
        """Return the `reference` of the vectors; where the column does not say it, that of installed ones like these.

        Raises:
            InputError: if no installed vectors are these.
        """
        if self.reference:
            return self.reference
        installed = (
            open_vectors(f"{h.folder}#{h.head.name}")
            for h in installed_heads()
            if h.manifest.architecture == WORD_VECTORS
        )
        found = next((model for model in installed if self._is_from(model)), None)
        if found is None:
            msg = (
                "The embeddings do not say which word vectors they are, and no installed ones are these. Put "
                "WordEmbeddingsModel and the approach into one Pipeline, or give an Arrow table or a Spark frame."
            )
            raise InputError(msg)
        return found.reference

    def _is_from(self, model: VectorModel) -> bool:
        vectors, _ = model.vectors.lookup(self.words[:_COMPARED])
        return np.array_equal(vectors, self.vectors[:_COMPARED])


def labels_of(tokens: Annotations, labels: Annotations) -> pa.StringArray:
    """Return, for each token, the first label that lies inside it, `O` where none does."""
    stride = int(max(tokens.stops.max(initial=0), labels.stops.max(initial=0))) + 1
    begins = labels.rows * stride + labels.starts
    order = np.append(np.argsort(begins, kind="stable"), -1)  # after the last there is none
    place = order[np.searchsorted(begins[order[:-1]], tokens.rows * stride + tokens.starts)]
    rows, stops = np.append(labels.rows, -1)[place], np.append(labels.stops, stride)[place]
    inside = (rows == tokens.rows) & (stops <= tokens.stops)
    return pc.fill_null(labels.results.take(pa.array(place, mask=~inside)), OUTSIDE)
