"""Scores of sentence detectors: boundaries inside texts, all ends, whole sentences."""

from clinspan.evaluation.entity import MICRO
from clinspan.evaluation.sentences import ALL, SENTENCE, score_sentences
from clinspan.schema import Span

GOLD = [[Span(0, 5), Span(6, 9), Span(10, 14)], [Span(0, 3)]]


def test_the_end_of_a_text_counts_among_all_ends_alone():
    scores = score_sentences(GOLD, [[Span(0, 5), Span(6, 14)], [Span(0, 3)]])
    assert {name: score.support for name, score in scores.items()} == {MICRO: 2, ALL: 4, SENTENCE: 4}
    assert scores[MICRO].recall == 0.5
    assert scores[ALL].recall == 0.75
    assert scores[SENTENCE].recall == 0.5


def test_the_same_sentences_score_one():
    assert all(score.f1 == 1.0 for score in score_sentences(GOLD, GOLD).values())
