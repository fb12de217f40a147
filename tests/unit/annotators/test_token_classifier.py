"""Tags of tokens and their metadata, with a graph whose logits are known."""

import math

import numpy as np
import pytest

from clinspan import TokenClassifier, open_head
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import Tokenizer
from clinspan.hub.importers.hugging_face import import_folder
from helpers import chunks, documents, rows
from toy_graph import TAGS, write_toy_folder

E4, E8 = math.exp(4), math.exp(8)
SURE, PLAIN = E8 / (E8 + E4 + 2), E4 / (E4 + 3)  # softmax of the logits (4, 8, 0, 0) and (4, 0, 0, 0)
TEXT = "Well. No post-heart muscle/kidney pain."


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    source = write_toy_folder(folder / "source")
    return {u: open_head(str(import_folder(source, name="toy", target=folder / u, unit=u))) for u in ("word", "token")}


def tagged(head, text, **options):
    batch = Tokenizer(input_cols="sentence").annotate(SentenceDetector().annotate(documents("😀 No.", text)))
    return TokenClassifier(model=head, **options).annotate(batch)


def test_a_token_has_the_tag_of_its_first_tagged_unit_and_the_edges_of_all(heads):
    batch = tagged(heads["word"], TEXT)
    found = [(a["begin"], a["end"], a["result"], a["metadata"]) for a in rows(batch, "ner")[1]]
    assert [(TEXT[b : e + 1], tag) for b, e, tag, _ in found] == [
        ("Well", "O"),
        (".", "O"),
        ("No", "O"),
        ("post-heart", "B-Organ"),
        ("muscle/kidney", "I-Organ"),
        ("pain", "O"),
        (".", "O"),
    ]
    about = found[3][3]
    assert (about["word"], about["sentence"]) == ("post-heart", "1")
    assert float(about["confidence"]) == pytest.approx(SURE, abs=1e-6)
    assert float(found[2][3]["confidence"]) == pytest.approx(PLAIN, abs=1e-6)
    units = [u.split(":") for u in about["units"].split("\t")]
    assert [(TEXT[int(a) : int(b)], tag) for a, b, _, tag in units] == [("post", "O"), ("-", "O"), ("heart", "B-Organ")]
    assert [float(s) for *_, s, _ in units] == pytest.approx([PLAIN, PLAIN, SURE], abs=1e-6)
    assert "units" not in found[2][3]
    assert chunks(batch)[1] == [(14, 25, "heart muscle", "Organ"), (27, 32, "kidney", "Organ")]


def test_strict_tags_a_token_like_its_first_unit_and_says_no_units(heads):
    found = rows(tagged(heads["word"], TEXT, strict=True), "ner")[1]
    assert [a["result"] for a in found] == ["O", "O", "O", "O", "I-Organ", "O", "O"]
    assert not any("units" in a["metadata"] for a in found)


def test_a_model_of_tokens_tags_those_of_the_column(heads):
    found = rows(tagged(heads["token"], "heart, (kidney)"), "ner")[1]
    assert [(a["metadata"]["word"], a["result"]) for a in found] == [
        ("heart", "B-Organ"),
        (",", "O"),
        ("(", "O"),
        ("kidney", "B-Organ"),
        (")", "O"),
    ]


def test_scores_of_all_tags(heads):
    (row,) = rows(tagged(heads["word"], "heart", include_all_confidence_scores=True, include_confidence=False), "ner")[
        1:
    ]
    assert "confidence" not in row[0]["metadata"]
    wanted = dict(zip(TAGS, np.exp([4, 8, 0, 0]) / np.exp([4, 8, 0, 0]).sum(), strict=True))
    assert {t: float(row[0]["metadata"][t]) for t in TAGS} == pytest.approx(wanted, abs=1e-6)
