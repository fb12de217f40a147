"""SentenceDetector: rule-based sentences, as annotations of type `document`."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from clinspan.annotators.sentence_base import Sentences, SentenceStage
from clinspan.annotators.sentence_rules import sentence_spans


@dataclass(frozen=True, kw_only=True)
class SentenceDetector(SentenceStage):
    r"""Split documents into sentences by rules for clinical notes.

    Attributes:
        use_abbreviations: do not end a sentence at a known abbreviation.
        detect_lists: begin a sentence at each list item.
        custom_bounds: regular expressions of further bounds.
        custom_bounds_strategy: `none` (the bound is removed), `prepend` (break before it) or `append`.
        use_custom_bounds_only: split at the custom bounds and nowhere else.
        explode_sentences: one row per sentence; rows without a sentence vanish.
        split_length: cut longer sentences at spaces into parts of at most this many characters.
        min_length, max_length: sentences outside are removed; none is by default.
    """

    use_abbreviations: bool = True
    detect_lists: bool = True

    def detect(self, texts: pa.StringArray) -> Sentences:
        """Apply the rules to each text."""
        options = {"abbreviations": self.use_abbreviations, "lists": self.detect_lists}
        return Sentences.from_spans([sentence_spans(text or "", **options) for text in texts.to_pylist()])
