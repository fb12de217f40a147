"""The examples of the model cards: the rows that are right are found, and nothing is lost at the end."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARE = 0.85


@pytest.fixture(scope="module")
def seeds():
    spec = importlib.util.spec_from_file_location("make_seeds", ROOT / "docs" / "make_seeds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", ["en", "nl", "es"])
def test_rows_that_are_right_are_found_with_the_same_edges_and_label(seeds, language):
    documents = seeds.annotated()
    right = [case for case in seeds.cases() if case["right"] and case["model"].startswith(language)]
    assert right
    found = [seeds.is_found(case, documents[case["model"]]) for case in right]
    assert sum(found) >= SHARE * len(right), [c["text"] for c, hit in zip(right, found, strict=True) if not hit]


@pytest.mark.parametrize("text", ["mitochondria", "blood", "lung", "pus"])
def test_what_the_card_lost_after_its_84th_token_is_found(seeds, text):
    document = seeds.annotated()["en/anatomy"]
    assert text in {e.text for e in document.entities}


def test_the_page_is_up_to_date(seeds):
    assert seeds.PAGE.read_text(encoding="utf-8") == seeds.page()
