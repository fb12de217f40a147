"""Texts with known sentences, varied towards notes: what is known stays known."""

import random

import pytest

pytest.importorskip("torch")  # the room of training

from hypothesis import given
from hypothesis import strategies as st

from clinspan.schema import Span
from clinspan.training.passages import Passage
from clinspan.training.recipes import SentencesRecipe
from clinspan.training.variations import Variation

TEXT = "Stable since Monday. Given 5 mg of aspirin.  No fever, no rash. Seen by Smith"
SPANS = [Span(0, 20), Span(21, 43), Span(45, 63), Span(64, 77)]
PASSAGE = Passage.from_spans(TEXT, SPANS, language="en")
KEEPING = (
    "lower",
    "wrap",
    "break_lines",
    "drop_stops",
    "join",
    "abbreviate",
    "number",
    "itemise",
    "shorten",
    "measure",
)
SHARES = (*KEEPING, "headings")


def varied(seed=1, passage=PASSAGE, **shares):
    options = dict.fromkeys(SHARES, 0.0) | shares
    abbreviations = {"en": ["Dr"]}
    recipe = SentencesRecipe(
        name="s",
        version="1",
        languages=["en"],
        licence="",
        head="s",
        corpora=[],
        abbreviations=abbreviations,
        **options,
    )
    return Variation(recipe, random.Random(seed))(passage)


def test_each_variation_does_what_it_says():
    assert varied(lower=1).text == TEXT.lower()
    wrapped = varied(wrap=1, seed=3).text
    assert wrapped.replace("\n", " ").split() == TEXT.split()
    assert max(map(len, wrapped.split("\n"))) < len(TEXT)
    assert all("\n" in gap for gap in varied(break_lines=1).gaps)
    assert any(not s.endswith(".") for s in varied(drop_stops=1).sentences[:-1])
    assert "" in varied(join=1).gaps
    assert sum(s.count("Dr.") for s in varied(abbreviate=1).sentences) == 1
    assert varied() == PASSAGE


def test_sentences_are_shortened_measured_numbered_listed_and_headed():
    assert any(len(s.split()) <= 2 and s.endswith(".") for s in varied(shorten=1).sentences)
    assert any(
        any(c.isdigit() for c in s) for s in varied(measure=1, seed=2).sentences[2:3] + varied(measure=1).sentences[:1]
    )
    assert sum(s != t for s, t in zip(varied(number=1).sentences, PASSAGE.sentences, strict=True)) >= 2
    assert set(varied(itemise=1).gaps) == {"\n"}
    assert any(len(varied(seed, headings=1).sentences) > len(SPANS) for seed in range(5))


def test_abbreviations_are_those_of_the_language():
    german = Passage.from_spans(TEXT, SPANS, language="de")
    assert varied(passage=german, abbreviate=1) == german


@given(st.integers(0, 500))
def test_variations_keep_sentences_apart(seed):
    passage = varied(seed, **dict.fromkeys(SHARES, 0.5))
    assert len(passage.gaps) == len(passage.sentences) - 1
    assert [passage.text[a:b] for a, b in passage.spans] == list(passage.sentences)
    assert all(s == s.strip() != "" for s in passage.sentences)
    assert len(varied(seed, **dict.fromkeys(KEEPING, 0.5)).sentences) == len(SPANS)


def test_texts_divided_by_rules_are_not_varied():
    passage = Passage.from_spans(TEXT, SPANS, silver=True)
    assert varied(passage=passage, **dict.fromkeys(SHARES, 1.0)) is passage
