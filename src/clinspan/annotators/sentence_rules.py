"""Where sentences end in clinical notes: rules for English, Spanish, Italian and Dutch.

A candidate is a run of `.` `?` `!` followed by white space, or a line break. What stands around it
decides. Notes are full of lines that no full stop closes (headings, list items, values), and of lines
that were wrapped in mid-sentence; both are told apart by how the next line begins and by whether its
first word would have fitted on the line before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from clinspan.schema import Span

_ABBREVIATIONS: Final = frozenset(
    # titles
    "dr dra drs drd mr mrs ms prof sr sra srta st sig sigg dott dottssa ing dhr mevr mw hr dhrn"
    # references and Latin
    " fig figs ref refs vol pp pag pág ed al vs v cf ca approx aprox e.g i.e p.ej"
    " p.es bijv bv d.d d.w.z d.m.v i.v.m m.b.t t.a.v o.a resp incl excl evt ong nl art par cap eds"
    # clinic
    " pt pts pat hx dx tx rx sx fx inj tab tabl tabs caps amp ampl susp sol comp cp gtt iny jarab pac"
    " max min med temp resp neg pos bilat lat sup inf ant post dist prox abd ext dept hosp"
    " i.v i.m s.c p.o v.o e.v".split()
)
_BEFORE_NUMBER: Final = frozenset(["no", "nos", "nr", "nro", "núm", "num"])  # `no.` without one is an answer
# a run is tried at its first character alone, so that long ones take linear time
_CANDIDATE: Final = re.compile(r"(?<![.?!…])[.?!…]+[\"'”’)\]]*(?=\s)|(?<![ \t])[ \t]*\r?\n\s*")
_LIST_ITEM: Final = re.compile(r"(?:[-*•·▪–—+>]|\(?\d{1,2}[.)](?!\d)|\(?[a-z][.)])[ \t]+\S")
_HEADING: Final = re.compile(r"[^\W\d_][^\n:.;]{0,50}:(?:\s|$)")
_LAST_WORD: Final = re.compile(r"[^\s(\[\"'“]*$")
_NUMBERED: Final = re.compile(r"\s*\(?(?:\d{1,2}|[a-zA-Z])$")
_WRAP_WIDTH: Final = 55
_REACH: Final = 40  # characters looked at on either side of a mark


def sentence_spans(text: str, *, abbreviations: bool = True, lists: bool = True) -> list[Span]:
    """Split one document.

    Args:
        text: the document.
        abbreviations: do not end a sentence at a known abbreviation.
        lists: begin a sentence at a list item, and keep its number with it.

    Returns:
        Half-open ranges without white space at either side; none is empty.
    """
    spans, start = [], 0
    for stop in _ends(text, abbreviations=abbreviations, lists=lists):
        spans.append(stripped(text, start, stop))
        start = stop
    spans.append(stripped(text, start, len(text)))
    return [span for span in spans if span.start < span.stop]


def stripped(text: str, start: int, stop: int) -> Span:
    """Return the range without white space at its sides."""
    piece = text[start:stop]
    body = piece.strip()
    left = start + len(piece) - len(piece.lstrip())
    return Span(left, left + len(body))


def _ends(text: str, *, abbreviations: bool, lists: bool) -> Iterator[int]:
    start = 0
    for match in _CANDIDATE.finditer(text):
        if "\n" in match.group():
            if _ends_at_line(text, match, lists=lists):
                yield (start := match.start())
        elif _ends_at_mark(text, start, match, abbreviations=abbreviations, lists=lists):
            yield (start := match.end())


def _ends_at_mark(text: str, start: int, match: re.Match[str], *, abbreviations: bool, lists: bool) -> bool:
    following = text[match.end() : match.end() + _REACH].lstrip()
    if not following or match.group()[0] != ".":
        return True
    line = text[max(start, match.start() - _REACH) : match.start()].rpartition("\n")[2]
    word = _last_word(line)
    if lists and _NUMBERED.match(line):
        return False
    if following[0].islower():
        return False
    if abbreviations and _abbreviated(word.lower(), following):
        return False
    return not (abbreviations and len(word) == 1 and word.isupper() and following[0].isupper())


def _abbreviated(word: str, following: str) -> bool:
    return word in _ABBREVIATIONS or (word in _BEFORE_NUMBER and following[0].isdigit())


def _last_word(line: str) -> str:
    found = _LAST_WORD.search(line[-_REACH:])
    return found.group() if found else ""


def _ends_at_line(text: str, match: re.Match[str], *, lists: bool) -> bool:
    following = text[match.end() : match.end() + 60]
    if match.group().count("\n") > 1 or not following:
        return True
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    if (lists and _LIST_ITEM.match(following)) or _HEADING.match(following):
        return True
    if not line or line[-1] in ".?!:;":
        return not (line.endswith(".") and _last_word(line[:-1]).lower() in _ABBREVIATIONS)
    if following[0].islower() or line[-1] in ",(-/" or following[0] in ",;.)":
        return False
    return len(line) + len(following.split(None, 1)[0]) < _WRAP_WIDTH
