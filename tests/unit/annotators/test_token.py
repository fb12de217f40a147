import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cases import load_cases
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import BREAKS, Tokenizer
from clinspan.schema import ANNOTATIONS, TOKEN, annotation_kind
from helpers import documents, metadata, ranges, tokens_of

NEVER = r"(?!)"  # an exception that never matches takes the path of custom rules
CLINICAL = st.text(alphabet="ab1.,;:!?*-()\"'%/ \t\n\r\x0b\u00a0\u2003\u2028é😀", max_size=40)


@pytest.mark.parametrize("case", load_cases("tokenizer.jsonl"))
@pytest.mark.parametrize("options", [{}, {"exceptions": (NEVER,)}], ids=["default path", "custom path"])
def test_worked_examples(case, options):
    assert tokens_of(case["text"], **options) == case["tokens"]


@given(st.lists(st.text(max_size=20) | CLINICAL, max_size=4))
@example(["\U0010ffff a.", ".\ue000."])
def test_the_default_path_equals_the_custom_path(values):
    batch = documents(*values)
    assert Tokenizer().annotate(batch).equals(Tokenizer(exceptions=(NEVER,)).annotate(batch))


@given(CLINICAL, st.sets(st.sampled_from(".-%'^]\\a"), max_size=3), st.integers(0, 2), st.integers(1, 4))
def test_paths_are_equal_with_other_context_and_lengths(text, context, shortest, longest):
    options = {"context_chars": tuple(context), "min_length": shortest, "max_length": longest}
    assert tokens_of(text, **options) == tokens_of(text, exceptions=(NEVER,), **options)


@given(st.lists(st.text(max_size=20) | CLINICAL, max_size=4))
def test_tokens_are_slices_and_leave_out_breaks_alone(values):
    for text, found in zip(values, ranges(Tokenizer().annotate(documents(*values)), "token"), strict=True):
        at = 0
        for begin, end, result in found:
            assert result == text[begin : end + 1] != ""
            assert set(text[at:begin]) <= set(BREAKS)
            at = end + 1
        assert set(text[at:]) <= set(BREAKS)


def test_offsets_are_those_of_the_document_in_code_points():
    batch = Tokenizer(input_cols="sentence").annotate(SentenceDetector().annotate(documents("😀 Pain. No rash.", None)))
    assert ranges(batch, "token") == [
        [(0, 0, "😀"), (2, 5, "Pain"), (6, 6, "."), (8, 9, "No"), (11, 14, "rash"), (15, 15, ".")],
        [],
    ]
    assert metadata(batch, "token", "sentence") == [["0", "0", "0", "1", "1", "1"], []]
    field = batch.schema.field("token")
    assert (field.type, annotation_kind(field)) == (ANNOTATIONS, TOKEN)


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u2028", "\u2029", "\u0085", "\u3000", "\u200b"])
def test_other_spaces_do_not_break(space):
    assert tokens_of(f"5{space}mg od") == [f"5{space}mg", "od"]


@pytest.mark.parametrize("space", list(BREAKS))
def test_breaks(space):
    assert tokens_of(f"5{space}mg") == ["5", "mg"]


@pytest.mark.parametrize(
    ("text", "exceptions", "wanted"),
    [
        ("in New York now", ("New York",), ["in", "New York", "now"]),
        ("in New York, now", ("New York",), ["in", "New York,", "now"]),
        ("New  York", ("New York",), ["New", "York"]),
        ("New\nYork", (r"New\sYork",), ["New\nYork"]),
        ("New York City", ("New York", "York City"), ["New York City"]),
        # folded from the last to the first: b c is protected before a b c is looked for
        ("a b c", ("a b c", "b c"), ["a", "b c"]),
        ("a b c", ("b c", "a b c"), ["a b c"]),
        ("fish and chips", (" and ",), ["fish and chips"]),
        ("(e.g., this)", ("e.g.",), ["(e.g.,", "this", ")"]),
        ("Take q.d. and b.i.d.", (r"[qb]\.(?:i\.)?d\.",), ["Take", "q.d.", "and", "b.i.d."]),
        ("x New York. New York.", ("(?<=x )New York",), ["x", "New York.", "New", "York", "."]),
        ("aspirin.", ("ASPIRIN.",), ["aspirin", "."]),
    ],
)
def test_exceptions(text, exceptions, wanted):
    assert tokens_of(text, exceptions=exceptions) == wanted


def test_exceptions_without_regard_to_case():
    options = {"exceptions": ("new york", "E.G."), "case_sensitive_exceptions": False}
    assert tokens_of("New York, e.g. Bronx", **options) == ["New York,", "e.g.", "Bronx"]


def test_exceptions_do_not_reach_over_sentences():
    batch = SentenceDetector(custom_bounds=("%",)).annotate(documents("New % York"))
    found = Tokenizer(input_cols="sentence", exceptions=(r"New\W+York",)).annotate(batch)
    assert ranges(found, "token") == [[(0, 2, "New"), (6, 9, "York")]]


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        ("a1-B2 c.", {"target_pattern": "a-z-0-7"}, ["a1", "-", "2", "c"]),
        ("ab,cd", {"target_pattern": "a-z"}, ["ab", "cd"]),
        ("ab,cd ef", {"target_pattern": "a-z ", "exceptions": (NEVER,)}, ["ab", "cd ef"]),
        ("a,.b (c)", {"context_chars": ("(",)}, ["a,.b", "(", "c)"]),
        ("a^ [b] -c]", {"context_chars": ("^", "]", "[", "-")}, ["a", "^", "[", "b", "]", "-", "c", "]"]),
        ("(b).", {"context_chars": ()}, ["(b)."]),
        ("(b).", {"context_chars": (), "exceptions": (NEVER,)}, ["(b)."]),
        ("$5, x", {"prefix_pattern": r"\A([$]*)"}, ["$", "5", ",", "x"]),
        ("b.i.d., x", {"suffix_pattern": r"([.])([,]*)\z"}, ["b.i.d", ".", ",", "x"]),
        ("dell'aspirina", {"infix_patterns": (r"(\w+')(\w+)",)}, ["dell'", "aspirina"]),
        ("(l'ora) b-c", {"infix_patterns": (r"(\w+')(\w+)", r"(\w+)(-)(\w+)")}, ["(", "l'", "ora", ")", "b", "-", "c"]),
        ("a+b", {"infix_patterns": (r"(\d+)",)}, ["a+b"]),
        ("a-b/c", {"split_pattern": "[-/]"}, ["a", "b", "c"]),
        ("a--b-", {"split_chars": ("-",)}, ["a", "b"]),
        ("a.b|c", {"split_chars": ("\\.", "|")}, ["a", "b", "c"]),
        ("a-b/c", {"split_pattern": "/", "split_chars": ("-",)}, ["a-b", "c"]),
        ("(a-b)", {"split_chars": ("-",)}, ["(", "a", "b", ")"]),
        ("a bc def", {"min_length": 2}, ["bc", "def"]),
        ("a bc def", {"max_length": 2}, ["a", "bc"]),
        ("a bc def", {"min_length": 2, "max_length": 2, "exceptions": (NEVER,)}, ["bc"]),
    ],
)  # fmt: skip
def test_parameters(text, options, wanted):
    assert tokens_of(text, **options) == wanted


def test_split_tokens_keep_their_offsets():
    batch = Tokenizer(split_chars=("-",)).annotate(documents("no é-b", "c-d"))
    assert ranges(batch, "token") == [[(0, 1, "no"), (3, 3, "é"), (5, 5, "b")], [(0, 0, "c"), (2, 2, "d")]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context_chars": ("ab",)}, "context_chars"),
        ({"context_chars": ("",)}, "context_chars"),
        ({"split_chars": ("ab",)}, "split_chars"),
        ({"split_chars": ("",)}, "split_chars"),
        ({"split_chars": ("\\ab",)}, "split_chars"),
        ({"prefix_pattern": "([$]*)"}, "prefix_pattern"),
        ({"suffix_pattern": "([$]*)"}, "suffix_pattern"),
        ({"suffix_pattern": r"\z([$]*)"}, "suffix_pattern"),
        ({"infix_patterns": (r"\w+",)}, "infix_patterns"),
        ({"infix_patterns": (r"(\w+)", r"\w+")}, "infix_patterns"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=f"requirement failed: {message}"):
        Tokenizer(**options)


@pytest.mark.parametrize("options", [{}, {"exceptions": (r"New\sYork",)}], ids=["default path", "custom path"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("New York " * 20_000, id="exceptions"),
        pytest.param("x" * 200_000, id="one word"),
        pytest.param("." * 200_000, id="dots"),
        pytest.param("a." * 100_000, id="abbreviation"),
        pytest.param(" " * 200_000, id="spaces"),
    ],
)
def test_long_texts_take_linear_time(text, options):
    began = time.process_time()
    tokens_of(text, **options)
    assert time.process_time() - began < 10
