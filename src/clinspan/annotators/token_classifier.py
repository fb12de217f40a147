"""TokenClassifier: the tag of every token, by any transformer that ONNX Runtime can run.

One class for all families; a family is only a row in a table, since `tokenizer.json` and the graph say
the rest. Classifiers that share a graph and its inputs go through it once (`FusedTokenClassifiers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.base import Annotator
from clinspan.annotators.nesting import lying_in
from clinspan.codepoints import Bools, Ints
from clinspan.inference.decoding import Floats, decoded
from clinspan.inference.model import HeadModel
from clinspan.inference.units import Units
from clinspan.schema import (
    DOCUMENT,
    NAMED_ENTITY,
    TOKEN,
    Annotations,
    annotation_column,
    score_strings,
    starts_of,
    with_annotations,
)
from clinspan.tagging import OUTSIDE

UNITS_KEY = "units"
UNITS_SEPARATOR = "\t"  # no tag holds one


@dataclass(frozen=True, kw_only=True)
class TokenClassifier(Annotator):
    """Tag tokens with one head of a model.

    With a token column there is one annotation a token, tagged like its first tagged unit; where a token
    of several units is tagged, the metadata key `units` keeps each unit's edges, tag and score. Without a
    token column every unit is an annotation of its own. Nothing is cut off: long sentences are read
    in overlapping windows.

    Attributes:
        model: an opened head, from `clinspan.open_head`.
        include_confidence: write the probability of the tag as `confidence`.
        include_all_confidence_scores: write the probability of every tag under the tag's name.
        strict: tag a token like its first unit, and write no `units`.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT,)
    optional_types: ClassVar[tuple[str, ...]] = (TOKEN,)
    output_type: ClassVar[str] = NAMED_ENTITY

    model: HeadModel
    input_cols: tuple[str, ...] = ("sentence", "token")
    output_col: str = "ner"
    include_confidence: bool = True
    include_all_confidence_scores: bool = False
    strict: bool = False
    pool: Executor | None = field(default=None, compare=False, repr=False)

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `ner` column."""
        return annotate_together([self], batch)

    @property
    def classes(self) -> list[str]:
        """The tags of the head, in the order of the graph's output."""
        return list(self.model.head.tags)

    def tagged(self, layout: Layout, logits: Floats) -> pa.ListArray:
        """Turn the logits of a batch's units into an annotation column."""
        return self._column(layout, *decoded(logits, layout.units.sentence_starts, self.model.head.tags))

    def _column(self, layout: Layout, tag_ids: Ints, scores: Floats) -> pa.ListArray:
        best = scores[np.arange(len(tag_ids)), tag_ids]
        names = pa.array(self.model.head.tags, pa.string())
        chosen = layout.chosen_units(np.asarray([t == OUTSIDE for t in self.model.head.tags])[tag_ids], self.strict)
        metadata = {
            "sentence": layout.sentence_numbers.take(pa.array(layout.sentence[chosen])),
            "word": layout.words(chosen),
        }
        if self.include_confidence:
            metadata["confidence"] = score_strings(best[chosen])
        if self.include_all_confidence_scores:
            for i, name in enumerate(self.model.head.tags):
                metadata[name] = score_strings(scores[chosen, i])
        if not self.strict:
            metadata |= layout.unit_details(chosen, names.take(pa.array(tag_ids)), best)
        return layout.column(chosen, names.take(pa.array(tag_ids[chosen])), metadata)


@dataclass(frozen=True)
class Layout:
    """Where the units of a batch lie: in which sentence, in which token, in which row.

    Attributes:
        sentences: the sentence annotations.
        tokens: the token annotations, None where units stand for themselves.
        units: the units, over the sentences end to end.
    """

    sentences: Annotations
    tokens: Annotations | None
    units: Units
    sentence: Ints
    token: Ints

    @classmethod
    def from_batch(cls, stage: Annotator, model: HeadModel, batch: pa.RecordBatch) -> Layout:
        """Read the input columns of a stage and find the units."""
        sentences = Annotations.from_column(stage.column(batch, DOCUMENT))
        column = stage.column(batch, TOKEN)
        if column is None:
            units = model.tagger.units(sentences.results)
            sentence = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
            return cls(sentences, None, units, sentence, np.arange(len(units.starts)))
        tokens = Annotations.from_column(column)
        kept, owner = lying_in(sentences, tokens)  # the others are part of nothing that is read
        tokens = tokens.taken(kept)
        edges = token_edges(sentences, tokens, owner)
        units = model.tagger.units(sentences.results, edges)
        sentence = np.searchsorted(units.text.row_starts, units.starts, "right") - 1
        return cls(sentences, tokens, units, sentence, np.searchsorted(edges[0], units.starts, "right") - 1)

    @cached_property
    def sentence_numbers(self) -> pa.StringArray:
        """The `sentence` metadata of each sentence."""
        return self.sentences.values("sentence")

    def chosen_units(self, outside: Bools, strict: bool) -> Ints:
        """Return the unit that stands for each token that has any: its first tagged one, or its first."""
        starts = self._token_starts()
        if self.tokens is None or strict or not len(starts):
            return starts
        inside = np.append(np.flatnonzero(~outside), len(outside))
        tagged = inside[np.searchsorted(inside, starts)]
        return np.where(tagged < np.append(starts[1:], len(outside)), tagged, starts)

    def _token_starts(self) -> Ints:
        changed = np.ones(len(self.token), dtype=np.bool_)
        changed[1:] = self.token[1:] != self.token[:-1]
        return np.flatnonzero(changed)

    def words(self, chosen: Ints) -> pa.StringArray:
        """Return the text of each annotation; without tokens every unit is one, and all are chosen."""
        return self._texts if self.tokens is None else self._texts.take(pa.array(self.token[chosen]))

    @cached_property
    def _texts(self) -> pa.StringArray:
        """The texts of the tokens, or of the units where those stand for themselves."""
        return self.units.texts if self.tokens is None else self.tokens.results

    def unit_details(self, chosen: Ints, tags: pa.StringArray, scores: Floats) -> dict[str, pa.StringArray]:
        """Spell `start:stop:score:tag` for the units of each tagged token that has several."""
        starts = self._token_starts()
        counts = np.diff(np.append(starts, len(self.token)))
        tagged = pc.not_equal(tags.take(pa.array(chosen)), OUTSIDE).to_numpy(zero_copy_only=False)
        wanted = (counts > 1) & tagged if self.tokens is not None else np.zeros(0, dtype=np.bool_)
        if not wanted.any():
            return {}
        part = np.flatnonzero(np.repeat(wanted, counts))
        begin, end = (pc.cast(pa.array(edge[part]), pa.string()) for edge in self._document_edges())
        spelled = pc.binary_join_element_wise(begin, end, score_strings(scores[part]), tags.take(pa.array(part)), ":")
        lists = pa.ListArray.from_arrays(pa.array(starts_of(counts[wanted]), pa.int32()), spelled)
        place = np.where(wanted, np.cumsum(wanted) - 1, -1)
        return {UNITS_KEY: pc.binary_join(lists, UNITS_SEPARATOR).take(pa.array(place, mask=place < 0))}

    def _document_edges(self) -> tuple[Ints, Ints]:
        shift = (self.sentences.starts - self.units.text.row_starts[:-1])[self.sentence]
        return self.units.starts + shift, self.units.stops + shift

    def column(self, chosen: Ints, tags: pa.StringArray, metadata: Mapping[str, pa.StringArray]) -> pa.ListArray:
        """Build the annotation column: one annotation for each chosen unit's token."""
        rows = self.sentences.rows[self.sentence[chosen]]
        row_starts = starts_of(np.bincount(rows, minlength=len(self.sentences.row_starts) - 1))
        if self.tokens is None:
            starts, stops = (edge[chosen] for edge in self._document_edges())
        else:
            starts, stops = self.tokens.starts[self.token[chosen]], self.tokens.stops[self.token[chosen]]
        return annotation_column(NAMED_ENTITY, row_starts, starts, stops, tags, metadata)


def token_edges(sentences: Annotations, tokens: Annotations, owner: Ints) -> tuple[Ints, Ints]:
    """Return what lies of each token in its sentence, as ranges over the sentences end to end."""
    lengths = sentences.stops - sentences.starts
    shift = (starts_of(lengths)[:-1] - sentences.starts)[owner]
    starts = np.maximum(tokens.starts, sentences.starts[owner])
    return starts + shift, np.minimum(tokens.stops, sentences.stops[owner]) + shift


@dataclass(frozen=True, kw_only=True)
class FusedTokenClassifiers(Annotator):
    """Several classifiers on one graph and the same inputs, run in one forward pass."""

    stages: tuple[TokenClassifier, ...] = ()

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the column of every stage."""
        return annotate_together(self.stages, batch)

    def inputs(self, available: Mapping[str, str]) -> dict[str, str]:
        """Match the input columns, which all stages share."""
        return self.stages[0].inputs(available)

    def outputs(self) -> Mapping[str, str]:
        """Return the columns of all stages."""
        return {stage.output_col: stage.output_type for stage in self.stages}


def annotate_together(stages: Sequence[TokenClassifier], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Run the graph that the stages share once, and add the column of each."""
    first = stages[0]
    layout = Layout.from_batch(first, first.model, batch)
    outputs = list(dict.fromkeys(stage.model.head.output for stage in stages))
    sentences = layout.sentences
    logits = first.model.tagger.logits(sentences.results, sentences.texts, layout.units, outputs, first.pool)
    for stage in stages:
        column = stage.tagged(layout, logits[stage.model.head.output])
        batch = with_annotations(batch, stage.output_col, NAMED_ENTITY, column)
    return batch
