"""BiLstmTagger: the tag of every token from its vector and its characters, as NerDLModel gives it."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from clinspan.annotators.base import Annotator, check_choice
from clinspan.annotators.nesting import lying_in
from clinspan.codepoints import Ints
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
    annotation_kinds,
    annotation_reference,
    score_strings,
    with_annotations,
)
from clinspan.tagging import parse_tag

_DECIMALS = 10_000  # scores have four


@dataclass(frozen=True)
class EmbeddedTokens:
    """Tokens with their vectors.

    Attributes:
        tokens: the tokens.
        vectors: shape [tokens, dimension].
        sentence_starts: first token of each sentence and the end of the last, shape [sentences + 1].
    """

    tokens: Annotations
    vectors: Floats
    sentence_starts: Ints

    @classmethod
    def from_batch(cls, batch: pa.RecordBatch, columns: Mapping[str, str]) -> EmbeddedTokens:
        """Read a batch.

        Args:
            batch: what has the columns.
            columns: the column of each annotation type.

        Raises:
            InputError: if the vectors are not those of the tokens.
        """
        sentences, tokens, embeddings = (
            Annotations.from_column(batch.column(columns[kind])) for kind in (DOCUMENT, TOKEN, WORD_EMBEDDINGS)
        )
        same = len(tokens) == len(embeddings) and np.array_equal(tokens.row_starts, embeddings.row_starts)
        if not same or not np.array_equal(tokens.starts, embeddings.starts):
            msg = (
                f"The embeddings in {columns[WORD_EMBEDDINGS]!r} are not those of the tokens; check the input columns."
            )
            raise InputError(msg)
        kept, owner = lying_in(sentences, tokens)
        sentence_starts = np.searchsorted(owner, np.arange(len(sentences) + 1))
        return cls(tokens.taken(kept), embeddings.taken(kept).vectors, sentence_starts)


@dataclass(frozen=True, kw_only=True)
class BiLstmTagger(Annotator):
    """Tag tokens with a BiLSTM tagger; whole tokens, one annotation each.

    Attributes:
        model: an opened tagger, from `clinspan.open_bilstm`.
        include_confidence: write the score of the tag, to four decimals, as `confidence`: the softmax of the token's
            own tag scores, without those of its neighbours, as in NerDLModel.
        include_all_confidence_scores: write the score of every tag under the tag's name.
        label_casing: `upper` or `lower` for labels so written; "" leaves them.

    Raises:
        ValueError: for any other casing.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT, TOKEN, WORD_EMBEDDINGS)
    output_type: ClassVar[str] = NAMED_ENTITY

    model: BiLstmModel
    input_cols: tuple[str, ...] = ("sentence", "token", "embeddings")
    output_col: str = "ner"
    include_confidence: bool = True
    include_all_confidence_scores: bool = False
    label_casing: str = ""
    pool: Executor | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("label_casing", self.label_casing, ("", "upper", "lower"))

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `ner` column.

        Raises:
            InputError: if the embeddings are not those of the tokens, of another dimension than the model's, or from
                other word vectors than it was trained with.
        """
        columns = self.inputs(annotation_kinds(batch.schema))
        self._check_reference(annotation_reference(batch.schema.field(columns[WORD_EMBEDDINGS])))
        embedded = EmbeddedTokens.from_batch(batch, columns)
        tokens, vectors = embedded.tokens, self._vectors(embedded)
        network = self.model.network
        logits = network.logits(vectors, tokens.results, embedded.sentence_starts, self.pool)
        tag_ids = network.best_tags(logits, embedded.sentence_starts)
        names = pa.array(self.classes, pa.string())
        metadata = {"word": tokens.results, "sentence": tokens.values("sentence"), **self._scores(logits, tag_ids)}
        column = annotation_column(
            NAMED_ENTITY, tokens.row_starts, tokens.starts, tokens.stops, names.take(pa.array(tag_ids)), metadata
        )
        return with_annotations(batch, self.output_col, NAMED_ENTITY, column)

    @property
    def classes(self) -> list[str]:
        """The tags, as they are written."""
        return [_cased(tag, self.label_casing) for tag in self.model.head.tags]

    def _check_reference(self, given: str) -> None:
        """Compare the word vectors of a column with those of the model, where both are known."""
        if given and self.model.manifest.vectors_sha256 and given != self.model.reads:
            msg = (
                f"{self.name}: the embeddings are those of {given}, but the model was trained with {self.model.reads}."
            )
            raise InputError(msg)

    def _vectors(self, embedded: EmbeddedTokens) -> Floats:
        vectors, wanted = embedded.vectors, self.model.network.dimension
        if len(vectors) and vectors.shape[1] != wanted:
            msg = f"{self.name} reads vectors of {wanted} numbers, as {self.model.manifest.vectors!r} gives them."
            raise InputError(msg)
        return vectors if len(vectors) else np.zeros((0, wanted), dtype=np.float32)

    def _scores(self, logits: Floats, tag_ids: np.ndarray[tuple[int], np.dtype[np.int64]]) -> dict[str, pa.StringArray]:
        scores = np.floor(softmax(logits) * _DECIMALS + 0.5) / _DECIMALS if len(logits) else logits
        found = {}
        if self.include_confidence:
            found["confidence"] = score_strings(scores[np.arange(len(tag_ids)), tag_ids].astype(np.float32))
        if self.include_all_confidence_scores:
            found |= {t: score_strings(scores[:, i].astype(np.float32)) for i, t in enumerate(self.classes)}
        return found


def _cased(tag: str, casing: str) -> str:
    label = parse_tag(tag).label
    return f"{tag.removesuffix(label)}{getattr(label, casing)()}" if casing and label else tag
