"""BiLstmTagger: the tag of every token from its vector and its characters, as NerDLModel gives it."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.exceptions import InputError
from clinspan.inference.decoding import Floats, softmax
from clinspan.inference.model import BiLstmModel
from clinspan.schema import (
    DOCUMENT,
    NAMED_ENTITY,
    TOKEN,
    WORD_EMBEDDINGS,
    Annotations,
    annotation_column,
    owners,
    score_strings,
    with_annotations,
)

_DECIMALS = 10_000  # scores have four


@dataclass(frozen=True, kw_only=True)
class BiLstmTagger(Annotator):
    """Tag tokens with a BiLSTM tagger; whole tokens, one annotation each.

    Attributes:
        model: an opened tagger, from `clinspan.open_bilstm`.
        include_confidence: write the score of the tag, to four decimals, as `confidence`: the softmax of the token's
            own tag scores, without those of its neighbours, as in NerDLModel.
        include_all_confidence_scores: write the score of every tag under the tag's name.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT, TOKEN, WORD_EMBEDDINGS)
    output_type: ClassVar[str] = NAMED_ENTITY

    model: BiLstmModel
    input_cols: tuple[str, ...] = ("sentence", "token", "embeddings")
    output_col: str = "ner"
    include_confidence: bool = True
    include_all_confidence_scores: bool = False
    pool: Executor | None = field(default=None, compare=False, repr=False)

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `ner` column.

        Raises:
            InputError: if the embeddings are not those of the tokens, or of another dimension than the model's.
        """
        sentences, tokens = (Annotations.from_column(self.column(batch, kind)) for kind in (DOCUMENT, TOKEN))
        vectors = self._vectors(tokens, Annotations.from_column(self.column(batch, WORD_EMBEDDINGS)))
        sentence_starts = np.searchsorted(owners(sentences, tokens), np.arange(len(sentences) + 1))
        network = self.model.network
        logits = network.logits(vectors, tokens.results, sentence_starts, self.pool)
        tag_ids = network.best_tags(logits, sentence_starts)
        names = pa.array(self.model.head.tags, pa.string())
        metadata = {"word": tokens.results, "sentence": tokens.values("sentence"), **self._scores(logits, tag_ids)}
        column = annotation_column(
            NAMED_ENTITY, tokens.row_starts, tokens.starts, tokens.stops, names.take(pa.array(tag_ids)), metadata
        )
        return with_annotations(batch, self.output_col, NAMED_ENTITY, column)

    @property
    def classes(self) -> list[str]:
        """The tags of the model."""
        return list(self.model.head.tags)

    def _vectors(self, tokens: Annotations, embeddings: Annotations) -> Floats:
        same = len(tokens) == len(embeddings) and np.array_equal(tokens.row_starts, embeddings.row_starts)
        if not same or not np.array_equal(tokens.starts, embeddings.starts):
            msg = f"{self.name}: the embeddings are not those of the tokens; check input_cols."
            raise InputError(msg)
        vectors, wanted = embeddings.vectors, self.model.network.dimension
        if len(tokens) and vectors.shape[1] != wanted:
            msg = f"{self.name} reads vectors of {wanted} numbers, as {self.model.manifest.vectors!r} gives them."
            raise InputError(msg)
        return vectors if len(tokens) else np.zeros((0, wanted), dtype=np.float32)

    def _scores(self, logits: Floats, tag_ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, pa.StringArray]:
        scores = np.floor(softmax(logits) * _DECIMALS + 0.5) / _DECIMALS if len(logits) else logits
        found = {}
        if self.include_confidence:
            found["confidence"] = score_strings(scores[np.arange(len(tag_ids)), tag_ids].astype(np.float32))
        if self.include_all_confidence_scores:
            found |= {t: score_strings(scores[:, i].astype(np.float32)) for i, t in enumerate(self.model.head.tags)}
        return found
