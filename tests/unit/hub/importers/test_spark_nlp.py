"""Models of Spark NLP compute what their sources do; damaged and hostile ones are refused and leave nothing."""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tokenizers import Tokenizer, pre_tokenizers

import clinspan
from clinspan.exceptions import DamagedModelError, InputError, UnsupportedModelError
from clinspan.hub.importers.hugging_face import import_folder
from clinspan.hub.importers.spark_nlp import is_spark_nlp, opened
from clinspan.hub.manifest import Manifest
from clinspan.hub.resolve import home
from clinspan.inference.tagger import Tagger
from clinspan.inference.units import Encoded
from families import POSITIONS, TAGS, TOY_FAMILIES
from spark_layout import (
    LABELS,
    MERGES,
    PIECES,
    WORDPIECE,
    from_spark,
    numbered,
    pack_graph,
    record,
    sequence_file,
    toy_graph,
    write_annotator,
    write_exported,
    write_map,
    zipped,
)

NAMES = {"bert": "Bert", "distilbert": "DistilBert", "roberta": "RoBerta"}
TEXTS = (
    "The heart and the left kidney.",
    "Inflamación del corazón; caffè: un'infezione.",
    "cocaine-induced CT/MRI dell'aspirina co-trimoxazole 500mg",
    "a\tb\theart\n\nkidney  left   tissue",
    "Pain 😀 in the heart → 5 µg ½",
)
NOTE = "The heart is large."


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def imported(source, **options):
    with opened(source) as saved:
        folder = saved.write(**options)
    Manifest.read(folder).verify(folder)
    return folder


def entities(folder, text=NOTE):
    return [(e.text, e.label) for e in clinspan.load(str(folder))(text).entities]


# The same logits as the source ------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[f for f in TOY_FAMILIES if f.name in NAMES], ids=lambda f: f.name)
def family(request):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    return request.param


@pytest.fixture(scope="module")
def source(family, tmp_path_factory):
    return family.write(tmp_path_factory.mktemp(family.name))


@pytest.fixture(scope="module")
def parts(family, source, tmp_path_factory):
    """What the source would be exported to: graph, vocabulary by id, labels, merges."""
    folder = import_folder(source, name="toy", target=tmp_path_factory.mktemp("onnx") / "model", int8=False)
    model = json.loads((source / "tokenizer.json").read_text())["model"]
    words = sorted(model["vocab"], key=model["vocab"].get)
    merges = [tuple(pair) for pair in model["merges"]] if family.name == "roberta" else None
    return (folder / "model.onnx").read_bytes(), {"vocabulary": words, "labels": TAGS, "merges": merges}


@pytest.fixture(params=["annotator", "archive", "exported"])
def saved(request, family, parts, tmp_path):
    graph, rest = parts
    if request.param == "exported":
        return write_exported(tmp_path / "exported", graph, **rest)
    rest = {**rest, "vocabulary": numbered(rest["vocabulary"]), "caseSensitive": family.name != "bert"}
    folder = write_annotator(tmp_path / "annotator", NAMES[family.name], graph, **rest)
    return folder if request.param == "annotator" else zipped(tmp_path / "toy_ner_en_5.1.1_3.0_1.zip", folder)


@pytest.mark.train
def test_logits_are_those_of_the_source(family, source, saved, tmp_path):
    import torch
    from transformers import AutoModelForTokenClassification

    network = AutoModelForTokenClassification.from_pretrained(source).double().eval()  # no rounding of its own
    reference = Tokenizer.from_file(str(source / "tokenizer.json"))
    if family.name == "roberta":  # a sentence begins as a word does after a space
        reference.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    folder = imported(saved, target=tmp_path / "model")
    manifest = Manifest.read(folder)
    tagger = Tagger.open(folder, manifest)
    assert (manifest.max_length, manifest.heads[0].tags, manifest.cased) == (POSITIONS, TAGS, family.name != "bert")
    for text in TEXTS:
        sentences, documents = pa.array([text]), np.zeros(1, np.int64)
        encoded = Encoded.from_units(tagger.units(sentences), sentences, documents, tagger.encoder)
        (ids,) = encoded.window_ids(tagger.encoder.tokenizer)
        assert ids.tolist() == reference.encode(text).ids
        with torch.no_grad():
            expected = network(input_ids=torch.tensor(ids)[None]).logits[0].numpy()
        np.testing.assert_allclose(tagger.session.run(ids, ["logits"])["logits"], expected, atol=1e-5, rtol=0)


# What Spark wrote -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_folder_that_spark_wrote(tmp_path, family):
    with opened(from_spark(tmp_path / "saved", family)) as saved:
        vocabulary = saved.tokenizer.get_vocab()
        assert vocabulary == dict(numbered(WORDPIECE if family == "bert" else PIECES))
        assert (saved.tags, saved.cased, saved.family) == (LABELS, family == "roberta", family)
        assert saved.params["inputCols"] == ["document", "token"]
        folder = saved.write()
    assert folder == home() / "models" / "saved"
    manifest = Manifest.read(folder)
    assert (manifest.version, manifest.max_length, manifest.unit) == ("1757521819217", 512, "word")
    assert entities(folder) == [("heart", "Organ")]
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


def test_merges_keep_their_order_and_their_version_line_drops_out(tmp_path):
    folder = from_spark(tmp_path / "saved", "roberta")
    lines = [("#version:", "0.2"), *MERGES]
    write_map(folder / "fields" / "merges", [*reversed(numbered(lines))])
    with opened(folder) as saved:
        assert saved.tokenizer.encode("heart", add_special_tokens=False).tokens == ["Ġheart"]
        assert json.loads(saved.tokenizer.to_str())["model"]["merges"] == [list(pair) for pair in MERGES]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bert_ner_anatomy_onnx_en_6.1.1_3.0_1757521819217", ("bert_ner_anatomy_onnx", ("en",), "1757521819217")),
        ("ner_clinical_en_2.4.0_2.4_1580237286004", ("ner_clinical", ("en",), "1580237286004")),
        ("x_y_z_xx_1.0_3_5", ("x_y_z", ("xx",), "5")),
        ("my model (2)", ("my-model-2", (), "1757521819217")),
        ("..é", ("model", (), "1757521819217")),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_names_of_archives_are_read_from_the_right(tmp_path, name, expected, packed):
    folder = from_spark(tmp_path / name, "bert")
    path = zipped(tmp_path / f"{name}.zip", folder) if packed else folder
    with opened(path) as saved:
        assert (saved.name, saved.languages, saved.version) == expected


def test_an_archive_may_hold_a_folder(tmp_path):
    from_spark(tmp_path / "outer" / "inner", "bert")
    assert entities(imported(zipped(tmp_path / "m.zip", tmp_path / "outer"))) == [("heart", "Organ")]


def test_a_name_of_ones_own_and_that_of_a_bundled_model(tmp_path):
    archive = zipped(tmp_path / "ner_clinical_en_2.4.0_2.4_1.zip", from_spark(tmp_path / "saved", "bert"))
    with pytest.raises(InputError, match="choose another one"):
        imported(archive)
    manifest = Manifest.read(imported(archive, name="mine/ner", licence="MIT", unit="token"))
    assert (manifest.name, manifest.languages, manifest.licence, manifest.unit) == ("mine/ner", ("en",), "MIT", "token")


@pytest.mark.parametrize(("family", "text"), [("bert", "heart [SEP] heart"), ("roberta", "heart </s> heart")])
def test_a_note_cannot_spell_the_end_of_a_sequence(tmp_path, family, text):
    with opened(from_spark(tmp_path / "saved", family)) as saved:
        ids = saved.tokenizer.encode(text).ids
    assert ids.count(ids[-1]) == 1


# Casing, vocabularies, weights ------------------------------------------------------------------------------


@pytest.mark.parametrize(("cased", "found"), [(True, []), (False, [("HEART", "Organ")])])
@pytest.mark.parametrize("family", ["Bert", "RoBerta"])
def test_casing_is_what_the_parameter_says(tmp_path, family, cased, found):
    words, merges = (WORDPIECE, None) if family == "Bert" else (PIECES, MERGES)
    folder = write_annotator(
        tmp_path / "saved", family, toy_graph(words),
        vocabulary=numbered(words), labels=LABELS, merges=merges, caseSensitive=cased,
    )  # fmt: skip
    assert entities(imported(folder), "No HEART.") == found


@pytest.mark.parametrize(("words", "cased"), [(WORDPIECE, True), ([w for w in WORDPIECE if w != "Heart"], False)])
def test_casing_is_the_vocabularys_where_there_is_no_parameter(tmp_path, words, cased):
    with opened(write_exported(tmp_path / "m", toy_graph(words), vocabulary=words, labels=LABELS)) as saved:
        assert saved.cased == cased


def test_lines_end_in_line_feeds_alone_and_the_last_of_equal_ones_counts(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "heart", "\u2028", "\x85", "", "heart"]
    folder = write_exported(tmp_path / "m", toy_graph(words), vocabulary=words, labels=LABELS)
    vocab = folder / "assets" / "vocab.txt"
    vocab.write_bytes(vocab.read_bytes().replace(b"\n", b"\r\n"))
    with opened(folder) as saved:
        assert saved.tokenizer.get_vocab() == dict(numbered(words))
        assert saved.tokenizer.token_to_id("heart") == 8
    assert entities(imported(folder)) == [("heart", "Organ")]


def test_weights_beside_the_graph_come_along(tmp_path):
    saved = from_spark(tmp_path / "saved", "bert")
    (saved / "model.onnx_data").write_bytes(b"weights")
    exported = write_exported(tmp_path / "exported", toy_graph(WORDPIECE), vocabulary=WORDPIECE, labels=LABELS)
    (exported / "model.onnx_data").write_bytes(b"weights")
    for folder in (saved, exported):
        assert (imported(folder) / "model.onnx_data").read_bytes() == b"weights"


def test_what_is_of_spark_nlp(tmp_path):
    saved = from_spark(tmp_path / "saved", "bert")
    exported = write_exported(tmp_path / "exported", b"", vocabulary=WORDPIECE, labels=LABELS)
    assert is_spark_nlp(saved)
    assert is_spark_nlp(exported)
    assert is_spark_nlp(zipped(tmp_path / "saved.zip", saved))
    (exported / "config.json").touch()  # a Hugging Face folder with pictures
    assert not is_spark_nlp(exported)
    assert not is_spark_nlp(tmp_path)
    assert not is_spark_nlp(tmp_path / "none.zip")


# What is damaged or hostile ---------------------------------------------------------------------------------


def _metadata(**entries):
    def spoil(folder):
        file = folder / "metadata" / "part-00000"
        file.write_text(json.dumps(json.loads(file.read_text()) | entries))

    return spoil


def _param(**params):
    return _metadata(paramMap=params)


def _content(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def _cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-5])


def _rename(name, new):
    return lambda folder: (folder / name).rename(folder / new)


def _part(field, *records, **options):
    """Replace the first part of a map."""
    return _content(f"fields/{field}/part-00000", sequence_file(*records, **options))


def _pairs(field, pairs):
    return lambda folder: write_map(folder / "fields" / field, pairs)


def _link(name):
    def spoil(folder):
        (folder.parent / "secret").write_bytes((folder / name).read_bytes())
        (folder / name).unlink()
        (folder / name).symlink_to(folder.parent / "secret")

    return spoil


def _graph(**members):
    def spoil(folder):
        with zipfile.ZipFile(folder / GRAPH, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name, content)

    return spoil


GRAPH = "bert_classification_onnx"
EVIL = bytes.fromhex("aced0005") + b"\x73\x72\x00\x11java.util.HashMap" + bytes(8) + b"\x03\x00\x00\x78\x70"
HOSTILE = [
    (_content("metadata/part-00000", b"{"), DamagedModelError, r"metadata/part-00000 is damaged.*one line of JSON"),
    (_content("metadata/part-00000", b"[" * 100_000), DamagedModelError, r"metadata/part-00000 is damaged"),
    (_content("metadata/part-00000", b"[]"), DamagedModelError, r"metadata/part-00000 is damaged"),
    (_metadata(defaultParamMap=3), DamagedModelError, r"metadata/part-00000 is damaged"),
    (_rename("metadata/part-00000", "metadata/part-1"), DamagedModelError, r"metadata/part-00000 is missing"),
    (_link("metadata/part-00000"), UnsupportedModelError, r"metadata/part-00000 is a link that leads out of"),
    (_param(caseSensitive="no", maxSentenceLength=0), DamagedModelError, "maxSentenceLength, caseSensitive cannot be"),
    (_param(inputCols=["a", 3]), DamagedModelError, "inputCols cannot be"),
    (_metadata(**{"class": "a.b.NerDLModel"}), UnsupportedModelError, "'NerDLModel'; these can be read: Bert.*import`"),
    (_rename(GRAPH, "bert_tensorflow"), UnsupportedModelError, r"bert_tensorflow holds .*TensorFlow.*clinspan import`"),
    (_rename(GRAPH, "bert_openvino"), UnsupportedModelError, r"bert_openvino holds weights for OpenVINO"),
    (_rename(GRAPH, "bert"), DamagedModelError, r"has 0 files called …_onnx"),
    (_link(GRAPH), UnsupportedModelError, r"bert_classification_onnx is a link that leads out of"),
    (_content(GRAPH, b"no zip"), DamagedModelError, r"bert_classification_onnx is damaged or no zip archive"),
    (_cut(GRAPH), DamagedModelError, r"bert_classification_onnx is damaged or no zip archive"),
    (_graph(a=b"x", b=b"y"), UnsupportedModelError, r"bert_classification_onnx holds 2 files"),
    (_graph(a=b"no graph"), UnsupportedModelError, r"bert_classification_onnx is no graph that ONNX Runtime can load"),
    (_graph(a=bytes(70 << 20)), UnsupportedModelError, r"_onnx would unpack to 73,400,320 bytes in 1 files from"),
    (lambda f: shutil.rmtree(f / "fields"), DamagedModelError, r"fields/vocabulary has no part-00000"),
    (_cut("fields/vocabulary/part-00001"), DamagedModelError, r"vocabulary/part-00001 is damaged: .* announced"),
    (_content("fields/labels/part-00000", b"PAR1"), DamagedModelError, r"labels/part-00000 .* no SequenceFile"),
    (_part("labels", compressed=True), UnsupportedModelError, r"labels/part-00000 is compressed"),
    (_part("labels", EVIL), UnsupportedModelError, r"labels/part-00000 holds the class 'java.util.HashMap'"),
    (_part("labels", record("O")), DamagedModelError, r"labels/part-00000 is damaged: .*something else"),
    (_part("labels", record([("O", "0")])), DamagedModelError, r"labels/part-00000 is damaged: .*something else"),
    (_part("labels", record([("B-Drug", 9)])), DamagedModelError, r"labels/part-00001 .*an entry occurs twice"),
    (_pairs("labels", [("O", 0), ("B-X", 2)]), DamagedModelError, r"fields/labels is damaged: .* without a gap"),
    (_pairs("labels", [("O", 0), ("B-X", 0)]), DamagedModelError, r"fields/labels is damaged"),
    (_pairs("labels", []), DamagedModelError, r"fields/labels is damaged"),
    (_pairs("labels", [(("O", "P"), 0)]), DamagedModelError, r"fields/labels is damaged"),
    (_pairs("labels", [("O", 0), ("B-X", 1)]), UnsupportedModelError, r"_onnx gives .* \[3, 4\] for .* and 2 tags"),
    (_pairs("vocabulary", numbered(WORDPIECE[3:])), DamagedModelError, r"vocabulary lacks \[CLS\], \[UNK\]"),
    (_pairs("vocabulary", [("[CLS]", -1)]), DamagedModelError, r"fields/vocabulary is damaged"),
    (_pairs("vocabulary", [("[CLS]", 2**31 - 1)]), DamagedModelError, r"fields/vocabulary is damaged"),
]


def _refused(path, error, message):
    with pytest.raises(error, match=message) as caught:
        imported(path, name="toy")
    assert str(path.parent) in str(caught.value) or tempfile.gettempdir() in str(caught.value)
    assert not (home() / "models").exists() or list((home() / "models").iterdir()) == []
    assert list(Path(tempfile.gettempdir()).iterdir()) == []


@pytest.mark.parametrize(("spoil", "error", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_spoilt_annotator_is_refused_and_leaves_nothing(tmp_path, spoil, error, message):
    folder = from_spark(tmp_path / "saved", "bert")
    spoil(folder)
    _refused(folder, error, message)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_pairs("merges", numbered(["he"])), r"fields/merges is damaged: a merge is of two"),
        (_pairs("merges", numbered([("q", "q")])), r"lacks what its merges are made of or give"),
        (_pairs("vocabulary", numbered(PIECES[1:])), r"the vocabulary lacks <s>"),
    ],
)
def test_spoilt_byte_pairs_are_refused(tmp_path, spoil, message):
    folder = from_spark(tmp_path / "saved", "roberta")
    spoil(folder)
    _refused(folder, DamagedModelError, message)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: shutil.rmtree(f / "assets"), UnsupportedModelError, "has neither metadata nor assets"),
        (_rename("model.onnx", "saved_model.pb"), UnsupportedModelError, r"saved_model\.pb holds .*TensorFlow.*`"),
        (_rename("model.onnx", "weights.bin"), DamagedModelError, r"model\.onnx is missing"),
        (_rename("assets/vocab.txt", "assets/spiece.model"), UnsupportedModelError, r"spiece\.model is a Sentence"),
        (_rename("assets/labels.txt", "assets/l.txt"), DamagedModelError, r"assets/labels\.txt is missing"),
        (_content("assets/labels.txt", b""), DamagedModelError, r"assets/labels\.txt is damaged"),
        (_content("assets/labels.txt", b"O\nO\n"), DamagedModelError, r"assets/labels\.txt is damaged"),
        (_content("assets/vocab.txt", b"\xff\xfe"), DamagedModelError, r"assets/vocab\.txt .* not UTF-8"),
        (_content("assets/vocab.txt", b""), DamagedModelError, r"assets/vocab\.txt is damaged: .* lacks \[CLS\]"),
        (_content("assets/merges.txt", b"q q\n"), DamagedModelError, r"assets/vocab\.txt is damaged: .* lacks <s>"),
        (_content("model.onnx", b"no graph"), UnsupportedModelError, r"model\.onnx is no graph"),
        (_link("assets/vocab.txt"), UnsupportedModelError, r"vocab\.txt is a link that leads out of"),
    ],
)
def test_a_spoilt_export_is_refused_and_leaves_nothing(tmp_path, spoil, error, message):
    folder = write_exported(tmp_path / "exported", toy_graph(WORDPIECE), vocabulary=WORDPIECE, labels=LABELS)
    spoil(folder)
    _refused(folder, error, message)


def test_an_assets_folder_elsewhere_is_refused(tmp_path):
    folder = write_exported(tmp_path / "exported", toy_graph(WORDPIECE), vocabulary=WORDPIECE, labels=LABELS)
    (folder / "assets").rename(tmp_path / "elsewhere")
    (folder / "assets").symlink_to(tmp_path / "elsewhere")
    _refused(folder, UnsupportedModelError, "leads out of")


def test_a_table_beyond_all_measure_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("clinspan.hub.importers.untrusted._LARGEST_TABLE", 10)
    _refused(from_spark(tmp_path / "saved", "bert"), DamagedModelError, r"part-00000 has \d+ bytes; no vocabulary")


def test_no_more_entries_than_any_vocabulary_has(tmp_path, monkeypatch):
    monkeypatch.setattr("clinspan.hub.importers.vocabulary._MOST", 20)
    _refused(from_spark(tmp_path / "saved", "bert"), DamagedModelError, r"part-00001 .*there are more than 20")


def test_a_spoilt_archive_names_the_file(tmp_path):
    folder = from_spark(tmp_path / "saved", "bert")
    pack_graph(folder / GRAPH, b"no graph")
    _refused(zipped(tmp_path / "m.zip", folder), UnsupportedModelError, r"bert_classification_onnx is no graph")
