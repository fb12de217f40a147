"""Hugging Face folders become model folders that compute the same and label the right words."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

import clinspan
from clinspan.exceptions import (
    DamagedModelError,
    InputError,
    MissingExtraError,
    OutputError,
    UnsupportedModelError,
)
from clinspan.hub.importers.hugging_face import FAMILIES, Classifier, import_folder
from clinspan.hub.manifest import Manifest
from clinspan.hub.resolve import home
from clinspan.inference.tagger import Tagger
from clinspan.inference.units import Encoded
from families import POSITIONS, RELATED_FAMILIES, TAGS, TOY_FAMILIES
from toy_graph import TAGS as TOY_TAGS
from toy_graph import write_toy_folder

TEXTS = (
    "The heart and the left kidney.",
    "Inflamación del corazón; caffè: un'infezione.",
    "Inflamacio\u0301n del corazo\u0301n; caffe\u0300 e\u0301 o\u0308.",  # the accents are code points of their own
    "\u0301stray mark, a\u0301\u0302 pair",
    "Pain 😀 in the x😀y heart 👩‍⚕️ → 5 µg ½",
    "a\tb\theart\n\nkidney  left   tissue",
    " heart\u00a0nbsp \u2003em\u3000wide ",
    "cocaine-induced CT/MRI dell'aspirina co-trimoxazole 500mg",
    f"no {'cardiomyopathy' * 21}xyzzys heart",  # one word of 300 characters
    f"{'é' * 300} heart",
    "\u200bzero\u200bwidth so\u00adft nul\x00l",
    "ﬁbrosis 日本語 heart",
    "mg",
)


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))


@pytest.fixture
def source(tmp_path):
    return write_toy_folder(tmp_path / "source")


# From safetensors -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=TOY_FAMILIES, ids=lambda family: family.name)
def family_folder(request, tmp_path_factory):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return request.param.write(tmp_path_factory.mktemp(request.param.name))


@pytest.fixture(scope="module")
def network(family_folder):
    from transformers import AutoModelForTokenClassification

    return AutoModelForTokenClassification.from_pretrained(family_folder).eval()


@pytest.fixture(scope="module")
def tagger(family_folder, tmp_path_factory):
    return _imported(family_folder, tmp_path_factory.mktemp("fp32") / "model", int8=False)


def _imported(source, target, **options):
    folder = import_folder(source, name="toy", target=target, **options)
    manifest = Manifest.read(folder)
    manifest.verify(folder)
    return Tagger.open(folder, manifest)


def _torch_logits(network, ids):
    import torch

    batch = torch.tensor(ids)[None]
    with torch.no_grad():
        return network(input_ids=batch, attention_mask=torch.ones_like(batch)).logits[0].numpy()


def _encoded(tagger, text):
    sentences = pa.array([text])
    return Encoded.from_units(tagger.units(sentences), sentences, np.zeros(len(sentences), np.int64), tagger.encoder)


def _unit_logits(tagger, text):
    sentences = pa.array([text])
    return tagger.logits(sentences, np.zeros(len(sentences), np.int64), tagger.units(sentences), ["logits"])["logits"]


def _first_subword(encoding, text, start, stop):
    """The slow reference: where the unit's first character is, back to the space that belongs to its word."""
    found = next((t for c in range(start, stop) if (t := encoding.char_to_token(c)) is not None), -1)
    word, begin = encoding.word_ids[found], encoding.offsets[found][0]
    while found > 0 and encoding.word_ids[found - 1] == word and not text[begin:start].strip():
        begin, end = encoding.offsets[found - 1]
        if text[begin:end].strip():
            break
        found -= 1
    return found


@pytest.mark.train
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_logits_equal_those_of_torch(tagger, network, text):
    windows = _encoded(tagger, text).window_ids(tagger.encoder.tokenizer)
    assert windows
    for ids in windows:
        ours = tagger.session.run(ids, ["logits"])["logits"]
        np.testing.assert_allclose(ours, _torch_logits(network, ids), atol=1e-4, rtol=0)


@pytest.mark.train
@pytest.mark.parametrize("family", RELATED_FAMILIES)
def test_logits_of_related_families_equal_those_of_torch(tmp_path, family):
    transformers = pytest.importorskip("transformers")
    source = RELATED_FAMILIES[family].write(tmp_path / "source")
    network = transformers.AutoModelForTokenClassification.from_pretrained(source).eval()
    assert network.config.model_type == family
    tagger = _imported(source, tmp_path / "model", int8=False)
    for length in (3, 17, POSITIONS):
        ids = np.random.default_rng(length).integers(5, network.config.vocab_size, length)
        ours = tagger.session.run(ids, ["logits"])["logits"]
        np.testing.assert_allclose(ours, _torch_logits(network, ids), atol=1e-4, rtol=0)


def test_every_family_that_is_known_is_tried():
    assert {family.name for family in TOY_FAMILIES} | {*RELATED_FAMILIES} == {*FAMILIES}


@pytest.mark.train
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_labels_sit_on_the_right_words(tagger, family_folder, network, text):
    hugging_face = Tokenizer.from_file(str(family_folder / "tokenizer.json"))
    bare = hugging_face.encode(text, add_special_tokens=False)
    encoded = _encoded(tagger, text)
    edges = list(zip(encoded.units.starts.tolist(), encoded.units.stops.tolist(), strict=True))
    expected = [_first_subword(bare, text, *edge) for edge in edges]
    assert encoded.first.tolist() == expected
    sequence = hugging_face.encode(text).ids
    if len(sequence) <= POSITIONS:
        right = _torch_logits(network, sequence)[np.array(expected) + 1]
        right[np.array(expected) < 0] = np.nan
        np.testing.assert_allclose(_unit_logits(tagger, text), right, atol=1e-4, rtol=0)


@pytest.mark.train
def test_every_unit_of_a_long_text_is_tagged(tagger):
    words = ["heart", "inflamación", "dell'aspirina", "500", "(CT/MRI)"] * 400
    logits = _unit_logits(tagger, " ".join(words))
    assert len(logits) == 4_400
    assert np.isfinite(logits).all()


@pytest.mark.train
def test_no_text_has_no_tags(tagger):
    assert len(_unit_logits(tagger, "")) == 0


@pytest.mark.train
def test_int8_stays_close(family_folder, tagger, tmp_path):
    small = _imported(family_folder, tmp_path / "int8")
    assert Manifest.read(tmp_path / "int8").precision == "int8"
    ours, exact = (np.concatenate([_unit_logits(t, text) for text in TEXTS]) for t in (small, tagger))
    assert np.nanmean(np.abs(ours - exact)) < 0.1 * np.nanstd(exact)
    seen = ~np.isnan(exact[:, 0])
    assert (ours[seen].argmax(1) == exact[seen].argmax(1)).mean() > 0.9


@pytest.mark.train
def test_the_manifest_describes_the_family(family_folder, tmp_path):
    folder = import_folder(family_folder, name="toy/ner", languages=["en"], licence="MIT", int8=False)
    manifest = Manifest.read(folder)
    assert folder == home() / "models" / "toy-ner"
    assert (manifest.max_length, manifest.overlap, manifest.unit) == (POSITIONS, POSITIONS // 4, "word")
    assert (manifest.precision, manifest.licence, manifest.languages) == ("fp32", "MIT", ("en",))
    assert manifest.architecture == json.loads((family_folder / "config.json").read_text())["model_type"]
    assert manifest.heads[0].tags == TAGS
    assert {file.path for file in manifest.files} == {"config.json", "model.onnx", "tokenizer.json"}
    assert clinspan.load("toy/ner")("").entities == ()


@pytest.mark.train
def test_a_fused_graph_that_differs_is_not_used(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    import onnx
    from onnx import numpy_helper

    from clinspan.training import convert

    def wrong(source, target, config):
        model = onnx.load(source)
        bias = next(i for i in model.graph.initializer if i.name.endswith("classifier.bias"))
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + np.float32(0.01), bias.name))
        onnx.save(model, target)

    bert = TOY_FAMILIES[0].write(tmp_path / "bert")
    right = _imported(bert, tmp_path / "right", int8=False)
    monkeypatch.setattr(convert, "fuse", wrong)
    guarded = _imported(bert, tmp_path / "guarded", int8=False)
    np.testing.assert_allclose(_unit_logits(guarded, TEXTS[0]), _unit_logits(right, TEXTS[0]), atol=1e-4, rtol=0)


@pytest.mark.train
@pytest.mark.parametrize("kind", ["SequenceClassification", "MaskedLM"])
def test_other_kinds_of_models_are_refused(tmp_path, kind):
    pytest.importorskip("torch")
    import transformers

    folder = TOY_FAMILIES[0].write(tmp_path / "source")
    config = transformers.AutoConfig.from_pretrained(folder)
    getattr(transformers, f"AutoModelFor{kind}").from_config(config).save_pretrained(folder)
    with pytest.raises(UnsupportedModelError, match=f"is a BertFor{kind}, no token classifier"):
        import_folder(folder, name="toy")


@pytest.mark.train
def test_weights_without_a_classifier_are_refused(tmp_path):
    pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    folder = TOY_FAMILIES[0].write(tmp_path / "source")
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("classifier")}
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(UnsupportedModelError, match=r"lack classifier\.bias, classifier\.weight"):
        import_folder(folder, name="toy")


@pytest.mark.train
def test_damaged_safetensors_are_refused(tmp_path):
    pytest.importorskip("torch")
    folder = TOY_FAMILIES[0].write(tmp_path / "source")
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(UnsupportedModelError, match="cannot load"):
        import_folder(folder, name="toy")


@pytest.mark.train
def test_weights_too_large_for_a_graph_are_refused(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from clinspan.training import convert

    monkeypatch.setattr(convert, "_LARGEST", 10_000)
    with pytest.raises(UnsupportedModelError, match=r"optimum-cli export onnx"):
        import_folder(TOY_FAMILIES[0].write(tmp_path / "source"), name="toy")


def test_safetensors_need_the_train_extra(source, monkeypatch):
    (source / "model.onnx").rename(source / "model.safetensors")
    monkeypatch.setitem(sys.modules, "clinspan.training.convert", None)
    with pytest.raises(MissingExtraError, match=r"clinspan\[train\]"):
        import_folder(source, name="toy")


def test_safetensors_of_an_unknown_family_need_a_graph(tmp_path):
    source = write_toy_folder(tmp_path / "source", graph="model.safetensors", config={"model_type": "newbert"})
    with pytest.raises(UnsupportedModelError, match=r"No export for 'newbert'.*Put a model\.onnx"):
        import_folder(source, name="toy")


# With a graph -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("graph", ["model.onnx", "onnx/model.onnx"])
@pytest.mark.parametrize("output", ["logits", "scores"])
def test_a_graph_is_taken_as_it_is(tmp_path, graph, output):
    source = write_toy_folder(tmp_path / "source", graph=graph, outputs=[output])
    folder = import_folder(source, name="toy/organs", unit="token")
    manifest = Manifest.read(folder)
    assert (folder / "model.onnx").read_bytes() == (source / graph).read_bytes()
    assert (manifest.heads[0].output, manifest.heads[0].tags) == (output, TOY_TAGS)
    assert (manifest.unit, manifest.precision, manifest.max_length, manifest.overlap) == ("token", "fp32", 32, 8)
    assert (folder / "README.md").is_file()
    entities = clinspan.load("toy/organs")("No aspirin there.\tHeart muscle and kidney .").entities
    assert [(e.text, e.label) for e in entities] == [
        ("aspirin", "Drug"),
        ("Heart muscle", "Organ"),
        ("kidney", "Organ"),
    ]


def test_a_graph_needs_no_torch(source):
    code = (
        "import sys; from pathlib import Path; from clinspan.hub.importers.hugging_face import import_folder; "
        f"import_folder(Path({str(source)!r}), name='toy'); "
        "sys.exit(bool({'torch', 'transformers', 'onnx'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_family_works_from_its_graph(tmp_path):
    source = write_toy_folder(tmp_path / "source", config={"model_type": "newbert"})
    manifest = Manifest.read(import_folder(source, name="toy"))
    assert (manifest.architecture, manifest.max_length) == ("newbert", 30)


def test_weights_beside_the_graph_come_along(source):
    (source / "model.onnx_data").write_bytes(b"weights")
    folder = import_folder(source, name="toy")
    assert (folder / "model.onnx_data").read_bytes() == b"weights"
    assert "model.onnx_data" in {file.path for file in Manifest.read(folder).files}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "bert", "max_position_embeddings": 8192}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "camembert", "max_position_embeddings": 514}, 512),
        ({"model_type": "xlm-roberta", "max_position_embeddings": 130, "pad_token_id": 1}, 128),
        ({"model_type": "distilbert", "max_position_embeddings": 256, "pad_token_id": 0}, 256),
        ({"model_type": "newbert", "max_position_embeddings": 514}, 512),
        ({"model_type": "newbert"}, 512),
        ({"model_type": "newbert", "max_position_embeddings": -1}, 512),
    ],
)
def test_longest_sequence(tmp_path, config, expected):
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": {"0": "O"}}))
    assert Classifier.read(tmp_path).max_length == expected


def test_importing_again_replaces(source):
    import_folder(source, name="toy", licence="MIT")
    folder = import_folder(source, name="toy", licence="Apache-2.0")
    assert Manifest.read(folder).licence == "Apache-2.0"
    assert [path.name for path in folder.parent.iterdir()] == ["toy"]


# What cannot be imported ------------------------------------------------------------------------------------


def _remove(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def _pickle(folder):
    (folder / "model.onnx").rename(folder / "pytorch_model.bin")


def _config(**entries):
    return lambda folder: write_toy_folder(folder, config=entries)


def _graph(**options):
    return lambda folder: write_toy_folder(folder, **options)


def _content(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_remove("config.json"), UnsupportedModelError, "has no config.json"),
        (_remove("tokenizer.json"), UnsupportedModelError, r"no tokenizer\.json.*AutoTokenizer.*save_pretrained"),
        (
            _remove("model.onnx"),
            UnsupportedModelError,
            r"no weights; one of model\.onnx, onnx/model\.onnx, model\.safe",
        ),
        (_pickle, UnsupportedModelError, "pickle.*convert it to safetensors"),
        (_config(id2label=None), UnsupportedModelError, "no id2label"),
        (_config(id2label={"1": "O", "2": "B-X"}), UnsupportedModelError, "numbers its tags from 0"),
        (_config(id2label={"0": "O", "1": "B-X"}), UnsupportedModelError, r"shape \[3, 4\] for 3 .* and 2 tags"),
        (_graph(outputs=["one", "two"]), UnsupportedModelError, "outputs one, two, and none is called logits"),
        (_graph(length=128), UnsupportedModelError, r"does not run on input_ids of shape \[1, 3\]"),
        (_graph(extra_inputs=["bbox"]), UnsupportedModelError, "reads bbox"),
        (_content("model.onnx", b"no graph"), UnsupportedModelError, "no graph that ONNX Runtime can load"),
        (_content("config.json", b"{"), DamagedModelError, r"config\.json .* is damaged"),
        (_content("config.json", b"[]"), DamagedModelError, r"config\.json .* is damaged"),
        (_content("tokenizer.json", b"{}"), DamagedModelError, r"tokenizer\.json .* cannot be read"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing(source, spoil, error, message):
    spoil(source)
    with pytest.raises(error, match=message):
        import_folder(source, name="toy")
    assert not list(home().rglob("*")) or list((home() / "models").iterdir()) == []


def test_a_failed_import_keeps_the_model_that_was_there(source):
    folder = import_folder(source, name="toy")
    (source / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UnsupportedModelError):
        import_folder(source, name="toy")
    Manifest.read(folder).verify(folder)


@pytest.mark.parametrize("name", ["", "..", "../toy", "a/../b", "/etc", "a\\b", "a//b", "a b", "a/", "é"])
def test_names_cannot_leave_the_directory(source, name):
    with pytest.raises(InputError, match="no model name"):
        import_folder(source, name=name)


def test_unknown_units_are_refused(source):
    with pytest.raises(InputError, match="a model tags 'word' or 'token'"):
        import_folder(source, name="toy", unit="line")


@pytest.mark.parametrize("manifest", [None, "{}", '{"name": "toy", "icons": []}', "{"])
def test_a_folder_that_is_no_model_is_not_replaced(source, tmp_path, manifest):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").touch()
    if manifest:
        (notes / "manifest.json").write_text(manifest)
    with pytest.raises(OutputError, match="exists and is no model folder"):
        import_folder(source, name="toy", target=notes)
    assert (notes / "a.txt").exists()


def test_an_empty_folder_may_be_the_target(source, tmp_path):
    (tmp_path / "new").mkdir()
    import_folder(source, name="toy", target=tmp_path / "new")
    Manifest.read(tmp_path / "new").verify(tmp_path / "new")


def test_two_names_do_not_share_a_folder(source):
    import_folder(source, name="toy/organs")
    with pytest.raises(OutputError, match="holds the model 'toy/organs'"):
        import_folder(source, name="toy-organs")


def test_a_damaged_import_can_be_replaced(source):
    folder = import_folder(source, name="toy")
    (folder / "manifest.json").write_text("{")
    import_folder(source, name="toy")
    Manifest.read(folder).verify(folder)


def test_a_bundled_models_name_is_taken(source, monkeypatch, tmp_path):
    bundled = import_folder(source, name="en/organs", target=tmp_path / "bundled" / "organs")
    for module in ("clinspan.hub.resolve", "clinspan.hub.importers.build"):
        monkeypatch.setattr(f"{module}.BUNDLED", bundled.parent)
    with pytest.raises(InputError, match="'en/organs' is the name of a model that comes with clinspan"):
        import_folder(source, name="en/organs")


def test_an_unwritable_target_is_named(source, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        import_folder(source, name="toy", target=tmp_path / "file" / "model")
