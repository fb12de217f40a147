"""SentenceDetectorDL: learnt sentence boundaries, as annotations of type `document`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.sentence_base import Sentences, SentenceStage
from clinspan.codepoints import CodePoints
from clinspan.inference.boundaries import Candidates, sentence_ranges
from clinspan.inference.model import SentenceModel

_BEFORE: Final = 32  # characters before a candidate in which `impossible_penultimates` are looked for


@dataclass(frozen=True, kw_only=True)
class SentenceDetectorDL(SentenceStage):
    """Split documents into sentences with a convolution over the characters around each possible end.

    Attributes:
        model: an opened sentence model, from `clinspan.open_sentences`.
        threshold: a sentence ends where the probability is above it.
        impossible_penultimates: no sentence ends after these, the mark left out: `("Dr", "approx")`.
        custom_bounds: regular expressions of further bounds.
        custom_bounds_strategy: `append` (the bound stays with the sentence before it), `prepend` or `none` (removed).
        use_custom_bounds_only: split at the custom bounds and nowhere else.
        explode_sentences: one row per sentence; rows without a sentence vanish.
        split_length: cut longer sentences at spaces into parts of at most this many characters.
        min_length, max_length: sentences outside are removed; none is by default.
    """

    model: SentenceModel
    threshold: float = 0.5
    impossible_penultimates: tuple[str, ...] = ()
    custom_bounds_strategy: str = "append"

    def detect(self, texts: pa.StringArray) -> Sentences:
        """Decide all candidates of all texts at once."""
        text = CodePoints.from_arrow(texts)
        found = Candidates.from_text(text, self.model.network.reach)
        accepted = self.model.network.probabilities(found) > self.threshold
        accepted &= ~self._impossible(text, found)
        return Sentences.from_ranges(text, *sentence_ranges(text, found, accepted))

    def _impossible(self, text: CodePoints, found: Candidates) -> npt.NDArray[np.bool_]:
        if not self.impossible_penultimates:
            return np.zeros(len(found.stops), dtype=np.bool_)
        row = np.searchsorted(text.row_starts, found.stops, side="right") - 1
        starts = np.maximum(text.row_starts[row], found.stops - _BEFORE)
        before = pc.replace_substring_regex(text.slices(starts, found.stops), r"\s*[.:?!;]$", "")
        ends = [pc.ends_with(before, pattern) for pattern in self.impossible_penultimates]
        return reduce(pc.or_, ends).to_numpy(zero_copy_only=False)
