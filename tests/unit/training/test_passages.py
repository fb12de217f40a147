"""Texts with known sentences."""

import random

import pytest

pytest.importorskip("torch")  # the room of training

from clinspan.schema import Span
from clinspan.training.passages import Passage, laid_out, stacked

TEXT = "Stable since Monday. Given 5 mg of aspirin.  No fever, no rash. Seen by Smith"
SPANS = [Span(0, 20), Span(21, 43), Span(45, 63), Span(64, 77)]


def test_a_passage_is_its_text():
    passage = Passage.from_spans(TEXT, SPANS)
    assert passage.text == TEXT
    assert passage.spans == SPANS
    assert passage.gaps == (" ", "  ", " ")


def test_texts_are_laid_out_with_the_ends_of_their_sentences():
    text, ends = laid_out([Passage.from_spans(TEXT, SPANS), Passage.from_spans("A. B.", [Span(0, 2), Span(3, 5)])])
    assert ends.tolist() == [20, 43, 63, len(TEXT) + 2]
    assert len(text.codes) == len(TEXT) + 5


def test_paragraphs_stacked_are_one_text():
    passage = Passage.from_spans(TEXT, SPANS)
    (whole,) = stacked([passage, passage], 1.0, random.Random(1))
    assert whole.sentences == passage.sentences * 2
    assert "\n" in whole.gaps[len(SPANS) - 1]
    assert [whole.text[a:b] for a, b in whole.spans] == list(whole.sentences)
    assert stacked([passage, passage], 0.0, random.Random(1)) == [passage, passage]
