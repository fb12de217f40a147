import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.evaluation import entity
from clinspan.evaluation.entity import MICRO, MODES, Score, score_entities, strict_f1
from clinspan.tagging import LabelledSpan

X, Y = "X", "Y"
SPANS = st.builds(
    lambda start, size, label: LabelledSpan(start, start + size, label),
    st.integers(0, 12),
    st.integers(1, 4),
    st.sampled_from([X, Y]),
)
NOTES = st.lists(st.tuples(st.lists(SPANS, max_size=4), st.lists(SPANS, max_size=4)), min_size=1, max_size=8)


def spans(*given_spans):
    return [LabelledSpan(*span) for span in given_spans]


def rates(gold, predicted, mode, label=MICRO):
    score = score_entities(gold, predicted, replicates=0)[mode][label]
    return score.precision, score.recall, score.f1


# one found exactly, one overlapped, one found under another label, one missed; two found where nothing is
GOLD = [spans((0, 5, X), (10, 15, X), (20, 25, X), (30, 35, Y))]
PREDICTED = [spans((0, 5, X), (12, 17, X), (20, 25, Y), (40, 45, Y), (50, 55, Y))]


@pytest.mark.parametrize(
    ("mode", "label", "precision", "recall", "support"),
    [
        ("strict", MICRO, 1 / 5, 1 / 4, 4),
        ("strict", X, 1 / 2, 1 / 3, 3),
        ("strict", Y, 0, 0, 1),
        ("partial", MICRO, 2.5 / 5, 2.5 / 4, 4),
        ("partial", X, 1.5 / 2, 1.5 / 3, 3),
        ("type", MICRO, 2 / 5, 2 / 4, 4),
        ("type", X, 2 / 2, 2 / 3, 3),
        ("partial", Y, 0, 0, 1),
        ("type", Y, 0, 0, 1),
    ],
)
def test_arithmetic(mode, label, precision, recall, support):
    score = score_entities(GOLD, PREDICTED, replicates=0)[mode][label]
    f1 = 2 * precision * recall / (precision + recall) if precision else 0
    assert score == pytest.approx(Score(precision, recall, f1, None, None, support))


@pytest.mark.parametrize(
    ("gold", "predicted", "strict", "partial", "kind"),
    [
        pytest.param([(0, 4, X)], [(4, 8, X)], (0, 0), (0, 0), (0, 0), id="adjacent spans do not overlap"),
        pytest.param([(0, 4, X)], [(3, 8, X)], (0, 0), (0.5, 0.5), (1, 1), id="one character overlaps"),
        pytest.param([(0, 4, X)], [(0, 4, Y)], (0, 0), (1, 1), (0, 0), id="another label"),
        pytest.param([(0, 4, X)], [(3, 8, Y)], (0, 0), (0.5, 0.5), (0, 0), id="an overlap with another label"),
        pytest.param([(0, 9, X)], [(0, 4, X), (5, 9, X)], (0, 0), (0.25, 0.5), (0.5, 1), id="one gold, two found"),
        pytest.param([(0, 4, X), (5, 9, X)], [(0, 9, X)], (0, 0), (0.5, 0.25), (1, 0.5), id="two gold, one found"),
        pytest.param([(0, 9, X), (5, 9, X)], [(5, 9, X)], (1, 0.5), (1, 0.5), (1, 0.5), id="the equal one first"),
        pytest.param(
            [(0, 4, X), (5, 9, X)], [(3, 7, X), (8, 9, X)], (0, 0), (0.5, 0.5), (1, 1), id="in order of position"
        ),
        pytest.param([(0, 4, X), (0, 4, Y)], [(0, 4, X)], (1, 0.5), (1, 0.5), (1, 0.5), id="two labels on one stretch"),
        pytest.param([(0, 4, X)], [(0, 4, X)] * 2, (1, 1), (1, 1), (1, 1), id="the same span twice counts once"),
        pytest.param([(0, 4, X)], [], (0, 0), (0, 0), (0, 0), id="nothing found"),
        pytest.param([], [(0, 4, X)], (0, 0), (0, 0), (0, 0), id="nothing to find"),
        pytest.param([], [], (0, 0), (0, 0), (0, 0), id="nothing at all"),
    ],
)
def test_overlaps(gold, predicted, strict, partial, kind):
    for mode, wanted in zip(MODES, (strict, partial, kind), strict=True):
        assert rates([spans(*gold)], [spans(*predicted)], mode)[:2] == wanted


def test_spans_are_compared_within_their_document():
    gold, predicted = [spans((0, 4, X)), []], [[], spans((0, 4, X))]
    assert all(rates(gold, predicted, mode) == (0, 0, 0) for mode in MODES)


def test_documents_must_be_as_many():
    with pytest.raises(ValueError, match="zip"):
        score_entities([[]], [[], []])


def test_no_documents():
    scores = score_entities([], [])
    assert scores.documents == 0
    assert all(scores[mode] == {MICRO: Score(0, 0, 0, None, None, 0)} for mode in MODES)


@given(NOTES)
def test_scores_are_ordered_and_symmetric(notes):
    gold, predicted = [g for g, _ in notes], [p for _, p in notes]
    forth, back = score_entities(gold, predicted, replicates=0), score_entities(predicted, gold, replicates=0)
    for label in forth["strict"]:
        strict, partial, kind = (forth[mode][label] for mode in MODES)
        assert strict.f1 <= min(partial.f1, kind.f1) + 1e-9
        assert label == MICRO or partial.f1 <= kind.f1 + 1e-9
        for mode in MODES:
            assert (forth[mode][label].precision, forth[mode][label].recall) == (
                back[mode][label].recall,
                back[mode][label].precision,
            )
    assert strict_f1(gold, predicted) == forth["strict"][MICRO].f1
    assert strict_f1(gold, gold) == float(any(gold))


@given(NOTES)
def test_strict_scores_are_those_of_their_definition(notes):
    right = sum(span in gold for gold, predicted in notes for span in set(predicted))
    wanted, found = (sum(len(set(spans)) for spans in side) for side in zip(*notes, strict=True))
    score = score_entities(*zip(*notes, strict=True), replicates=0)["strict"][MICRO]
    assert score[:2] == (right / max(found, 1), right / max(wanted, 1))
    assert strict_f1(*zip(*notes, strict=True)) == pytest.approx(2 * right / max(found + wanted, 1))


@given(NOTES)
def test_no_span_is_matched_twice(notes):
    gold, predicted = zip(*notes, strict=True)
    for label, score in score_entities(gold, predicted, replicates=0)["type"].items():
        wanted, found = (
            sum(label in (MICRO, span.label) for note in side for span in set(note)) for side in (gold, predicted)
        )
        assert score.precision * found == pytest.approx(score.recall * wanted)
        assert score.precision * found <= min(wanted, found) + 1e-9


def test_a_document_of_many_spans_takes_no_longer_than_many_documents():
    """Pairs of all with all would be 400 million."""
    many = spans(*((10 * i, 10 * i + 5, X) for i in range(20_000)))
    moved = [s._replace(start=s.start + 1) for s in many]
    start = time.process_time()
    assert score_entities([many], [moved], replicates=0)["type"][MICRO].f1 == 1
    assert time.process_time() - start < 5


def drawn_notes(documents):
    """Notes in which three spans in four are found, and one in five is false."""
    generator = np.random.default_rng(documents)
    gold = [spans(*((10 * i, 10 * i + 5, X) for i in range(1 + generator.integers(6)))) for _ in range(documents)]
    found = [[s for s in g if generator.random() < 0.75] for g in gold]
    return gold, [[*p, *spans((900, 905, X))] if generator.random() < 0.5 else p for p in found]


@pytest.mark.parametrize("documents", [10, 30, 200])
def test_intervals_contain_the_score(documents):
    scores = score_entities(*drawn_notes(documents))
    for mode in MODES:
        for score in scores[mode].values():
            assert 0 <= score.low <= score.f1 <= score.high <= 1
            assert score.low < score.high


def test_intervals_narrow_with_more_documents_and_repeat():
    wide, narrow = (score_entities(*drawn_notes(n))["strict"][MICRO] for n in (10, 400))
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2
    assert score_entities(*drawn_notes(10))["strict"][MICRO] == wide


@pytest.mark.parametrize("documents", [1, 9])
def test_a_few_documents_have_no_interval(documents):
    scores = score_entities(*drawn_notes(documents))
    assert {score[3:5] for mode in MODES for score in scores[mode].values()} == {(None, None)}


def test_intervals_are_those_of_samples_drawn_at_once(monkeypatch):
    """The shipped manifests have them: 1,000 rows of one generator, however many are drawn at a time."""
    gold, found = drawn_notes(40)
    samples = np.random.default_rng(13).multinomial(40, np.full(40, 1 / 40), size=1000)
    counts = np.array([(len({*g} & {*p}), len(p), len(g)) for g, p in zip(gold, found, strict=True)])
    right, predicted, wanted = (samples @ counts).T
    expected = np.quantile(2 * right / (predicted + wanted), (0.025, 0.975))
    for at_once in (10**6, 200, 1):
        monkeypatch.setattr(entity, "_DRAWN_AT_ONCE", at_once)
        assert score_entities(gold, found)["strict"][MICRO][3:5] == pytest.approx(tuple(expected))
