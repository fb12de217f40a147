"""A corpus in the terms of a tag set: its labels renamed, what it marks throughout, and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from clinspan.corpora.record import Record
from clinspan.exceptions import RecipeError
from clinspan.tagging import LabelledSpan

ANY: Final = "*"
Rules = str | Sequence[Any]
_REACH: Final = 40  # characters before a mention in which words that belong to it are looked for


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How the annotation of a corpus reads in the labels of a head.

    Attributes:
        label_map: new name by label of the corpus; "" drops it; `*` stands for every label not named; labels
            that are not named at all keep their name. A list of [pattern, name] pairs, with a plain name at
            its end for all else, goes by the text of the mention: the first pattern found (case ignored) names it.
        complete: the head's labels that the corpus marks wherever they occur; None: all of them.
        mask: labels of the corpus whose mentions say nothing about the head.
        before: pattern of words directly before a mention that belong to it for the head, but not for the corpus.
        after: pattern of what follows a mention at once and belongs to it for the head, but not for the corpus.
    """

    label_map: Mapping[str, Rules] = field(default_factory=dict)
    complete: Sequence[str] | None = None
    mask: Sequence[str] = ()
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        for rules in self.label_map.values():
            for rule in [] if isinstance(rules, str) else rules:
                if not isinstance(rule, str):
                    _check_rule(rule)
        for name in ("before", "after"):
            _check_pattern(name, getattr(self, name))

    def renamed(self, record: Record) -> Record:
        """Return the record with its spans in the labels of the head."""
        spans = (span._replace(label=self._name(record, span)) for span in record.spans)
        return replace(record, spans=tuple(dict.fromkeys(span for span in spans if span.label)))

    def widened(self, record: Record) -> Record:
        """Return the record with its spans reaching over what stands around them and belongs to them."""
        spans = record.spans
        if self.before:
            ending = re.compile(f"\\b(?:{self.before})\\s+\\Z", re.IGNORECASE)
            spans = tuple(span._replace(start=_reach(ending, record.text, span.start)) for span in spans)
        if self.after:
            opening = re.compile(self.after, re.IGNORECASE)
            ends = (opening.match(record.text, span.stop) for span in spans)
            spans = tuple(s._replace(stop=end.end()) if end else s for s, end in zip(spans, ends, strict=True))
        return replace(record, spans=spans)

    def judged(self, record: Record, spans: Iterable[LabelledSpan], labels: Iterable[str]) -> list[LabelledSpan]:
        """Return the spans, found or gold, that the corpus can tell right from wrong.

        Those are spans of labels that it marks throughout, away from what is masked; what stands around a mention and
        does not belong to it for the corpus is taken off.

        Args:
            record: the record in the corpus' own labels.
            spans: spans in the head's labels.
            labels: the head's labels.
        """
        known = frozenset(labels if self.complete is None else self.complete)
        hidden = self.masked(record)
        opening = re.compile(f"(?:{self.before})\\s+", re.IGNORECASE) if self.before else None
        kept = (span for span in spans if span.label in known and not any(_touch(span, h) for h in hidden))
        ending = re.compile(f"(?:{self.after})\\Z", re.IGNORECASE) if self.after else None
        return [_trimmed(opening, ending, record.text, span) for span in kept]

    def masked(self, record: Record) -> list[LabelledSpan]:
        """Return the mentions that say nothing, in the labels of the corpus."""
        return [span for span in record.spans if span.label in self.mask]

    def _name(self, record: Record, span: LabelledSpan) -> str:
        rules = self.label_map.get(span.label, self.label_map.get(ANY, span.label))
        if isinstance(rules, str):
            return rules
        mention = record.text[span.start : span.stop]
        for rule in rules:
            if isinstance(rule, str):
                return rule
            if re.search(rule[0], mention, re.IGNORECASE):
                return str(rule[1])
        return ""


def _check_rule(rule: Sequence[Any]) -> None:
    try:
        pattern, _ = rule
        re.compile(pattern)
    except (TypeError, ValueError, re.error):
        msg = f"A rule of a label map is [pattern, name] or a name, not {rule!r}."
        raise RecipeError(msg) from None


def _check_pattern(name: str, pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        msg = f"{name} is a pattern of words, and {pattern!r} is none: {error}."
        raise RecipeError(msg) from None


def _reach(ending: re.Pattern[str], text: str, start: int) -> int:
    first = max(0, start - _REACH)
    found = ending.search(text[first:start])
    return first + found.start() if found else start


def _trimmed(
    opening: re.Pattern[str] | None, ending: re.Pattern[str] | None, text: str, span: LabelledSpan
) -> LabelledSpan:
    found = opening.match(text, span.start, span.stop) if opening else None
    start = found.end() if found and found.end() < span.stop else span.start
    last = ending.search(text, start + 1, span.stop) if ending else None
    return span._replace(start=start, stop=last.start() if last else span.stop)


def _touch(a: LabelledSpan, b: LabelledSpan) -> bool:
    return a.start < b.stop and b.start < a.stop
