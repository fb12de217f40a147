"""Texts with known sentences."""

import json
import random

import pytest

pytest.importorskip("torch")  # the room of training

from clinspan.exceptions import RecipeError
from clinspan.schema import Span
from clinspan.training.data import DataFolders
from clinspan.training.passages import Passage, laid_out, read_passages, stacked
from clinspan.training.recipes import SentenceCorpusRecipe

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


def written(folder, *rows):
    (folder / "texts.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return SentenceCorpusRecipe(name="texts", train="texts.jsonl"), "texts.jsonl", DataFolders((folder,))


def test_texts_with_sentences_are_read_and_those_without_left_out(tmp_path):
    rows = [{"text": TEXT, "sentences": [list(span) for span in SPANS], "lang": "en"}, {"text": "x", "sentences": []}]
    assert read_passages(*written(tmp_path, *rows)) == [Passage.from_spans(TEXT, SPANS, language="en")]


@pytest.mark.parametrize(
    "sentences", [None, 3, [[0]], [["0", 4]], [[0, 99]], [[0, 0]], [[20, 21]], [[4, 8], [0, 4]], [[-1, 4]]]
)
def test_a_text_that_does_not_say_where_its_sentences_are_is_named(tmp_path, sentences):
    rows = [{"text": TEXT, "sentences": []}, {"text": TEXT} | ({} if sentences is None else {"sentences": sentences})]
    with pytest.raises(RecipeError, match=r"texts\.jsonl, line 2: `sentences` has to be a list") as caught:
        read_passages(*written(tmp_path, *rows))
    assert "aspirin" not in str(caught.value)
