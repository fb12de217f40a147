"""Texts with known sentences, varied towards notes: what is known stays known."""

import random

import pytest

pytest.importorskip("torch")  # the room of training

from hypothesis import given
from hypothesis import strategies as st

from clinspan.schema import Span
from clinspan.training.passages import Passage, Variation, laid_out
from clinspan.training.recipes import SentencesRecipe

TEXT = "Stable since Monday. Given 5 mg of aspirin.  No fever, no rash. Seen by Smith"
SPANS = [Span(0, 20), Span(21, 43), Span(45, 63), Span(64, 77)]
SHARES = ("lower", "wrap", "break_lines", "drop_stops", "join", "abbreviate")


def varied(seed=1, **shares):
    options = dict.fromkeys(SHARES, 0.0) | shares
    recipe = SentencesRecipe(
        name="s", version="1", languages=["en"], licence="", head="s", corpora=[], abbreviations=["Dr"], **options
    )
    return Variation(recipe, random.Random(seed))(Passage.from_spans(TEXT, SPANS))


def test_a_passage_is_its_text():
    passage = Passage.from_spans(TEXT, SPANS)
    assert passage.text == TEXT
    assert passage.spans == SPANS
    assert passage.gaps == (" ", "  ", " ")


def test_texts_are_laid_out_with_the_ends_of_their_sentences():
    text, ends = laid_out([Passage.from_spans(TEXT, SPANS), Passage.from_spans("A. B.", [Span(0, 2), Span(3, 5)])])
    assert ends.tolist() == [20, 43, 63, len(TEXT) + 2]
    assert len(text.codes) == len(TEXT) + 5


def test_each_variation_does_what_it_says():
    assert varied(lower=1).text == TEXT.lower()
    assert varied(wrap=1, seed=3).text.replace("\n", " ").split() == TEXT.split()
    assert all("\n" in gap for gap in varied(break_lines=1).gaps)
    assert any(not s.endswith(".") for s in varied(drop_stops=1).sentences[:-1])
    assert "" in varied(join=1).gaps
    assert sum(s.count("Dr.") for s in varied(abbreviate=1).sentences) == 1
    assert varied() == Passage.from_spans(TEXT, SPANS)


@given(st.integers(0, 500))
def test_variations_keep_sentences_apart(seed):
    passage = varied(seed, **dict.fromkeys(SHARES, 0.5))
    assert len(passage.sentences) == len(SPANS)
    assert [passage.text[a:b] for a, b in passage.spans] == list(passage.sentences)
    assert all(s == s.strip() != "" for s in passage.sentences)


def test_texts_divided_by_rules_are_not_varied():
    passage = Passage.from_spans(TEXT, SPANS, silver=True)
    recipe = SentencesRecipe(
        name="s", version="1", languages=["en"], licence="", head="s", corpora=[], **dict.fromkeys(SHARES, 1.0)
    )
    assert Variation(recipe, random.Random(1))(passage) is passage
