"""WordEmbeddings: the vector of every token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator
from clinspan.inference.model import VectorModel
from clinspan.schema import DOCUMENT, TOKEN, WORD_EMBEDDINGS, Annotations, annotation_column, with_annotations


@dataclass(frozen=True, kw_only=True)
class WordEmbeddings(Annotator):
    """Look tokens up, whatever their case; one without a vector gets zeros, and `isOOV` is `true` in its metadata.

    Attributes:
        model: opened word vectors, from `clinspan.open_vectors`.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT, TOKEN)
    output_type: ClassVar[str] = WORD_EMBEDDINGS

    model: VectorModel
    input_cols: tuple[str, ...] = ("sentence", "token")
    output_col: str = "embeddings"

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `embeddings` column."""
        tokens = Annotations.from_column(self.column(batch, TOKEN))
        vectors, known = self.model.vectors.lookup(tokens.results)
        count = len(tokens)
        metadata = {
            "sentence": tokens.values("sentence"),
            "token": tokens.results,
            "pieceId": pa.repeat(pa.scalar("-1"), count),
            "isWordStart": pa.repeat(pa.scalar("true"), count),
            "isOOV": pc.if_else(pa.array(known), "false", "true"),
        }
        column = annotation_column(
            WORD_EMBEDDINGS, tokens.row_starts, tokens.starts, tokens.stops, tokens.results, metadata, vectors
        )
        return with_annotations(batch, self.output_col, WORD_EMBEDDINGS, column, self.model.reference)
