"""Tags joined with the tokens or units they stand for: what the converters merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clinspan.annotators.nesting import lying_in, owners
from clinspan.annotators.token_classifier import UNITS_KEY, UNITS_SEPARATOR
from clinspan.codepoints import Ints
from clinspan.exceptions import InputError
from clinspan.schema import Annotations
from clinspan.tagging import OUTSIDE

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Tagged:
    """Tagged items of a batch in order; arrays of shape [items].

    Attributes:
        sentence: the sentence of each.
        starts: first character, counted in the document.
        stops: one past the last.
        tags: the tag set that `tag_ids` points into.
        tag_ids: the tag of each.
        scores: the score of each item's own tag, NaN where none is given.
        tokens: index of the token each item belongs to.
        words: the text of each token.
    """

    sentence: Ints
    starts: Ints
    stops: Ints
    tags: list[str]
    tag_ids: Ints
    scores: Floats32
    tokens: Ints
    words: pa.StringArray

    @classmethod
    def from_columns(
        cls, sentences: Annotations, tokens: Annotations | None, ner: Annotations, *, units: bool
    ) -> Tagged:
        """Join tags with tokens by where they begin; a token without a tag is outside.

        Of a token that reaches out of its sentence the part within counts; one that lies in none does not count.

        Args:
            sentences: the sentence annotations.
            tokens: the tokens; None takes the tags as they stand.
            ner: the tags.
            units: take tokens of several units apart, where the tags say how.

        Raises:
            InputError: if a token that lies in no sentence has a tag.
        """
        tags, scores, details = ner.results, own_scores(ner), ner.values(UNITS_KEY)
        items, words = ner, ner.values("word")
        if tokens is not None:
            place = _places(sentences, tokens, ner)
            at = pa.array(place, mask=place < 0)
            tags, details = pc.fill_null(tags.take(at), OUTSIDE), details.take(at)
            scores = np.where(place < 0, np.nan, np.append(scores, np.nan)[place]).astype(np.float32)
            items, words = tokens, tokens.results
        kept, owner = lying_in(sentences, items)
        if len(kept) < len(items):
            _check_outside(tags.take(pa.array(np.delete(np.arange(len(items)), kept))))
            items, scores = items.taken(kept), scores[kept]
            tags, details, words = (column.take(pa.array(kept)) for column in (tags, details, words))
        encoded = pc.dictionary_encode(tags)
        whole = cls(
            owner,
            np.maximum(items.starts, sentences.starts[owner]),
            np.minimum(items.stops, sentences.stops[owner]),
            encoded.dictionary.to_pylist(),
            encoded.indices.to_numpy().astype(np.int64),
            scores,
            np.arange(len(items)),
            words,
        )
        return whole._taken_apart(details) if units and details.null_count < len(details) else whole

    def _taken_apart(self, details: pa.StringArray) -> Tagged:
        """Replace each item that has unit details (`start:stop:score:tag`, by tabs) by its units."""
        lists = pc.split_pattern(details, UNITS_SEPARATOR)
        counts = np.where(
            details.is_valid().to_numpy(zero_copy_only=False),
            pc.fill_null(lists.value_lengths(), 1).to_numpy(zero_copy_only=False),
            1,
        )
        owner = np.repeat(np.arange(len(counts)), counts)
        fields = pc.split_pattern(lists.flatten(), ":", max_splits=3).flatten()
        start, stop, score, tag = (fields.take(pa.array(np.arange(i, len(fields), 4))) for i in range(4))
        at = np.flatnonzero(np.repeat(details.is_valid().to_numpy(zero_copy_only=False), counts))
        starts, stops, scores = self.starts[owner], self.stops[owner], self.scores[owner]
        starts[at] = pc.cast(start, pa.int64()).to_numpy()
        stops[at] = pc.cast(stop, pa.int64()).to_numpy()
        scores[at] = pc.cast(score, pa.float32()).to_numpy()
        names = [*self.tags, *(t for t in pc.unique(tag).to_pylist() if t not in self.tags)]
        tag_ids = self.tag_ids[owner]
        tag_ids[at] = pc.index_in(tag, pa.array(names)).to_numpy()
        return Tagged(self.sentence[owner], starts, stops, names, tag_ids, scores, owner, self.words)

    def mean_scores(self, first: Ints, stop: Ints) -> Floats32:
        """Return the mean score of each half-open range of items."""
        if not len(first):
            return np.zeros(0, dtype=np.float32)
        padded = np.append(self.scores, np.float32(0)).astype(np.float64)
        sums = np.add.reduceat(padded, np.stack([first, stop], axis=1).ravel())[::2]
        return (sums / (stop - first)).astype(np.float32)

    def joined_words(self, first: Ints, stop: Ints) -> npt.NDArray[np.object_]:
        """Return the tokens of each range of items, joined by one space."""
        words = self.words.to_pylist()
        ranges = zip(self.tokens[first].tolist(), self.tokens[stop - 1].tolist(), strict=True)
        return np.array([" ".join(words[a : b + 1]) for a, b in ranges], dtype=object)


def _check_outside(tags: pa.StringArray) -> None:
    if pc.any(pc.not_equal(tags, OUTSIDE)).as_py():
        msg = "requirement failed: tags lie outside every sentence of their row; check the input columns."
        raise InputError(msg)


def own_scores(ner: Annotations) -> Floats32:
    """Return each annotation's score for its own tag: `confidence`, or the entry under the tag's name."""
    scores = numbers(ner.values("confidence"))
    if not np.isnan(scores).any():
        return scores
    for tag in pc.unique(ner.results).to_pylist():
        if tag is not None and tag != OUTSIDE:
            at = pc.equal(ner.results, tag).to_numpy(zero_copy_only=False) & np.isnan(scores)
            scores = np.where(at, numbers(ner.values(tag)), scores).astype(np.float32)
    return scores


def numbers(spelled: pa.StringArray) -> Floats32:
    """Read scores; what is absent or no number is NaN."""
    try:
        read = pc.cast(spelled, pa.float32())
    except pa.ArrowInvalid:  # some are no numbers
        number = pc.match_substring_regex(spelled, r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
        read = pc.cast(pc.if_else(pc.fill_null(number, False), spelled, None), pa.float32())
    numbers = read.to_numpy(zero_copy_only=False).astype(np.float32)
    return np.where(np.isfinite(numbers), numbers, np.float32(np.nan))


def _places(sentences: Annotations, tokens: Annotations, ner: Annotations) -> Ints:
    """Return, for each token, the tag annotation that begins where it does, -1 for none."""
    stride = int(max(tokens.stops.max(initial=0), ner.stops.max(initial=0))) + 1
    wanted = owners(sentences, tokens) * stride + tokens.starts
    given = owners(sentences, ner) * stride + ner.starts
    if not len(given):
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(given, kind="stable")
    place = order[np.minimum(np.searchsorted(given[order], wanted), len(given) - 1)]
    return np.where(given[place] == wanted, place, -1)
