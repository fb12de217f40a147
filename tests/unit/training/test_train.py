"""Training end to end, on a toy encoder: a recipe in, a model folder out; interrupted runs go on."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

import onnx  # noqa: E402
import torch  # noqa: E402
from rich.console import Console  # noqa: E402

import clinspan  # noqa: E402
from clinspan.exceptions import OutputError, RecipeError  # noqa: E402
from clinspan.hub.manifest import Manifest  # noqa: E402
from clinspan.inference.vectors import WordVectors  # noqa: E402
from clinspan.training import finetune  # noqa: E402
from clinspan.training.data import DataFolders  # noqa: E402
from clinspan.training.follow import chain, follow  # noqa: E402
from clinspan.training.recipe import Recipe  # noqa: E402
from clinspan.training.recipes import VectorsRecipe  # noqa: E402
from clinspan.training.reopen import reopened_weights  # noqa: E402
from clinspan.training.run import train  # noqa: E402
from clinspan.training.vectors import train_vectors  # noqa: E402
from families import TOY_FAMILIES  # noqa: E402

QUIET = Console(quiet=True)
ORGANS, FINDINGS = ("heart", "kidney", "liver"), ("enlarged", "normal", "painful")
RECIPE = """
name = "toy"
version = "1.0.0"
languages = ["en"]
licence = "CC0-1.0"
checkpoint = "{checkpoint}"
max_length = 32
overlap = 8
[heads.organs]
labels = ["Organ"]
aliases = ["toy_alias"]
[[corpora]]
name = "toy"
train = "train.jsonl"
dev = "dev.jsonl"
heads.organs.label_map = {{ ORGAN = "Organ" }}
[training]
epochs = {epochs}
patience = 20
batch_subwords = 128
learning_rate = 2e-3
head_learning_rate = 1e-2
average = 0.5
mask = 0.05
quantization_aware = true
"""


def write_corpus(path: Path, count: int) -> None:
    lines = []
    for i in range(count):
        organ, finding = ORGANS[i % 3], FINDINGS[i // 3 % 3]
        text = f"The {organ} was {finding}."
        entity = {"start": 4, "end": 4 + len(organ), "label": "ORGAN"}
        lines.append(json.dumps({"id": str(i), "text": text, "entities": [entity], "source": "toy"}))
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bert = next(family for family in TOY_FAMILIES if family.name == "bert")
    return bert.write(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "train.jsonl", 36)
    write_corpus(tmp_path / "dev.jsonl", 9)
    return tmp_path


def recipe(folder: Path, checkpoint: Path, epochs: int) -> Recipe:
    path = folder / "toy.toml"
    path.write_text(RECIPE.format(checkpoint=checkpoint, epochs=epochs), encoding="utf-8")
    return Recipe.read(path)


def run(data: Path, checkpoint: Path, runs: str, epochs: int = 8, **training: Any) -> Manifest:
    read = recipe(data, checkpoint, epochs)
    read = replace(read, training=replace(read.training, **training))
    return train(read, data=DataFolders((data,)), runs=data / runs, output=data / runs / "model", console=QUIET)


def test_a_recipe_becomes_a_model_that_finds_what_it_was_taught(data: Path, checkpoint: Path) -> None:
    manifest = run(data, checkpoint, "runs")
    folder = data / "runs" / "model"
    assert manifest == Manifest.read(folder)
    manifest.verify(folder)
    assert manifest.heads[0].names == ("en/organs", "toy_alias")
    assert manifest.heads[0].scores["toy dev"]["micro"]["f1"] == 1.0
    assert "en/organs" in (folder / "README.md").read_text(encoding="utf-8")
    for precision in (folder, data / "runs" / "toy" / "fp32"):
        found = clinspan.load(str(precision))("The kidney was normal. The liver was painful.").entities
        assert [(e.text, e.label) for e in found] == [("kidney", "Organ"), ("liver", "Organ")]
    int8, fp32 = (reopened_weights(path / "model.onnx") for path in (folder, data / "runs" / "toy" / "fp32"))
    matrices = [name for name in fp32 if "encoder.layer" in name and fp32[name].ndim == 2]
    assert matrices
    assert all(torch.allclose(int8[name], fp32[name], rtol=1e-5) for name in matrices)


def test_a_recipe_goes_on_from_the_heads_of_another(data: Path, checkpoint: Path) -> None:
    run(data, checkpoint, "runs")
    (data / "second.toml").write_text(
        RECIPE.format(checkpoint="toy", epochs=1)
        .replace('name = "toy"\nversion', 'name = "second"\nversion')
        .replace("learning_rate = 2e-3\nhead_learning_rate = 1e-2", "learning_rate = 1e-6\nhead_learning_rate = 1e-6"),
        encoding="utf-8",
    )
    console = Console(file=io.StringIO(), width=200)
    folders, runs = DataFolders((data,)), data / "runs"
    second = Recipe.read(data / "second.toml")
    manifest = train(second, data=folders, runs=runs, output=runs / "second" / "model", console=console)
    assert "heads that go on from toy: organs" in console.file.getvalue()
    assert manifest.heads[0].scores["toy dev"]["micro"]["f1"] == 1.0
    first, then = (
        reopened_weights(runs / name / "fp32" / "model.onnx")["heads.organs.weight"] for name in ("toy", "second")
    )
    torch.testing.assert_close(then, first, atol=1e-4, rtol=0)  # at this rate they hardly move


def test_a_share_of_the_start_may_be_kept(data: Path, checkpoint: Path) -> None:
    run(data, checkpoint, "runs", epochs=8)
    folders, runs = DataFolders((data,)), data / "runs"
    (data / "second.toml").write_text(
        RECIPE.format(checkpoint=runs / "toy" / "encoder", epochs=1)
        .replace('name = "toy"\nversion', 'name = "second"\nversion')
        .replace("average = 0.5", "average = 0.0\nkeep_start = 0.4"),
        encoding="utf-8",
    )
    recipe = Recipe.read(data / "second.toml")
    raw = runs / "second" / "checkpoint.pt"
    train(recipe, data=folders, runs=runs, output=data / "model", console=QUIET)
    first, then = (
        reopened_weights(runs / name / "fp32" / "model.onnx")["heads.organs.weight"] for name in ("toy", "second")
    )
    learnt = torch.load(raw, weights_only=True)["best"]["heads.organs.weight"]
    assert not torch.allclose(learnt, first, atol=1e-3)
    torch.testing.assert_close(then, torch.lerp(learnt, first, 0.4), atol=1e-6, rtol=0)


def test_a_share_of_a_start_without_the_heads_is_refused(data: Path, checkpoint: Path) -> None:
    with pytest.raises(RecipeError, match=r"keep_start wants a start with all heads; .* lacks organs with these tags"):
        run(data, checkpoint, "runs", epochs=1, keep_start=0.5)


@pytest.mark.parametrize("minutes", [0.0, 60.0], ids=["within an epoch", "after an epoch"])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, minutes: float
) -> None:
    def save_and_stop(self: finetune.Finetuner) -> None:
        save(self)
        steps.append(self.state.step)
        if len(steps) == 2:
            raise KeyboardInterrupt

    whole = run(data, checkpoint, "whole", epochs=3, checkpoint_minutes=minutes)
    save, steps = finetune.Finetuner._save, list[int]()
    monkeypatch.setattr(finetune.Finetuner, "_save", save_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run(data, checkpoint, "parts", epochs=3, checkpoint_minutes=minutes)
    assert steps == ([1, 2] if minutes == 0 else [0, 0])
    monkeypatch.undo()
    assert run(data, checkpoint, "parts", epochs=3, checkpoint_minutes=minutes).files == whole.files


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_mean_of_the_last_epochs_may_be_kept(
    data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    seen, kept, judge = [], [], finetune.Finetuner._judge

    def watch(self: finetune.Finetuner, loss: float) -> None:
        judge(self, loss)
        seen.append({name: weight.clone() for name, weight in self.average.module.state_dict().items()})
        kept.append(self.best)

    monkeypatch.setattr(finetune.Finetuner, "_judge", watch)
    run(data, checkpoint, "runs", epochs=3, mean_of_epochs=count, patience=1)
    assert len(seen) == 3
    for name, weight in kept[-1].items():
        mean = torch.stack([epoch[name] for epoch in seen[-count:]]).mean(dim=0)
        assert torch.allclose(weight, mean, atol=1e-6), name


def test_a_run_is_not_gone_on_with_by_another_recipe(data: Path, checkpoint: Path) -> None:
    run(data, checkpoint, "runs", epochs=1)
    with pytest.raises(RecipeError, match=r"runs/toy/checkpoint\.pt was written by another recipe.*delete .*runs/toy"):
        run(data, checkpoint, "runs", epochs=2)


@pytest.mark.parametrize("changed", ["data", "start"])
def test_a_run_is_not_gone_on_with_after_a_change(data: Path, checkpoint: Path, tmp_path: Path, changed: str) -> None:
    start = tmp_path / "start"
    shutil.copytree(checkpoint, start)
    run(data, start, "runs", epochs=1)
    run(data, start, "runs", epochs=1)  # the same goes on from its end
    if changed == "data":
        write_corpus(data / "train.jsonl", 39)
    else:
        bert = next(family for family in TOY_FAMILIES if family.name == "bert")
        shutil.rmtree(start)
        torch.manual_seed(99)
        bert.write(start)
    with pytest.raises(RecipeError, match=r"its data or what it starts from was changed; delete .*runs/toy"):
        run(data, start, "runs", epochs=1)


def test_what_is_wrong_with_a_run_is_said_before_it_begins(data: Path, checkpoint: Path) -> None:
    def begun(old: str, new: str) -> None:
        path = data / "toy.toml"
        path.write_text(RECIPE.format(checkpoint=checkpoint, epochs=1).replace(old, new), encoding="utf-8")
        train(Recipe.read(path), data=DataFolders((data,)), runs=data / "runs", output=data / "model", console=QUIET)

    with pytest.raises(RecipeError, match=r"max_length is 4096, but .* reads at most \d+ sub-words at once"):
        begun("max_length = 32", "max_length = 4096")
    with pytest.raises(RecipeError, match="No corpus with a train file teaches more, nor does"):
        begun("[[corpora]]", '[heads.more]\nlabels = ["X"]\n[[corpora]]')
    with pytest.raises(RecipeError, match=r"No later\.jsonl in "):
        begun(
            "[training]", '[[corpora]]\nname = "b"\ndev = "later.jsonl"\njudge = false\nheads.organs = {}\n[training]'
        )
    assert not (data / "runs").exists()


def test_a_folder_of_other_things_is_no_output(data: Path, checkpoint: Path) -> None:
    recipe(data, checkpoint, epochs=1)
    with pytest.raises(OutputError, match="exists and is no model folder"):
        follow(data / "toy.toml", folders=[data], runs=data / "runs", output=data, console=QUIET)
    assert (data / "train.jsonl").exists()


SECOND_HEAD = """
[heads.findings]
labels = ["Finding", "Organ"]
languages = ["en", "es"]
aliases.es = ["hallazgos"]
[[corpora]]
name = "both"
language = "en"
train = "both.jsonl"
dev = "both.jsonl"
passes = 1.5
heads.organs.label_map = {{ "*" = "", ORGAN = "Organ" }}
[corpora.heads.findings]
complete = ["Finding"]
label_map = {{ FINDING = "Finding", ORGAN = "" }}
[[corpora]]
name = "organs only"
train = "train.jsonl"
[corpora.heads.findings]
complete = ["Organ"]
label_map = {{ ORGAN = "Organ" }}
[vocabulary]
size = 0
[training]
"""


def test_corpora_that_mark_one_label_each_teach_a_head_both(data: Path, checkpoint: Path) -> None:
    """Two heads of one graph; `findings` learns organs from one corpus and findings from another."""
    records = [json.loads(line) for line in (data / "train.jsonl").read_text(encoding="utf-8").splitlines()]
    for record in records:
        finding = record["text"].split()[-1].rstrip(".")
        start = record["text"].index(finding)
        record["entities"].append({"start": start, "end": start + len(finding), "label": "FINDING"})
        record["source"] = "both"
    (data / "both.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    path = data / "two.toml"
    body = RECIPE.replace("[training]\n", SECOND_HEAD).format(checkpoint=checkpoint, epochs=30)
    path.write_text(body, encoding="utf-8")
    output = data / "two"
    manifest = train(Recipe.read(path), data=DataFolders((data,)), runs=data / "r", output=output, console=QUIET)
    assert [head.names for head in manifest.heads] == [
        ("en/organs", "toy_alias"),
        ("en/findings",),
        ("es/findings", "hallazgos"),
    ]
    assert manifest.heads[1].scores["both dev"]["micro"]["f1"] > 0.9
    assert manifest.heads[2].scores == {}  # the corpus is English
    ner = clinspan.load(f"{output}#organs", f"{output}#findings")
    assert ner.models[0].tagger is ner.models[1].tagger
    assert [(e.text, e.label, e.model) for e in ner("The kidney was normal.").entities] == [
        ("kidney", "Organ", "en/organs"),
        ("kidney", "Organ", "en/findings"),
        ("normal", "Finding", "en/findings"),
    ]


VECTORS = VectorsRecipe(
    name="toy-vectors",
    version="1.0.0",
    languages=["en"],
    licence="CC0-1.0",
    head="toy_embeddings",
    aliases=["toy_vectors"],
    texts=["train.jsonl"],
    dimension=8,
    min_count=2,
)
BILSTM = """
name = "toy-bilstm"
version = "1.0.0"
languages = ["en"]
licence = "CC0-1.0"
[bilstm]
vectors = "toy_vectors"
hidden = 16
dropout = 0.1
epochs = 15
learning_rate = 1e-2
[heads.organs]
labels = ["Organ"]
[[corpora]]
name = "toy"
train = "train.jsonl"
dev = "dev.jsonl"
heads.organs.label_map = { ORGAN = "Organ" }
"""
TAUGHT = """
[[corpora]]
name = "notes"
train = "train.jsonl"
teacher = "en/organs"
heads.organs = {}
"""


def test_a_bilstm_tagger_learns_and_reads_its_own_vectors(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path))
    models, folders = tmp_path / "models", DataFolders((data,))
    train_vectors(VECTORS, data=folders, runs=data / "r", output=models / "v", console=QUIET)
    assert clinspan.open_vectors("en/toy_embeddings").vectors.lookup(pa.array(["Kidney", "kidneys"]))[1].tolist() == [
        True,
        False,
    ]
    for name, recipe in (("first", BILSTM), ("second", BILSTM + TAUGHT)):
        path = data / f"{name}.toml"
        path.write_text(recipe, encoding="utf-8")
        manifest = train(Recipe.read(path), data=folders, runs=data / "r", output=models / name, console=QUIET)
        assert manifest.heads[0].scores["toy dev"]["micro"]["f1"] == 1.0
    ner = clinspan.load(str(models / "second"), threads=1)
    found = ner("The kidney was normal. The liver was painful.").entities
    assert [(e.text, e.label) for e in found] == [("kidney", "Organ"), ("liver", "Organ")]
    assert all(0 < e.confidence <= 1 for e in found)


WORDS = """
[vectors]
name = "words"
version = "1.0.0"
languages = ["en"]
licence = "CC0-1.0"
head = "words"
texts = ["train.jsonl"]
dimension = 6
min_count = 1
teacher = "toy#organs"
"""
PRETRAIN = """
[pretrain]
name = "adapted"
texts = ["train.jsonl"]
checkpoint = "{checkpoint}"
length = 16
vocabulary = {vocabulary}
batch_sequences = 4
"""


@pytest.mark.parametrize("vocabulary", [0, 60])
def test_a_recipe_follows_the_one_it_starts_from_unless_that_was_followed(
    data: Path, checkpoint: Path, vocabulary: int
) -> None:
    runs, path = data / "runs", data / "toy.toml"
    (data / "adapted.toml").write_text(PRETRAIN.format(checkpoint=checkpoint, vocabulary=vocabulary), encoding="utf-8")
    recipe(data, Path("adapted"), epochs=1)
    assert chain(path, runs) == [data / "adapted.toml", path]
    console = Console(file=io.StringIO(), width=400)
    follow(path, folders=[data], runs=runs, output=data / "model", console=console)
    assert len(re.findall(r"wrote .+ in 0:0\d:\d\d\n", console.file.getvalue())) == 2
    assert {file.name for file in (runs / "adapted" / "encoder").iterdir()} >= {"config.json", "tokenizer.json"}
    assert (data / "model" / "model.onnx").exists()
    assert chain(path, runs) == [path]


def test_a_teacher_that_another_recipe_makes_is_made_first(data: Path, checkpoint: Path) -> None:
    runs, path = data / "runs", data / "pupil.toml"
    recipe(data, checkpoint, epochs=8)
    body = RECIPE.format(checkpoint=checkpoint, epochs=1).replace('name = "toy"\nversion', 'name = "pupil"\nversion')
    path.write_text(body + TAUGHT.replace('"en/organs"', '"toy#organs"'), encoding="utf-8")
    assert chain(path, runs) == [data / "toy.toml", path]
    console = Console(file=io.StringIO(), width=200, markup=False)
    follow(path, folders=[data], runs=runs, output=data / "model", console=console)
    lines = console.file.getvalue().splitlines()
    assert [line for line in lines if line in ("toy.toml", "pupil.toml")] == ["toy.toml", "pupil.toml"]
    assert chain(path, runs) == [path]
    assert Manifest.read(data / "model").heads[0].training[-1]["name"] == "notes"


def test_the_teacher_of_word_vectors_is_made_first(data: Path, checkpoint: Path) -> None:
    runs, path, output = data / "runs", data / "words.toml", data / "words"
    recipe(data, checkpoint, epochs=1)
    path.write_text(WORDS, encoding="utf-8")
    assert chain(path, runs) == [data / "toy.toml", path]
    follow(path, folders=[data], runs=runs, output=output, console=QUIET)
    found, known = WordVectors.open(output / "vectors.arrow").lookup(pa.array(["Heart", "liver", "spleen"]))
    assert known.tolist() == [True, True, False]
    assert found.shape == (3, 6)
    assert found[:2].any(axis=1).all()


def test_recipes_that_start_from_each_other_are_refused(data: Path) -> None:
    path = data / "adapted.toml"
    path.write_text(PRETRAIN.format(checkpoint="adapted", vocabulary=0), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"adapted\.toml <- adapted\.toml"):
        chain(path, data / "runs")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heads.organs.label", "heads.organ.label", "unknown heads: organ"),
        ("epochs = 1", "epoch = 1", "unknown entries epoch"),
        ("heads.organs.label_map", 'heads.organs.complete = ["Organs"]\nheads.organs.label_map', "complete.*Organs"),
        ('"Organ" }', '[["ORGAN", "Organ"]] }', "patterns.*'ORGAN'"),
        ('ORGAN = "Organ"', 'ORGAN = "Gland"', "labels that the head 'organs' lacks: Gland"),
        ('"train.jsonl"', '"elsewhere.jsonl"', "--data"),
        ('name = "toy"\nversion', "version", "name"),
    ],
)
def test_a_wrong_recipe_is_refused_with_what_is_wrong(
    data: Path, checkpoint: Path, old: str, new: str, message: str
) -> None:
    body = RECIPE.format(checkpoint=checkpoint, epochs=1)
    assert old in body
    path = data / "wrong.toml"
    path.write_text(body.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        train(
            Recipe.read(path),
            data=DataFolders((data,)),
            runs=data / "r",
            output=data / "m",
            console=QUIET,
        )


def test_an_auxiliary_head_is_no_part_of_the_model(data, checkpoint):
    body = RECIPE.replace("[[corpora]]", '[heads.helper]\nlabels = ["Organ"]\nauxiliary = true\n[[corpora]]')
    body = body.replace("[training]", 'heads.helper.label_map = {{ ORGAN = "Organ" }}\n[training]')
    path = data / "toy.toml"
    path.write_text(body.format(checkpoint=checkpoint, epochs=1), encoding="utf-8")
    train(Recipe.read(path), data=DataFolders((data,)), runs=data / "r", output=data / "m", console=QUIET)
    assert [head.name for head in Manifest.read(data / "m").heads] == ["en/organs"]
    assert [o.name for o in onnx.load(data / "m" / "model.onnx").graph.output] == ["organs"]
