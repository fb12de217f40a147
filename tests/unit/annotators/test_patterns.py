"""Patterns of users: Java's leading flags, and errors when a stage is made."""

import pytest

from clinspan.annotators.patterns import scoped
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import Tokenizer
from clinspan.exceptions import InputError


@pytest.mark.parametrize(
    ("given", "wanted"), [("(?i)a|b", "(?i:a|b)"), ("a(?i:b)", "a(?i:b)"), ("(?:a)", "(?:a)"), ("", "")]
)
def test_leading_flags_hold_for_their_pattern(given, wanted):
    assert scoped(given) == wanted


def test_flags_of_one_bound_are_not_those_of_another():
    detector = SentenceDetector(custom_bounds=("(?i)assessment:", "PLAN:"), use_custom_bounds_only=True)
    text = "fine Assessment: stable plan: rest PLAN: home"
    assert [text[a:b] for a, b in detector.spans(text)] == ["fine", "stable plan: rest", "home"]


def test_flags_of_an_infix():
    import pyarrow as pa

    from clinspan.codepoints import CodePoints

    text = CodePoints.from_arrow(pa.array(["5MG/ml"]))
    starts, stops = Tokenizer(infix_patterns=(r"(?i)(\d+)(mg)(/)(ml)",)).spans(text)
    assert list(zip(starts.tolist(), stops.tolist(), strict=True)) == [(0, 1), (1, 3), (3, 4), (4, 6)]


@pytest.mark.parametrize(
    ("stage", "parameter", "pattern"),
    [
        (Tokenizer, "infix_patterns", r"(\p{L}+)(-)"),
        (Tokenizer, "exceptions", "a(b"),
        (Tokenizer, "split_pattern", "["),
        (Tokenizer, "target_pattern", "z-a"),
        (SentenceDetector, "custom_bounds", "*"),
    ],
)
def test_what_is_no_pattern_is_an_error_when_the_stage_is_made(stage, parameter, pattern):
    value = (pattern,) if parameter in ("infix_patterns", "exceptions", "custom_bounds") else pattern
    with pytest.raises(InputError, match=f"{parameter}: .* is no pattern of Python's re module"):
        stage(**{parameter: value})
