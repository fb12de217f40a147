"""What a manifest says of the corpora that a model was trained and scored on."""

from dataclasses import replace

import pytest

from clinspan.corpora import Reading, Scheme
from clinspan.hub.manifest import MANIFEST, Head, replaced
from clinspan.hub.resolve import BUNDLED, installed_heads

HEAD = Head(
    name="it/procedure",
    output="procedure",
    tags=("O", "B-PROCEDURE", "I-PROCEDURE"),
    training=(
        {"name": "notes", "language": "nl", "mask": ["X"]},
        {"name": "notes", "language": "it", "mask": ["Y"], "qualifier": "sub", "min_coverage": 0.6},
        {"name": "all"},
    ),
)


@pytest.mark.parametrize("file", ["model.onnx", "vectors.arrow"])
def test_a_damaged_model_of_any_kind_may_be_replaced(tmp_path, file):
    (tmp_path / MANIFEST).write_text("{")
    (tmp_path / file).touch()
    assert replaced(tmp_path) is None


def test_of_corpora_of_one_name_the_one_in_the_language_of_the_head_counts():
    assert HEAD.scheme("notes") == Scheme(mask=["Y"])
    assert HEAD.reading("notes") == Reading("sub", 0.6)
    assert replace(HEAD, name="nl/procedure").scheme("notes") == Scheme(mask=["X"])
    assert replace(HEAD, name="es/procedure").scheme("notes") == Scheme(mask=["X"])


@pytest.mark.parametrize("corpus", ["all", "unknown", ""])
def test_other_corpora_read_as_they_stand(corpus):
    assert HEAD.scheme(corpus) == Scheme()
    assert HEAD.reading(corpus) == Reading()


def test_the_manifest_says_how_every_corpus_reads_that_a_bundled_model_is_scored_on():
    """Without an entry `clinspan evaluate` could not give the published score."""
    for found in installed_heads():
        if found.folder.parent == BUNDLED and found.head.tags:
            known = {entry["name"] for entry in found.head.training}
            assert {name.removesuffix(" dev") for name in found.head.scores} <= known, found.head.name
