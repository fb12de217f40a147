"""A new vocabulary begins from the embeddings of the pieces there were."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from clinspan.inference.tokenizer import SubwordTokenizer  # noqa: E402
from clinspan.training.model import MultiHeadTagger, checkpoint_folder  # noqa: E402
from clinspan.training.transplant import learnt_wordpiece, old_pieces, transplant  # noqa: E402

TEXTS = ["La paciente presenta hipertensión arterial y diabetes.", "De patiënt heeft hypertensie en diabetes."] * 3


@pytest.fixture(scope="module")
def old():
    return SubwordTokenizer.open(checkpoint_folder("minilm") / "tokenizer.json")


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "tokenizer.json"
    learnt_wordpiece(TEXTS, 200).save(str(path))
    return SubwordTokenizer.open(path)


def test_a_learnt_vocabulary_folds_case_and_keeps_accents(new):
    assert new.tokenizer.encode("HIPERTENSIÓN arterial").tokens == ["[CLS]", "hipertensión", "arterial", "[SEP]"]
    assert new.tokenizer.token_to_id("[PAD]") == 0
    assert new.tokenizer.encode("日").tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_pieces_begin_from_those_that_spell_them(old):
    old = old.tokenizer
    known = old.get_vocab()
    assert old_pieces("diabetes", old, known) == [known["diabetes"]]
    spelled = [old.id_to_token(i) for i in old_pieces("hipertensión", old, known)]
    assert "".join(p.removeprefix("##") for p in spelled) == "hipertension"  # the old one strips accents
    assert old.id_to_token(old_pieces("##patiënt", old, known)[0]) in ("##patient", "patient")
    assert old_pieces("\u3042\u3042", old, known)


def test_embeddings_are_copied_or_averaged(old, new):
    encoder = MultiHeadTagger.from_checkpoint(checkpoint_folder("minilm"), {"h": 3}, 0.1).encoder
    before = encoder.get_input_embeddings().weight.detach().numpy().copy()
    transplant(encoder, old, new)
    old, new = old.tokenizer, new.tokenizer
    after = encoder.get_input_embeddings().weight.detach().numpy()
    assert after.shape == (new.get_vocab_size(), before.shape[1]) == (encoder.config.vocab_size, 384)
    known = old.get_vocab()
    assert np.array_equal(after[new.token_to_id("diabetes")], before[known["diabetes"]])
    wanted = before[old_pieces("hipertensión", old, known)].mean(axis=0)
    assert np.allclose(after[new.token_to_id("hipertensión")], wanted, atol=1e-6)
    ids = torch.tensor([new.encode("diabetes").ids])
    assert encoder(input_ids=ids).last_hidden_state.isfinite().all()
