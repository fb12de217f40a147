from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.inference.decoding import best_tags, decoded, softmax, viterbi
from clinspan.schema import starts_of
from clinspan.tagging import allowed_transitions, follows_scheme

TAG_SETS = [
    ["O", "B-A", "I-A"],
    ["B-A", "I-A"],
    ["I-A", "B-A", "O", "I-B", "B-B"],
    ["O", "B-A", "I-A", "E-A", "S-A"],
    ["PAD", "O", "B-A", "I-A"],
    ["O", "I-A", "I-B"],
]


@st.composite
def tagging(draw):
    """A tag set, sentence lengths, and logits without ties."""
    tags = draw(st.sampled_from(TAG_SETS))
    lengths = draw(st.lists(st.integers(0, 4), max_size=4))
    seed = draw(st.integers(0, 2**32 - 1))
    logits = np.random.default_rng(seed).normal(0, 3, (sum(lengths), len(tags))).astype(np.float32)
    return tags, lengths, logits


def brute_force(logits, follow, first):
    """The best allowed path by trying all."""
    paths = [
        path
        for path in product(range(logits.shape[1]), repeat=len(logits))
        if first[path[0]] and all(follow[a, b] for a, b in pairwise(path))
    ]
    return list(max(paths, key=lambda path: sum(float(row[tag]) for row, tag in zip(logits, path, strict=True))))


@given(tagging())
def test_best_tags_are_those_of_brute_force(drawn):
    tags, lengths, logits = drawn
    follow, first = allowed_transitions(tags)
    starts = starts_of(lengths)
    parts = [logits[a:b] for a, b in pairwise(starts) if a < b]
    wanted = [tag for part in parts for tag in brute_force(part, follow, first)]
    assert best_tags(logits, starts, follow, first).tolist() == wanted


@given(tagging())
def test_the_arg_max_shortcut_equals_viterbi(drawn):
    tags, lengths, logits = drawn
    follow, first = allowed_transitions(tags)
    starts = starts_of(lengths)
    found = viterbi(logits, starts, barred(follow), barred(first))
    assert best_tags(logits, starts, follow, first).tolist() == found.tolist()


@given(tagging())
def test_sentences_do_not_depend_on_each_other(drawn):
    """Learnt scores: the sentences together give what each gives alone, and what trying all paths gives."""
    tags, lengths, logits = drawn
    random = np.random.default_rng(len(logits))
    follow, first = random.normal(0, 2, (len(tags), len(tags))), random.normal(0, 2, len(tags))
    starts = starts_of(lengths)
    together = viterbi(logits, starts, follow, first).tolist()
    parts = [logits[a:b] for a, b in pairwise(starts) if a < b]
    assert together == [t for part in parts for t in viterbi(part, np.array([0, len(part)]), follow, first).tolist()]
    assert together == [tag for part in parts for tag in best_path(part, follow, first)]


def best_path(logits, follow, first):
    """The best path under learnt scores by trying all."""

    def score(path):
        steps = sum(follow[a, b] for a, b in pairwise(path))
        return first[path[0]] + steps + sum(float(row[tag]) for row, tag in zip(logits, path, strict=True))

    return max(product(range(logits.shape[1]), repeat=len(logits)), key=score)


def barred(allowed):
    """Scores that forbid what is not allowed."""
    return np.where(allowed, 0.0, -np.inf)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1, 50])
def test_long_sentences_lose_no_precision(scale, kind):
    """The best path of a long sentence is the arg-max wherever that is allowed, however far it is in."""
    tags = ["O", "B-A", "I-A"]
    follow, first = allowed_transitions(tags)
    logits = np.random.default_rng(3).normal(scale, 1e-3, (30_000, 3)).astype(np.float32)
    logits[:, 2] -= 1  # I- never wins
    scores = (barred(allowed).astype(kind) for allowed in (follow, first))
    found = viterbi(logits, np.array([0, len(logits)]), *scores)
    assert (found == logits.argmax(axis=1)).all()


def test_only_sentences_with_a_forbidden_step_change():
    tags = ["O", "B-A", "I-A"]
    logits = np.array([[0, 1, 0], [0, 0, 1], [1, 0.5, 3], [0, 0, 1]], np.float32)
    found = best_tags(logits, np.array([0, 2, 4]), *allowed_transitions(tags))
    assert [tags[t] for t in found] == ["B-A", "I-A", "B-A", "I-A"]


def test_iob1_allows_everything():
    tags = ["O", "I-A", "B-B"]
    logits = np.array([[0, 2, 1], [0, 1, 2]], np.float32)
    assert best_tags(logits, np.array([0, 2]), *allowed_transitions(["O", "I-A"])).tolist() == [1, 2]
    assert best_tags(logits, np.array([0, 2]), *allowed_transitions(tags)).tolist() == [1, 2]


def test_no_tokens():
    assert (
        best_tags(np.zeros((0, 3), np.float32), np.array([0, 0]), *allowed_transitions(["O", "B-A", "I-A"])).size == 0
    )


def test_softmax():
    found = softmax(np.array([[0, np.log(3)], [1000, 1000]], np.float32))
    assert np.allclose(found, [[0.25, 0.75], [0.5, 0.5]])
    assert found.dtype == np.float32


IOB2 = ["O", "B-A", "I-A", "B-B", "I-B"]


@pytest.mark.parametrize(
    ("tags", "given", "wanted"),
    [
        (IOB2, "B-A ? I-A", "B-A I-A I-A"),
        (IOB2, "B-A ? ? I-A O", "B-A I-A I-A I-A O"),
        (IOB2, "B-A ? O", "B-A O O"),
        (IOB2, "B-A ? B-A", "B-A O B-A"),
        (IOB2, "? B-A ?", "O B-A O"),
        (IOB2, "? ?", "O O"),
        (["O", "B-A", "I-A", "E-A", "S-A"], "B-A ? E-A ?", "B-A I-A E-A O"),
        (["O", "B-A", "E-A"], "B-A ? E-A", "B-A E-A E-A"),
        (["O", "I-A"], "I-A ? I-A", "I-A O I-A"),
    ],
)
def test_a_unit_without_logits_belongs_to_the_entity_around_it(tags, given, wanted):
    names = given.split()
    logits = np.array([np.eye(len(tags))[tags.index(n)] * 9 if n != "?" else [np.nan] * len(tags) for n in names])
    tag_ids, scores = decoded(logits.astype(np.float32), np.array([0, len(names)]), tags)
    assert [tags[i] for i in tag_ids] == wanted.split()
    assert np.isfinite(scores).all()


def test_a_unit_without_logits_is_as_sure_as_the_one_behind():
    logits = np.array([[0, 9, 0], [np.nan] * 3, [0, 0, 1]], dtype=np.float32)
    _, scores = decoded(logits, np.array([0, 3]), IOB2[:3])
    assert scores[1, 2] == scores[2, 2]


def test_an_entity_does_not_go_on_in_the_next_sentence():
    logits = np.array([[0, 9, 0], [np.nan] * 3, [np.nan] * 3, [0, 0, 9]], dtype=np.float32)
    tag_ids, _ = decoded(logits, np.array([0, 2, 4]), IOB2[:3])
    assert tag_ids[1] == tag_ids[2] == 0


@given(tagging(), st.data())
def test_what_is_decoded_follows_the_scheme_whatever_is_unknown(drawn, data):
    tags, lengths, logits = drawn
    if "O" not in tags:
        tags, logits = ["O", *tags], np.insert(logits, 0, 0, axis=1)
    unknown = data.draw(st.lists(st.booleans(), min_size=len(logits), max_size=len(logits)))
    logits[np.array(unknown, dtype=bool)] = np.nan
    starts = starts_of(lengths)
    tag_ids, _ = decoded(logits, starts, tags)
    if {"E-A", "S-A"}.isdisjoint(tags) and len(tag_ids):
        assert follows_scheme(tag_ids, starts[:-1][np.diff(starts) > 0], tags)
