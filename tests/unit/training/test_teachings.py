"""What a corpus teaches and measures."""

import pytest

pytest.importorskip("torch")

from clinspan.training.recipe import CorpusRecipe, TeachingRecipe
from clinspan.training.teachings import measuring


@pytest.mark.parametrize(("corpus", "measured"), [({}, ["a"]), ({"judge": False}, []), ({"dev": ""}, [])])
def test_what_helps_to_choose_the_epoch(corpus, measured):
    heads = {"a": TeachingRecipe(), "b": TeachingRecipe(scored=False)}
    assert list(measuring(CorpusRecipe(**{"name": "x", "heads": heads, "dev": "d.jsonl", **corpus})).heads) == measured
