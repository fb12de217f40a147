r"""Tokenizer: the rule-based tokens of Spark NLP.

A candidate is a stretch between break characters. By default a run of context characters at its start
is one token, a run at its end another, and all between the first and the last other character stays
together: `(T2DM),` gives `(`, `T2DM`, `),`. With default rules whole batches are cut by array
arithmetic; exceptions and patterns of the user's own are applied candidate by candidate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clinspan.annotators.base import Annotator
from clinspan.annotators.patterns import check_pattern, scoped
from clinspan.codepoints import Bools, CodePoints, Ints, runs
from clinspan.exceptions import InputError
from clinspan.schema import (
    DOCUMENT,
    TOKEN,
    Annotations,
    Span,
    annotation_column,
    starts_of,
    with_annotations,
)

BREAKS: Final = " \t\n\x0b\f\r"
CONTEXT_CHARS: Final = (".", ",", ";", ":", "!", "?", "*", "-", "(", ")", '"', "'")
_TARGET: Final = r"\S+"
_SHIELD: Final = "\U0010ffff"  # stands for a break character inside an exception; no character itself


@dataclass(frozen=True, kw_only=True)
class Tokenizer(Annotator):
    r"""Split sentences into tokens.

    Attributes:
        target_pattern: what a candidate is made of: `\S+`, or characters for a class (`a-z0-9`).
        context_chars: characters split off a candidate's edges.
        exceptions: regular expressions whose matches stay in one token.
        case_sensitive_exceptions: whether exceptions mind case.
        prefix_pattern, suffix_pattern: own patterns, beginning with `\A` and ending with `\z`.
        infix_patterns: own patterns, each with at least one group; every group is a token.
        split_pattern, split_chars: where to cut tokens further; the separator disappears.
        min_length, max_length: tokens outside are removed; none is by default.

    Raises:
        InputError: if a pattern is none, or a parameter is not of the form that Spark NLP requires.
    """

    input_types: ClassVar[tuple[str, ...]] = (DOCUMENT,)
    output_type: ClassVar[str] = TOKEN

    input_cols: tuple[str, ...] = ("document",)
    output_col: str = "token"
    target_pattern: str = _TARGET
    context_chars: tuple[str, ...] = CONTEXT_CHARS
    exceptions: tuple[str, ...] = ()
    case_sensitive_exceptions: bool = True
    prefix_pattern: str | None = None
    suffix_pattern: str | None = None
    infix_patterns: tuple[str, ...] = ()
    split_pattern: str | None = None
    split_chars: tuple[str, ...] = ()
    min_length: int = 0
    max_length: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(all(len(c) == 1 for c in self.context_chars), "context_chars are single characters")
        _require(all(re.fullmatch(r"(?s)\\?.", c) for c in self.split_chars), "split_chars are single characters")
        prefix, suffix = self.prefix_pattern, self.suffix_pattern
        _require(prefix is None or prefix.startswith(r"\A"), r"prefix_pattern must begin with \A")
        _require(suffix is None or suffix.endswith(r"\z"), r"suffix_pattern must end with \z")
        _require(all("(" in p for p in self.infix_patterns), "infix_patterns must contain a group")
        for name in ("exceptions", "infix_patterns"):
            for pattern in getattr(self, name):
                check_pattern(name, pattern)
        for name in ("prefix_pattern", "suffix_pattern", "split_pattern"):
            check_pattern(name, (getattr(self, name) or "").replace(r"\z", r"\Z"))
        check_pattern("target_pattern", f"[{self.target_pattern}]")

    def annotate(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the `token` column."""
        sentences = Annotations.from_column(self.column(batch, DOCUMENT))
        text = CodePoints.from_arrow(sentences.results)
        starts, stops = self.spans(text)
        owner = np.searchsorted(text.row_starts, starts, "right") - 1
        shift = sentences.starts[owner] - text.row_starts[owner]
        per_row = np.bincount(sentences.rows[owner], minlength=batch.num_rows)
        metadata = {"sentence": sentences.values("sentence").take(pa.array(owner))}
        column = annotation_column(
            TOKEN, starts_of(per_row), starts + shift, stops + shift, text.slices(starts, stops), metadata
        )
        return with_annotations(batch, self.output_col, TOKEN, column)

    def spans(self, text: CodePoints) -> tuple[Ints, Ints]:
        """Return the tokens as half-open ranges over the rows of `text` end to end."""
        if self._custom:
            starts, stops = self._custom_spans(text)
        else:
            starts, stops = _split_edges(*self._candidates(text), _among(text.codes, "".join(self.context_chars)))
        lengths = stops - starts
        kept = lengths >= self.min_length
        if self.max_length is not None:
            kept &= lengths <= self.max_length
        return starts[kept], stops[kept]

    def _candidates(self, text: CodePoints) -> tuple[Ints, Ints]:
        if self.target_pattern == _TARGET:
            return runs(~_among(text.codes, BREAKS), text.row_starts)
        inside = re.compile(f"[{self.target_pattern}]")
        codes, where = np.unique(text.codes, return_inverse=True)
        member = np.array([inside.match(chr(code)) is not None for code in codes.tolist()], dtype=np.bool_)
        return runs(member[where], text.row_starts)

    @cached_property
    def _custom(self) -> bool:
        own = (self.exceptions, self.prefix_pattern, self.suffix_pattern, self.infix_patterns)
        return any(own) or bool(self.split_pattern or self.split_chars)

    def _custom_spans(self, text: CodePoints) -> tuple[Ints, Ints]:
        rows = text.slices(text.row_starts[:-1], text.row_starts[1:]).to_pylist()
        spans = [
            Span(offset + start, offset + stop)
            for offset, row in zip(text.row_starts.tolist(), rows, strict=False)
            for start, stop in self._row_spans(row)
        ]
        table = np.array(spans, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    def _row_spans(self, row: str) -> Iterator[Span]:
        shielded = row
        for exception in reversed(self._exceptions):
            shielded = exception.sub(lambda match: self._break.sub(_SHIELD, match.group()), shielded)
        for match in self._candidate.finditer(shielded):
            start, stop = match.span()
            piece = row[start:stop]
            if match.group() != piece or any(exception.search(piece) for exception in self._exceptions):
                yield Span(start, stop)
            else:
                yield from (Span(start + a, start + b) for a, b in self._pieces(piece))

    @cached_property
    def _exceptions(self) -> list[re.Pattern[str]]:
        flags = re.RegexFlag(0) if self.case_sensitive_exceptions else re.IGNORECASE
        return [re.compile(scoped(pattern), flags) for pattern in self.exceptions]

    @cached_property
    def _break(self) -> re.Pattern[str]:
        return re.compile(f"[{BREAKS}]" if self.target_pattern == _TARGET else f"(?![{self.target_pattern}])(?s:.)")

    @cached_property
    def _candidate(self) -> re.Pattern[str]:
        own = f"(?:[{self.target_pattern}]|{_SHIELD})+"
        return re.compile(f"[^{BREAKS}]+" if self.target_pattern == _TARGET else own)

    def _pieces(self, candidate: str) -> Iterator[tuple[int, int]]:
        match = next(filter(None, (rule.search(candidate) for rule in self._rules)), None)
        groups = [match.span(i + 1) for i in range(match.re.groups)] if match else [(0, len(candidate))]
        for start, stop in groups:
            if start < stop:
                yield from self._split(candidate, start, stop)

    def _split(self, candidate: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
        if self._splitter is None:
            yield start, stop
            return
        at = start
        for match in self._splitter.finditer(candidate, start, stop):
            if at < match.start():
                yield at, match.start()
            at = match.end()
        if at < stop:
            yield at, stop

    @cached_property
    def _splitter(self) -> re.Pattern[str] | None:
        chars = "|".join(re.escape(c[-1]) for c in self.split_chars)
        pattern = self.split_pattern or chars
        return re.compile(scoped(pattern)) if pattern else None

    @cached_property
    def _rules(self) -> list[re.Pattern[str]]:
        context = "".join(map(re.escape, self.context_chars)) or r"^\s\S"
        other = f"^{context}" if self.context_chars else r"\s\S"
        prefix = self.prefix_pattern or rf"\A([{context}]*)"
        suffix = (self.suffix_pattern or rf"([{context}]*)\z").replace(r"\z", r"\Z")
        infixes = self.infix_patterns or (rf"([{other}](?:.*[{other}])*)",)
        return [re.compile(scoped(prefix) + scoped(infix) + scoped(suffix)) for infix in infixes]


def _among(codes: npt.NDArray[np.uint32], characters: str) -> Bools:
    return np.isin(codes, np.array([ord(c) for c in characters], dtype=np.uint32))


def _split_edges(starts: Ints, stops: Ints, context: Bools) -> tuple[Ints, Ints]:
    """Split the runs of context characters off both edges; a candidate of nothing else stays whole."""
    body = np.append(np.flatnonzero(~context), len(context))
    first = body[np.searchsorted(body, starts)]
    last = body[np.searchsorted(body, stops) - 1] + 1
    bare = first >= stops
    first, last = np.where(bare, stops, first), np.where(bare, stops, last)
    edges = np.stack([starts, first, last, stops], axis=1)
    parts = np.stack([edges[:, :-1], edges[:, 1:]], axis=2).reshape(-1, 2)
    parts = parts[parts[:, 0] < parts[:, 1]]
    return parts[:, 0], parts[:, 1]


def _require(condition: bool, message: str) -> None:
    if not condition:
        msg = f"requirement failed: {message}"
        raise InputError(msg)
