"""A recipe starts from a checkpoint or from a published model, whose weights come back as its graph has them."""

import shutil

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from transformers import BertConfig, BertModel  # noqa: E402

from clinspan.exceptions import RecipeError  # noqa: E402
from clinspan.hub.manifest import Head, Manifest  # noqa: E402
from clinspan.hub.resolve import BUNDLED  # noqa: E402
from clinspan.inference.session import OnnxSession  # noqa: E402
from clinspan.training.export import write_graphs  # noqa: E402
from clinspan.training.model import MultiHeadTagger, checkpoint_folder, save_encoder  # noqa: E402
from clinspan.training.publish import NamedInputs  # noqa: E402
from clinspan.training.reopen import reopened_weights  # noqa: E402
from clinspan.training.rounding import keep_rounded, round_weights  # noqa: E402
from clinspan.training.start import open_encoder, take_heads  # noqa: E402

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
TAGS = {"drugs": ["O", "B-DRUG", "I-DRUG"], "sites": ["O", "B-SITE", "I-SITE"]}


@pytest.fixture(scope="module")
def tagger():
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=300,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=160,
        attn_implementation="eager",
    )
    encoder = BertModel(config, add_pooling_layer=False)
    for name, parameter in encoder.named_parameters():
        torch.nn.init.normal_(parameter, 1.0 if "LayerNorm.weight" in name else 0.0, 0.2)
    return MultiHeadTagger(encoder, {name: len(tags) for name, tags in TAGS.items()}, 0.0).eval()


def rounded(tagger):
    round_weights(tagger.encoder)
    keep_rounded(tagger.encoder)
    return tagger


@pytest.fixture(scope="module")
def graphs(tagger, tmp_path_factory):
    folder = tmp_path_factory.mktemp("graphs")
    paths = {precision: folder / f"{precision}.onnx" for precision in ("int8", "fp32")}
    write_graphs(NamedInputs(rounded(tagger)), INPUTS, [*TAGS], tagger.encoder.config, **paths)
    return paths


@pytest.fixture
def model_folder(graphs, tagger, tmp_path):
    shutil.copy(graphs["fp32"], tmp_path / "model.onnx")
    tagger.encoder.config.to_json_file(tmp_path / "config.json")
    heads = tuple(Head(f"en/{name}", name, tuple(tags)) for name, tags in TAGS.items())
    about = {"version": "1", "languages": ("en",), "architecture": "bert", "unit": "word", "licence": "CC0-1.0"}
    Manifest("toy", max_length=64, overlap=8, precision="fp32", heads=heads, files=(), **about).write(tmp_path)
    return tmp_path


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_weights_come_back(tagger, graphs, precision):
    found, wanted = reopened_weights(graphs[precision]), tagger.state_dict()
    assert found.keys() == wanted.keys()
    for name, weight in wanted.items():
        rounding = 0.01 if "embeddings" in name and precision == "int8" else 1e-6  # tables are rounded by row
        assert torch.allclose(found[name], weight, atol=rounding), name


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_graphs_compute_what_the_network_does(tagger, graphs, precision):
    ids = torch.randint(0, 300, (40,), generator=torch.Generator().manual_seed(0))
    found = OnnxSession.open(graphs[precision]).run(ids.numpy(), [*TAGS])
    with torch.no_grad():
        wanted = tagger(ids[None], torch.ones(1, 40, dtype=torch.int64))
    for head, logits in wanted.items():
        error = (torch.from_numpy(found[head]) - logits[0]).abs().max() / logits.abs().max()
        assert error < {"fp32": 1e-4, "int8": 0.05}[precision]


def test_a_model_folder_starts_a_recipe(tagger, model_folder):
    started = MultiHeadTagger.from_checkpoint(model_folder, {name: len(tags) for name, tags in TAGS.items()}, 0.0)
    assert take_heads(started.heads, TAGS, model_folder) == [*TAGS]
    for name, weight in tagger.state_dict().items():
        assert torch.allclose(started.state_dict()[name], weight, atol=1e-6), name


def test_a_checkpoint_keeps_its_heads(tagger, tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    folder = save_encoder(tagger.encoder, tmp_path / "tokenizer.json", tmp_path, tagger.heads, TAGS)
    other = {"drugs": TAGS["drugs"], "sites": ["O", "B-PLACE", "I-PLACE"]}
    started = MultiHeadTagger.from_checkpoint(folder, {"drugs": 3, "sites": 3}, 0.0)
    assert take_heads(started.heads, other, folder) == ["drugs"]  # the other one has other tags
    assert torch.equal(started.heads["drugs"].weight, tagger.heads["drugs"].weight)
    assert not torch.equal(started.heads["sites"].weight, tagger.heads["sites"].weight)


def test_a_checkpoint_without_heads_gives_none(tagger):
    assert take_heads(tagger.heads, TAGS, checkpoint_folder("minilm")) == []


def test_a_checkpoint_of_a_pickle_is_refused(tagger, tmp_path):
    tagger.encoder.config.save_pretrained(tmp_path)
    torch.save(tagger.encoder.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(RecipeError, match="has no encoder in safetensors"):
        open_encoder(tmp_path, 0.0)


def test_an_installed_model_goes_by_its_name(tmp_path):
    folder = checkpoint_folder("en", tmp_path)
    assert folder == BUNDLED / "en"
    tags = {head.output: head.tags for head in Manifest.read(folder).heads}
    started = MultiHeadTagger.from_checkpoint(folder, {name: len(of_head) for name, of_head in tags.items()}, 0.0)
    assert take_heads(started.heads, tags, folder) == [*tags]
    with pytest.raises(RecipeError, match="no model of this family"):
        checkpoint_folder("en-embeddings", tmp_path)


def test_a_graph_of_another_network_is_refused(model_folder, tmp_path):
    config = BertConfig.from_pretrained(model_folder)
    config.num_hidden_layers = 3
    config.to_json_file(model_folder / "config.json")
    with pytest.raises(RecipeError, match="does not hold the weights of a bert encoder"):
        open_encoder(model_folder, 0.0)
