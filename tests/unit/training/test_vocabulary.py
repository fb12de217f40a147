"""A trimmed vocabulary cuts what it covers as before, and its rows of the embedding table go along."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

from clinspan.exceptions import RecipeError  # noqa: E402
from clinspan.inference.tokenizer import SubwordTokenizer  # noqa: E402
from clinspan.training.model import MultiHeadTagger, checkpoint_folder  # noqa: E402
from clinspan.training.vocabulary import kept_pieces, trim_embeddings, trimmed_tokenizer  # noqa: E402
from families import TOY_FAMILIES  # noqa: E402

TEXTS = ["Started metformin for type 2 diabetes mellitus.", "Ünïcode: naïve café, β-blocker; 心"]


@pytest.fixture(scope="module")
def source():
    return checkpoint_folder("minilm")


@pytest.fixture(scope="module")
def whole(source):
    return SubwordTokenizer.open(source / "tokenizer.json")


def trimmed(source, folder, kept):
    (folder / "tokenizer.json").write_text(trimmed_tokenizer(source / "tokenizer.json", kept), encoding="utf-8")
    return SubwordTokenizer.open(folder / "tokenizer.json")


@pytest.mark.parametrize("size", [0, 5000])
def test_covered_texts_are_cut_as_before(source, whole, tmp_path, size):
    kept = kept_pieces(whole, TEXTS, size)
    small = trimmed(source, tmp_path, kept)
    assert len(kept) == small.tokenizer.get_vocab_size()
    assert len(kept) == size or size == 0
    for text in TEXTS:
        before, after = (t.tokenizer.encode(text, add_special_tokens=False) for t in (whole, small))
        assert after.tokens == before.tokens
        assert kept[after.ids].tolist() == before.ids
    assert [kept[i] for i in (*small.prefix, *small.suffix)] == [*whole.prefix, *whole.suffix]


def test_other_words_are_cut_finer_and_nothing_ordinary_is_unknown(source, whole, tmp_path):
    small = trimmed(source, tmp_path, kept_pieces(whole, TEXTS, 3000))
    tokens = small.tokenizer.encode("helicopter", add_special_tokens=False).tokens
    assert "".join(t.removeprefix("##") for t in tokens) == "helicopter"
    assert len(tokens) > 1
    assert "[UNK]" not in small.tokenizer.encode("xqzjw æßé 0x9f 漢 10⁹/L NT-proBNPψ µg₄").tokens


def test_the_embeddings_go_along(source, whole):
    model = MultiHeadTagger.from_checkpoint(source, {"h": 3}, 0.1)
    before = model.encoder.get_input_embeddings().weight.detach().numpy().copy()
    kept = kept_pieces(whole, TEXTS, 0)
    trim_embeddings(model.encoder, kept)
    assert np.array_equal(model.encoder.get_input_embeddings().weight.detach().numpy(), before[kept])
    assert model.encoder.config.vocab_size == len(kept)


def test_other_vocabularies_are_refused(tmp_path):
    folder = next(f for f in TOY_FAMILIES if f.name == "roberta").write(tmp_path)
    assert json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["type"] == "BPE"
    with pytest.raises(RecipeError, match="WordPiece"):
        trimmed_tokenizer(folder / "tokenizer.json", np.arange(10))
