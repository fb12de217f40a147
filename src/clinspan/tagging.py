"""Tags and spans: IOB1, IOB2 and BIOES, read and written in one place.

Used by the converter, by training and by evaluation. Schemes after Ramshaw & Marcus 1995 (IOB) and
Ratinov & Roth 2009 (BIOES, there BILOU).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from clinspan.codepoints import Bools, Ints

OUTSIDE: Final = "O"
FILLERS: Final = frozenset({"O", "PAD", "X", "NA", "", "[PAD]", "[CLS]", "[SEP]"})
_OPENING: Final = frozenset("BSU")
_CLOSING: Final = frozenset("ELSU")
_PREFIXES: Final = frozenset("BIELSUM")


class Tag(NamedTuple):
    """A tag taken apart: its prefix ("" if it has none) and its label ("" outside)."""

    prefix: str
    label: str


class LabelledSpan(NamedTuple):
    """A half-open range of characters with a label."""

    start: int
    stop: int
    label: str


def parse_tag(tag: str) -> Tag:
    """Split `B-Organ` into its parts; fillers such as `PAD` are outside, a bare `AGE` is inside."""
    prefix, dash, label = tag.partition("-")
    if not dash or prefix not in _PREFIXES:
        return Tag(OUTSIDE, "") if tag in FILLERS else Tag("", tag)
    return Tag(prefix, label) if label else Tag(OUTSIDE, "")


def label_names(tags: Iterable[str]) -> list[str]:
    """Return the labels of a tag set, in order, without prefixes and fillers."""
    return list(dict.fromkeys(tag.label for tag in map(parse_tag, tags) if tag.label))


def iob2_tags(labels: Iterable[str]) -> list[str]:
    """Return `O` and the B- and I- tag of each label."""
    return [OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in "BI")]


@dataclass(frozen=True)
class TagTable:
    """The parts of each tag in a tag set as arrays, so that whole batches are merged at once.

    Attributes:
        label_ids: index into `labels`, -1 outside, shape [tags].
        opens: whether the tag begins a span of its own, shape [tags].
        closes: whether a span ends with the tag, shape [tags].
    """

    labels: tuple[str, ...]
    label_ids: Ints
    opens: Bools
    closes: Bools

    @classmethod
    def from_tags(cls, tags: Sequence[str]) -> TagTable:
        """Take a tag set apart."""
        parsed = [parse_tag(tag) for tag in tags]
        labels = label_names(tags)
        return cls(
            labels=tuple(labels),
            label_ids=np.array([labels.index(t.label) if t.label else -1 for t in parsed], dtype=np.int64),
            opens=np.array([t.prefix in _OPENING for t in parsed], dtype=np.bool_),
            closes=np.array([t.prefix in _CLOSING for t in parsed], dtype=np.bool_),
        )

    def spans(self, tag_ids: Ints, group: Ints, *, greedy: bool = False) -> tuple[Ints, Ints, Ints]:
        """Merge tags into spans: a new span begins at B-, at a change of label and at a new group.

        Args:
            tag_ids: tag of each token, shape [tokens].
            group: sentence of each token, non-decreasing; no span crosses two of them.
            greedy: let B- of the same label go on with the span before it.

        Returns:
            First token, one past the last token and label id of each span.
        """
        label = self.label_ids[tag_ids]
        previous = np.roll(label, 1)
        broken = np.roll(group, 1) != group
        if not greedy:
            broken |= self.opens[tag_ids] | np.roll(self.closes[tag_ids], 1)
        if len(broken):
            broken[0] = True
        inside = label >= 0
        begins = inside & (broken | (label != previous))
        starts = np.flatnonzero(begins)
        last = np.append(begins[1:] | ~inside[1:], True) & inside if len(label) else inside
        return starts, np.flatnonzero(last) + 1, label[starts]


def tags_to_spans(tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (first, one past last, label) of each span in one sentence of tags."""
    names = sorted(set(tags))
    table = TagTable.from_tags(names)
    index = {name: i for i, name in enumerate(names)}
    ids = np.array([index[tag] for tag in tags], dtype=np.int64)
    starts, stops, labels = table.spans(ids, np.zeros(len(ids), dtype=np.int64))
    return [(int(a), int(b), table.labels[c]) for a, b, c in zip(starts, stops, labels, strict=True)]


def put_tags(tag_ids: Ints, starts: Ints, stops: Ints, spans: Iterable[LabelledSpan], index: Mapping[str, int]) -> None:
    """Write the IOB2 tags of character spans onto the units they touch; of spans that share units the longest stays.

    Args:
        tag_ids: tag of each unit, changed in place, shape [units].
        starts: first character of each unit, increasing.
        stops: one past its last character.
        spans: what to write.
        index: the id of each tag.
    """
    taken = np.zeros(len(tag_ids), dtype=np.bool_)
    for span in sorted(spans, key=lambda s: s.start - s.stop):
        units = slice(np.searchsorted(stops, span.start, "right"), np.searchsorted(starts, span.stop))
        if not taken[units].any():
            tag_ids[units] = index[f"I-{span.label}"]
            tag_ids[units][:1] = index[f"B-{span.label}"]
            taken[units] = True


def allowed_transitions(tags: Sequence[str]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say which tag may follow which, and which may come first, in IOB2 or BIOES.

    A tag set without any B- is IOB1: there everything is allowed.

    Returns:
        `follow[i, j]`, true where tag j may follow tag i, and `first[j]`.
    """
    parsed = [parse_tag(tag) for tag in tags]
    openable = {tag.label for tag in parsed if tag.prefix in _OPENING}
    continues = np.array([tag.prefix in ("I", "E", "L", "M") and tag.label in openable for tag in parsed])
    follow = np.ones((len(tags), len(tags)), dtype=np.bool_)
    for j in np.flatnonzero(continues):
        follow[:, j] = [t.label == parsed[j].label and t.prefix not in _CLOSING for t in parsed]
    return follow, ~continues


def follows_scheme(tag_ids: Ints, sentence_starts: Ints, tags: Sequence[str]) -> bool:
    """Return whether every tag may stand where it does, by `allowed_transitions`.

    Args:
        tag_ids: tag of each token.
        sentence_starts: first token of each sentence and the end of the last; none is empty.
        tags: the tag set.
    """
    follow, first = allowed_transitions(tags)
    begins = np.isin(np.arange(len(tag_ids)), sentence_starts)
    return bool(np.where(begins, first[tag_ids], follow[np.roll(tag_ids, 1), tag_ids]).all())


def spark_spans(tag_ids: Ints, group: Ints, tags: Sequence[str]) -> tuple[Ints, Ints]:
    """Merge tags into spans exactly as Spark NLP's NerConverter does.

    A span ends before `O`, before a tag that starts with `B-`, and at the end of a sentence; any other
    tag of two or more characters opens one where none is open, and is carried along where one is. So a
    change of label by I- is not seen, `PAD` opens a span, and S-, E-, U-, L- mean nothing.

    Args:
        tag_ids: tag of each token, shape [tokens].
        group: sentence of each token, non-decreasing.
        tags: the tag set.

    Returns:
        First token and one past the last token of each span; the first token's tag names it.
    """
    outside = np.array([tag == OUTSIDE for tag in tags], dtype=np.bool_)[tag_ids]
    begins = np.array([tag.startswith("B-") for tag in tags], dtype=np.bool_)[tag_ids]
    opens = np.array([len(tag) > 1 for tag in tags], dtype=np.bool_)[tag_ids] & ~outside
    if not len(tag_ids):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    fresh = np.append(True, (group[1:] != group[:-1]) | outside[:-1])
    segment = np.cumsum(fresh | outside)
    opener = np.flatnonzero(opens)
    first_opener = np.zeros(len(tag_ids), dtype=np.bool_)
    first_opener[opener[np.unique(segment[opener], return_index=True)[1]]] = True
    starts = np.flatnonzero(begins | first_opener)
    segment_ends = np.append(np.flatnonzero(np.diff(segment)) + 1, len(tag_ids))
    ends = segment_ends[np.searchsorted(segment_ends, starts, "right")]
    return starts, np.minimum(ends, np.append(starts[1:], len(tag_ids)))
