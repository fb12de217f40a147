"""The model card, from its manifest alone."""

from dataclasses import replace

import pytest

from clinspan.hub.card import card_text
from clinspan.hub.resolve import resolve


@pytest.mark.parametrize(("edges", "shown"), [((0.4, 0.6), "0.400–0.600"), ((None, None), "–")])
def test_an_interval_is_shown_if_there_is_one(edges, shown):
    found = resolve("en/anatomy")
    score = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "low": edges[0], "high": edges[1], "support": 7}
    head = replace(found.head, scores={"mine": {"micro": score}}, token_tables={})
    text = card_text(replace(found.manifest, heads=(head,)))
    assert f"| **micro** | 0.500 | 0.500 | 0.500 | {shown} | 7 |" in text
