import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.tagging import (
    LabelledSpan,
    Tag,
    TagTable,
    allowed_transitions,
    follows_scheme,
    iob2_tags,
    label_names,
    parse_tag,
    put_tags,
    spark_spans,
    tags_to_spans,
)

LABELS = st.sampled_from(["Organ", "B-cell", "PAD"])
TAGS = ["O", "PAD", "AGE", "X", "", "NA", "B-", "B-X", "I-X", "B-Y", "I-Y", "S-X", "E-X", "S-Y", "U-Y", "L-Y"]


@st.composite
def span_lists(draw):
    """A length and spans over it that do not overlap."""
    spans, at = [], 0
    for gap, size, label in draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), LABELS), max_size=6)):
        spans.append((at + gap, at + gap + size, label))
        at += gap + size
    return at + draw(st.integers(0, 2)), spans


def spelled(length, spans, scheme):
    """Spell spans (first token, one past last, label) that do not overlap as tags."""
    tags = ["O"] * length
    previous = (-1, "")
    for start, stop, label in sorted(spans):
        inside = [f"I-{label}"] * (stop - start)
        if scheme == "IOB2" or (scheme == "IOB1" and previous == (start, label)):
            inside[0] = f"B-{label}"
        elif scheme == "BIOES":
            inside[0], inside[-1] = f"B-{label}", f"E-{label}"
            if stop - start == 1:
                inside[0] = f"S-{label}"
        tags[start:stop] = inside
        previous = (stop, label)
    return tags


@given(span_lists(), st.sampled_from(["IOB1", "IOB2", "BIOES"]))
def test_tags_read_back_as_the_spans_they_spell(drawn, scheme):
    length, spans = drawn
    tags = spelled(length, spans, scheme)
    assert len(tags) == length
    assert tags_to_spans(tags) == spans


@given(span_lists())
def test_bilou_letters_mean_the_same(drawn):
    length, spans = drawn
    renamed = [{"S": "U", "E": "L"}.get(t[0], t[0]) + t[1:] for t in spelled(length, spans, "BIOES")]
    assert tags_to_spans(renamed) == spans


SCHEMES = [
    ("IOB1", "I-X I-X B-X O I-Y"),
    ("IOB2", "B-X I-X B-X O B-Y"),
    ("BIOES", "B-X E-X S-X O S-Y"),
]


@pytest.mark.parametrize(("scheme", "tags"), SCHEMES)
def test_schemes(scheme, tags):
    spans = [(0, 2, "X"), (2, 3, "X"), (4, 5, "Y")]
    assert spelled(5, spans, scheme) == tags.split()
    assert tags_to_spans(tags.split()) == spans


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("B-Organ", Tag("B", "Organ")),
        ("I-Birth_Entity", Tag("I", "Birth_Entity")),
        ("S-B-cell", Tag("S", "B-cell")),
        ("AGE", Tag("", "AGE")),
        ("T-cell", Tag("", "T-cell")),
        *((tag, Tag("O", "")) for tag in ["O", "PAD", "X", "NA", "", "[PAD]", "[CLS]", "[SEP]", "B-", "I-"]),
    ],
)
def test_parse_tag(tag, wanted):
    assert parse_tag(tag) == wanted


def test_label_names_and_iob2_tags():
    assert label_names(["PAD", "O", "I-B", "B-A", "I-A", "B-C"]) == ["B", "A", "C"]
    assert iob2_tags(["A", "B"]) == ["O", "B-A", "I-A", "B-B", "I-B"]
    assert label_names(iob2_tags(["A", "B"])) == ["A", "B"]


def spans(tags, group=None, **options):
    table = TagTable.from_tags(TAGS)
    ids = np.array([TAGS.index(t) for t in tags], np.int64)
    first, stop, label = table.spans(ids, np.array(group or [0] * len(tags)), **options)
    return [(int(a), int(b), table.labels[c]) for a, b, c in zip(first, stop, label, strict=True)]


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("B-X B-X", [(0, 2, "X")]),
        ("B-X I-X B-X", [(0, 3, "X")]),
        ("S-X S-X", [(0, 2, "X")]),
        ("B-X B-Y", [(0, 1, "X"), (1, 2, "Y")]),
        ("B-X O B-X", [(0, 1, "X"), (2, 3, "X")]),
    ],
)
def test_greedy_joins_neighbours_of_one_label(tags, wanted):
    assert spans(tags.split(), greedy=True) == wanted


@pytest.mark.parametrize("last", ["E-X", "L-X", "S-X", "U-X"])
def test_a_closing_tag_ends_its_span(last):
    assert tags_to_spans(["I-X", last, "I-X"])[-1] == (2, 3, "X")
    assert tags_to_spans(["O", last, "I-Y", "E-X"]) == [(1, 2, "X"), (2, 3, "Y"), (3, 4, "X")]


def test_no_span_crosses_a_group():
    assert spans(["B-X", "I-X", "I-X"], [0, 0, 1]) == [(0, 2, "X"), (2, 3, "X")]
    assert spans(["B-X", "B-X"], [0, 1], greedy=True) == [(0, 1, "X"), (1, 2, "X")]
    assert spans([]) == []


def may_follow(tags, before, after):
    follow, _ = allowed_transitions(tags)
    return bool(follow[tags.index(before), tags.index(after)])


@pytest.mark.parametrize(
    ("tags", "before", "after", "wanted"),
    [
        ("O B-A I-A B-B I-B", "O", "I-A", False),
        ("O B-A I-A B-B I-B", "B-B", "I-A", False),
        ("O B-A I-A B-B I-B", "B-A", "I-A", True),
        ("O B-A I-A B-B I-B", "I-A", "I-A", True),
        ("O B-A I-A B-B I-B", "I-A", "B-A", True),
        ("O PAD B-A I-A", "PAD", "I-A", False),
        ("O B-A I-A E-A S-A", "S-A", "I-A", False),
        ("O B-A I-A E-A S-A", "E-A", "E-A", False),
        ("O B-A I-A E-A S-A", "I-A", "E-A", True),
        ("O I-A", "O", "I-A", True),  # IOB1
        ("O B-A I-A I-B", "O", "I-B", True),  # a label without B-
    ],
)
def test_allowed_transitions(tags, before, after, wanted):
    assert may_follow(tags.split(), before, after) is wanted


def test_a_sentence_begins_with_no_continuation():
    tags = "O B-A I-A I-B E-A".split()
    assert allowed_transitions(tags)[1].tolist() == [True, True, False, True, False]


def slow_spark_spans(tags, group):
    """The state machine of contract 7.1, step by step."""
    found, current = [], None

    def close(stop):
        nonlocal current
        if current is not None:
            found.append((current, stop))
        current = None

    for i, tag in enumerate(tags):
        if i and group[i] != group[i - 1]:
            close(i)
        if tag.startswith("B-") or tag == "O":
            close(i)
        if current is None and tag != "O" and len(tag) >= 2:
            current = i
    close(len(tags))
    return found


@given(st.lists(st.tuples(st.sampled_from(TAGS), st.booleans()), max_size=14))
def test_spark_spans_follow_the_state_machine(items):
    tags, group = [tag for tag, _ in items], np.cumsum([new for _, new in items], dtype=np.int64)
    first, stop = spark_spans(np.array([TAGS.index(t) for t in tags], np.int64), group, TAGS)
    assert list(zip(first.tolist(), stop.tolist(), strict=True)) == slow_spark_spans(tags, group)


@pytest.mark.parametrize(
    ("sentences", "expected"),
    [
        ("B-X I-X|O B-X", True),
        ("B-X O|O I-X", False),  # IOB1 that has a B-, too
        ("I-X I-X|O I-X", True),  # IOB1 without
        ("B-X|I-X", False),  # the first of a sentence follows nothing
    ],
)
def test_whether_tags_follow_their_scheme(sentences, expected):
    parts = [part.split() for part in sentences.split("|")]
    tags = sorted({tag for part in parts for tag in part})
    ids = np.array([tags.index(tag) for part in parts for tag in part])
    starts = np.cumsum([0, *map(len, parts)])
    assert follows_scheme(ids, starts, tags) == expected


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ([(0, 7, "A"), (6, 9, "B")], "B-A I-A I-A I-A O"),
        ([(0, 7, "A"), (6, 9, "A")], "B-A I-A I-A I-A O"),
        ([(2, 4, "A"), (0, 6, "B")], "B-B I-B I-B O O"),
        ([(0, 4, "A"), (4, 6, "A"), (6, 8, "B")], "B-A I-A B-A B-B O"),
        ([(1, 2, "A")], "B-A O O O O"),
        ([(10, 12, "A")], "O O O O O"),
    ],
)
def test_of_spans_that_share_units_the_longest_is_written_whole(spans, wanted):
    tags = iob2_tags(["A", "B"])
    tag_ids = np.zeros(5, dtype=np.int64)
    starts = np.arange(0, 10, 2)
    put_tags(tag_ids, starts, starts + 2, [LabelledSpan(*span) for span in spans], {t: i for i, t in enumerate(tags)})
    assert [tags[i] for i in tag_ids] == wanted.split()


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(1, 9), st.sampled_from("AB")), max_size=8))
def test_tags_of_spans_follow_the_scheme(drawn):
    tags = iob2_tags(["A", "B"])
    tag_ids = np.zeros(10, dtype=np.int64)
    spans = [LabelledSpan(start, start + size, label) for start, size, label in drawn]
    put_tags(tag_ids, np.arange(0, 20, 2), np.arange(2, 22, 2), spans, {t: i for i, t in enumerate(tags)})
    assert follows_scheme(tag_ids, np.array([0]), tags)
