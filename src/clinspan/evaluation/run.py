"""Scoring a model on a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from clinspan.codepoints import CodePoints, Ints, word_units
from clinspan.corpora import Record, Scheme
from clinspan.evaluation.entity import EntityScores, score_entities
from clinspan.evaluation.tokens import TokenTable
from clinspan.recognizer import EntityRecognizer
from clinspan.tagging import OUTSIDE, LabelledSpan, iob2_tags, put_tags


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one corpus.

    Attributes:
        entities: strict, partial and type-only scores.
        tokens: the token-level table, over words and punctuation marks.
        documents: number of records.
    """

    entities: EntityScores
    tokens: TokenTable
    documents: int


def evaluate(recognizer: EntityRecognizer, records: Iterable[Record], *, scheme: Scheme | None = None) -> Evaluation:
    """Annotate the texts of a corpus and compare with its spans.

    Only labels that the model has and the corpus marks throughout are compared.

    Args:
        recognizer: a recognizer with one model.
        records: labelled texts.
        scheme: how the labels of the corpus read in the model's. By default as the manifest says, for corpora that
            it names.
    """
    model, labels = recognizer.models[0], recognizer.labels
    own = [(record, scheme or model.head.scheme(record.source)) for record in records]
    gold = [replace(r, spans=tuple(reading.judged(r, reading.renamed(r).spans, labels))) for r, reading in own]
    predicted = [
        reading.judged(record, (LabelledSpan(e.start, e.end, e.label) for e in document.entities), labels)
        for (record, reading), document in zip(own, recognizer.pipe(record.text for record, _ in own), strict=True)
    ]
    scores = score_entities([record.spans for record in gold], predicted)
    return Evaluation(scores, _token_table(gold, predicted), len(gold))


def _token_table(gold: Sequence[Record], predicted: Sequence[Sequence[LabelledSpan]]) -> TokenTable:
    labels = {span.label for spans in (*(r.spans for r in gold), *predicted) for span in spans}
    tags = iob2_tags(sorted(labels))
    if not gold:
        return TokenTable.from_counts({})
    expected = np.concatenate([_unit_tags(record.text, record.spans, tags) for record in gold])
    found = np.concatenate([_unit_tags(r.text, spans, tags) for r, spans in zip(gold, predicted, strict=True)])
    return TokenTable.from_tags(expected, found, tags)


def _unit_tags(text: str, spans: Sequence[LabelledSpan], tags: Sequence[str]) -> Ints:
    index = {tag: i for i, tag in enumerate(tags)}
    starts, stops = word_units(CodePoints.from_arrow(pa.array([text], pa.string())))
    found = np.full(len(starts), index[OUTSIDE], dtype=np.int64)
    put_tags(found, starts, stops, spans, index)
    return found
