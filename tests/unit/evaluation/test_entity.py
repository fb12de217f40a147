import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("partial", MICRO, 1.5 / 5, 1.5 / 4, 4),
        ("partial", X, 1.5 / 2, 1.5 / 3, 3),
        ("type", MICRO, 2 / 5, 2 / 4, 4),
        ("type", X, 2 / 2, 2 / 3, 3),
        ("type", Y, 0, 0, 1),
    ],
)
def test_arithmetic(mode, label, precision, recall, support):
    score = score_entities(GOLD, PREDICTED, replicates=0)[mode][label]
    f1 = 2 * precision * recall / (precision + recall) if precision else 0
    assert score == pytest.approx(Score(precision, recall, f1, f1, f1, support))


@pytest.mark.parametrize(
    ("gold", "predicted", "strict", "partial", "kind"),
    [
        pytest.param([(0, 4, X)], [(4, 8, X)], (0, 0), (0, 0), (0, 0), id="adjacent spans do not overlap"),
        pytest.param([(0, 4, X)], [(3, 8, X)], (0, 0), (0.5, 0.5), (1, 1), id="one character overlaps"),
        pytest.param([(0, 4, X)], [(0, 4, Y)], (0, 0), (0, 0), (0, 0), id="another label"),
        pytest.param([(0, 9, X)], [(0, 4, X), (5, 9, X)], (0, 0), (0.5, 0.5), (1, 1), id="one gold, two found"),
        pytest.param([(0, 4, X), (5, 9, X)], [(0, 9, X)], (0, 0), (0.5, 0.5), (1, 1), id="two gold, one found"),
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
    assert all(scores[mode] == {MICRO: Score(0, 0, 0, 0, 0, 0)} for mode in MODES)


@given(NOTES)
def test_scores_are_ordered_and_symmetric(notes):
    gold, predicted = [g for g, _ in notes], [p for _, p in notes]
    forth, back = score_entities(gold, predicted, replicates=0), score_entities(predicted, gold, replicates=0)
    for label in forth["strict"]:
        strict, partial, kind = (forth[mode][label] for mode in MODES)
        assert strict.f1 <= partial.f1 + 1e-9 <= kind.f1 + 2e-9
        for mode in MODES:
            assert (forth[mode][label].precision, forth[mode][label].recall) == (
                back[mode][label].recall,
                back[mode][label].precision,
            )
    assert strict_f1(gold, predicted) == forth["strict"][MICRO].f1
    assert strict_f1(gold, gold) == float(any(gold))


def drawn_notes(documents):
    """Notes in which three spans in four are found, and one in five is false."""
    generator = np.random.default_rng(documents)
    gold = [spans(*((10 * i, 10 * i + 5, X) for i in range(1 + generator.integers(6)))) for _ in range(documents)]
    found = [[s for s in g if generator.random() < 0.75] for g in gold]
    return gold, [[*p, *spans((900, 905, X))] if generator.random() < 0.5 else p for p in found]


@pytest.mark.parametrize("documents", [2, 5, 30, 200])
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


def test_one_document_has_no_interval():
    score = score_entities(GOLD, PREDICTED)["strict"][MICRO]
    assert score.low == pytest.approx(score.f1) == score.high
