"""Domain adaptation of a toy encoder: what is hidden, what is learnt, and batches computed in parts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

import torch  # noqa: E402
from rich.console import Console  # noqa: E402
from transformers import AutoConfig  # noqa: E402

from clinspan.exceptions import RecipeError  # noqa: E402
from clinspan.training import pretrain  # noqa: E402
from clinspan.training.data import DataFolders  # noqa: E402
from clinspan.training.pretrain import Masker, Pretrainer, opened_encoder  # noqa: E402
from clinspan.training.recipes import PretrainRecipe  # noqa: E402
from families import TOY_FAMILIES  # noqa: E402

ORGANS, FINDINGS = ("heart", "kidney", "liver"), ("enlarged", "normal", "painful")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bert = next(family for family in TOY_FAMILIES if family.name == "bert")
    return bert.write(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def recipe(tmp_path: Path, checkpoint: Path) -> PretrainRecipe:
    texts = [f"The {ORGANS[i % 3]} was {FINDINGS[i % 3]}." for i in range(300)]
    (tmp_path / "texts.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    return PretrainRecipe(
        name="adapted", texts=["texts.jsonl"], checkpoint=str(checkpoint), length=16, batch_sequences=8, epochs=6
    )


def begun(recipe: PretrainRecipe, folder: Path) -> Pretrainer:
    return Pretrainer(recipe, data=DataFolders((folder,)), runs=folder / "runs", console=Console(quiet=True))


def gradients(run: Pretrainer) -> torch.Tensor:
    run._backward(run.train[:8], np.random.default_rng(5))
    return torch.cat([p.grad.flatten() for p in run.model.parameters() if p.grad is not None])


def test_a_batch_in_parts_has_the_gradients_of_the_whole(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "_PART", 10_000)
    whole = gradients(begun(recipe, tmp_path))
    monkeypatch.setattr(pretrain, "_PART", 48)  # three sequences, the last part two
    parts = gradients(begun(recipe, tmp_path))
    assert whole.norm() > 0
    assert torch.nn.functional.cosine_similarity(whole, parts, dim=0) > 0.999
    assert parts.norm().item() == pytest.approx(whole.norm().item(), rel=0.01)


def test_hidden_words_are_learnt(recipe, tmp_path):
    run = begun(replace(recipe, learning_rate=5e-3), tmp_path)
    before = run.perplexity()
    run.run()
    assert run.perplexity() < before / 2


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(recipe, tmp_path, monkeypatch):
    recipe = replace(recipe, dropout=0.2)
    whole = begun(recipe, tmp_path)
    whole.run()
    often = replace(recipe, name="again", checkpoint_minutes=0.0)
    run = begun(often, tmp_path)
    monkeypatch.setattr(run, "_say", lambda line: 1 / 0 if line.startswith("step 7:") else None)
    with pytest.raises(ZeroDivisionError):
        run.run()
    resumed = begun(often, tmp_path)
    resumed._resume()
    assert resumed.step == 7
    resumed.run()
    assert resumed.perplexity() == pytest.approx(whole.perplexity(), rel=1e-4)


def test_a_vocabulary_is_learnt_anew_before_the_first_checkpoint(recipe, tmp_path):
    small, large = (begun(replace(recipe, vocabulary=size), tmp_path).tokenizer.tokenizer for size in (40, 60))
    assert small.get_vocab_size() < large.get_vocab_size()
    run = begun(replace(recipe, vocabulary=50), tmp_path)
    run._save()
    with pytest.raises(RecipeError, match="was written by another recipe"):
        begun(replace(recipe, vocabulary=45), tmp_path)._resume()


def test_texts_that_are_too_few_are_an_error(recipe, tmp_path):
    with pytest.raises(RecipeError, match="The texts of 'adapted' do not fill a batch of 8000 sequences"):
        begun(replace(recipe, batch_sequences=8000), tmp_path)


def test_dropout_is_that_of_the_recipe_and_the_checkpoint_keeps_its_own(checkpoint):
    encoder = opened_encoder(checkpoint, 0.3, torch.device("cpu"))
    layer, own = encoder.encoder.layer[0], AutoConfig.from_pretrained(checkpoint)
    assert (layer.output.dropout.p, layer.attention.self.dropout.p) == (0.3, 0.0)
    assert encoder.config.hidden_dropout_prob == own.hidden_dropout_prob > 0
    assert encoder.config.attention_probs_dropout_prob == own.attention_probs_dropout_prob > 0


def test_whole_words_are_hidden_and_special_pieces_are_not():
    continues = np.array([False, False, False, True, True])  # [CLS], [MASK], a, ##b, ##c
    special = np.array([True, True, False, False, False])
    ids = np.tile([0, 2, 3, 4, 2, 2, 3], (400, 1))
    hidden, where = Masker(continues, special, 1).hide(ids, np.random.default_rng(0))
    assert not where[:, 0].any()
    assert (where[:, 1] == where[:, 2]).all()
    assert (where[:, 1] == where[:, 3]).all()
    assert 0.1 < where[:, 1].mean() < 0.2  # of 15 %
    assert (hidden[~where] == ids[~where]).all()
    assert 0.7 < (hidden[where] == 1).mean() < 0.9  # 80 %, and chance
