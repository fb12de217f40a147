"""The other commands: demo, models, evaluate, import, train, and what they have in common."""

import importlib.util
import json

import pytest
import typer
from rich.text import Text

from clinspan import __version__, cli
from clinspan.cli.names import complete_model
from clinspan.examples import EXAMPLES
from clinspan.hub.manifest import Manifest
from clinspan.hub.resolve import installed_heads, resolve
from clinspan.inference.session import OnnxSession
from models import copied_model
from spark_layout import from_spark, zipped
from toy_graph import write_toy_folder

RECORDS = [
    {"id": "1", "text": "The kidney was normal.", "entities": [{"start": 4, "end": 10, "label": "Organ"}]},
    {"id": "2", "text": "The liver, too.", "entities": [{"start": 4, "end": 9, "label": "Organ"}]},
    {"id": "3", "text": "The heart, too.", "entities": [{"start": 4, "end": 9, "label": "Tumour"}]},
]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in RECORDS))
    return path


def test_version(clinspan):
    assert clinspan("--version").out == f"clinspan {__version__}\n"


@pytest.mark.parametrize("command", ["annotate", "demo", "doctor", "models", "evaluate", "import", "run", "train"])
def test_every_command_explains_itself(clinspan, command):
    outcome = clinspan(command, "--help")
    assert outcome.code == 0
    assert "Usage: " in outcome.out


def _help_texts(command):
    """Yield what `--help` says of a command, its parameters and its commands."""
    yield command.help
    yield from (parameter.help for parameter in command.params)
    for below in getattr(command, "commands", {}).values():
        yield from _help_texts(below)


def test_no_help_text_loses_its_brackets_to_markup():
    for text in filter(None, _help_texts(typer.main.get_command(cli._typer))):
        assert Text.from_markup(text).plain == text.replace("\\[", "[")


def test_an_unknown_command(clinspan):
    outcome = clinspan("anotate")
    assert outcome.code == 2
    assert "annotate" in outcome.err


def test_a_defect_is_not_taken_for_bad_notes(clinspan, monkeypatch):
    def broken(*_):
        raise RuntimeError("defect")

    monkeypatch.setattr(OnnxSession, "run", broken)
    outcome = clinspan(
        "annotate", "-", "-m", "en/anatomy", "--threads", "1", stdin=b"Text that no cache holds: kidney."
    )
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1] == "RuntimeError: defect"


def test_the_exit_code_of_a_script_is_its_own(clinspan, tmp_path):
    (tmp_path / "script.py").write_text("import sys\nsys.exit(3)\n", encoding="utf-8")
    assert clinspan("run", tmp_path / "script.py").code == 3


def test_a_wrong_environment_is_an_error_of_doctor(clinspan, monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    assert clinspan("doctor").code == 1


def test_names_of_models_are_completed():
    assert "en/anatomy" in complete_model("en/an")
    assert "en/slim" not in complete_model("en/an")


def test_demo_prints_the_entities_of_its_notes(clinspan):
    outcome = clinspan("demo")
    assert (outcome.code, outcome.err) == (0, "")
    for example in EXAMPLES:
        assert example.title in outcome.out
    for text, label in [("heart", "Organ"), ("cardiac muscle tissue", "Tissue"), ("connective tissue", "Tissue")]:
        assert any(line.split()[:-3] == [*text.split(), label] for line in outcome.out.splitlines())
    entities = outcome.out.partition("confidence")[2]
    for late in ("mitochondria", "blood", "lung"):
        assert late in entities


class TestModels:
    def test_table(self, clinspan, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        out = clinspan("models").out
        assert all(found.head.name in out for found in installed_heads())
        for word in ("name", "languages", "labels", "strict F1", "size", "licence"):
            assert word in out

    def test_by_language(self, clinspan):
        assert "en/anatomy" in clinspan("models", "--lang", "en").out
        assert "en/anatomy" not in clinspan("models", "--lang", "zz").out

    @pytest.mark.parametrize("name", ["en/anatomy", "bert_token_classifier_ner_anatomy_onnx"])
    def test_card(self, clinspan, name):
        outcome = clinspan("models", "show", name)
        assert outcome.code == 0
        assert "Labels: " in outcome.out
        assert "Organ" in outcome.out
        assert "en/slim" not in outcome.out

    def test_card_of_a_folder_has_all_heads(self, clinspan):
        folder = resolve("en/anatomy").folder
        assert {"en/anatomy", "en/slim"} <= set(clinspan("models", "show", folder).out.split())
        assert "en/anatomy" not in clinspan("models", "show", f"{folder}#slim").out

    def test_a_folder_is_named_as_it_is(self, clinspan, tmp_path):
        folder = copied_model(tmp_path / "[red]m")
        assert clinspan("models", "show", folder).out.splitlines()[0] == str(folder)

    def test_an_unknown_name(self, clinspan):
        outcome = clinspan("models", "show", "en/anatomi")
        assert outcome.code == 2
        assert outcome.message == (
            "error: No model 'en/anatomi'. Did you mean 'en/anatomy'? `clinspan models` lists all of them."
        )


class TestEvaluate:
    def test_scores(self, clinspan, corpus, tmp_path):
        outcome = clinspan("evaluate", "en/anatomy", corpus, "--label-map", "Tumour=", "--json", tmp_path / "s.json")
        assert (outcome.code, outcome.err) == (0, "")
        for word in ("strict", "partial", "Organ", "precision", "95 % interval", "macro"):
            assert word in outcome.out
        scores = json.loads((tmp_path / "s.json").read_text())
        assert scores["documents"] == 3
        assert scores["entities"]["strict"]["Organ"]["recall"] == 1

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "gold.jsonl, line 1: not a JSON object with a text"),
            ('{"text": "x", "entities": [{"start": 0, "end": 9, "label": "L"}]}', "the span 0-9 lies outside its text"),
        ],
    )
    def test_a_bad_corpus(self, clinspan, tmp_path, content, message):
        (tmp_path / "gold.jsonl").write_text(content)
        outcome = clinspan("evaluate", "en/anatomy", tmp_path / "gold.jsonl")
        assert outcome.code == 2
        assert message in outcome.message

    def test_no_corpus(self, clinspan, tmp_path):
        outcome = clinspan("evaluate", "en/anatomy", tmp_path / "none.jsonl")
        assert (outcome.code, outcome.message) == (2, f"error: No corpus at {tmp_path / 'none.jsonl'}.")

    def test_an_output_that_cannot_be_written(self, clinspan, corpus, tmp_path):
        outcome = clinspan("evaluate", "en/anatomy", corpus, "--json", tmp_path / "gold.jsonl" / "s.json")
        assert outcome.code == 2
        assert outcome.message == f"error: {tmp_path / 'gold.jsonl' / 's.json'}: Not a directory"

    def test_a_wrong_label_map(self, clinspan, corpus):
        outcome = clinspan("evaluate", "en/anatomy", corpus, "--label-map", "Tumour")
        assert outcome.code == 2
        assert "is not OLD=NEW" in " ".join(outcome.err.split())


class TestTrain:
    def test_without_the_extra(self, clinspan, monkeypatch, tmp_path):
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "torch" else find(name, *a))
        outcome = clinspan("train", tmp_path / "recipe.toml")
        assert outcome.code == 2
        assert outcome.message == "error: Training needs more packages: pip install 'clinspan[train]'"


def test_a_folder_that_is_no_model_cannot_be_imported(clinspan, tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))
    (tmp_path / "m").mkdir()
    outcome = clinspan("import", tmp_path / "m")
    assert outcome.code == 2
    assert outcome.message.startswith("error: ")
    assert not list((tmp_path / "home").rglob("manifest.json"))


def test_a_folder_of_hugging_face_is_imported(clinspan, tmp_path, monkeypatch):
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))
    source = write_toy_folder(tmp_path / "my-ner")
    options = ("--name", "mine/organs", "--lang", "en", "--lang", "nl", "--unit", "token", "--licence", "MIT")
    outcome = clinspan("import", source, *options)
    folder = tmp_path / "home" / "models" / "mine-organs"
    assert (outcome.code, outcome.out) == (0, f"mine/organs  {folder}\n")
    about = Manifest.read(folder)
    assert (about.languages, about.unit, about.licence) == (("en", "nl"), "token", "MIT")
    assert clinspan("import", source).out.startswith("my-ner  ")
    assert "kidney" in clinspan("annotate", "-", "-m", "mine/organs", stdin=b"The kidney was large").out


@pytest.mark.parametrize("packed", [True, False])
def test_a_model_of_spark_nlp_is_imported(clinspan, tmp_path, monkeypatch, packed):
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))
    folder = from_spark(tmp_path / "organs_en_5.1.1_3.0_1", "bert")
    source = zipped(tmp_path / f"{folder.name}.zip", folder) if packed else folder
    outcome = clinspan("import", source)
    assert (outcome.code, outcome.out) == (0, f"organs  {tmp_path / 'home' / 'models' / 'organs'}\n")
    assert "heart" in clinspan("annotate", "-", "-m", "organs", stdin=b"The heart.").out
    assert clinspan("import", source, "--name", "mine/organs", "--lang", "es").out.startswith("mine/organs  ")


@pytest.mark.parametrize("option", ["--name=x", "--lang=en", "--unit=token", "--licence=MIT", "--no-int8"])
def test_options_for_a_model_of_the_hub_are_refused(clinspan, monkeypatch, option):
    monkeypatch.setattr("clinspan.hub.resolve.resolve", lambda _: pytest.fail("it was fetched all the same"))
    outcome = clinspan("import", "hf:owner/name", option)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"{option.partition('=')[0]}: a model of the hub takes no options" in " ".join(outcome.err.split())


def test_a_damaged_model_of_spark_nlp_is_named(clinspan, tmp_path):
    (tmp_path / "m.zip").write_bytes(b"PK")
    outcome = clinspan("import", tmp_path / "m.zip")
    assert outcome.code == 2
    assert outcome.message.startswith(f"error: {tmp_path / 'm.zip'} is damaged or no zip archive")
