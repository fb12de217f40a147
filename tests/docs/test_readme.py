"""The README's and the docs' code runs, and their figures are those of the manifests."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import clinspan.recognizer
from clinspan.corpora import read_corpus
from clinspan.evaluation.entity import MICRO
from clinspan.evaluation.run import evaluate
from clinspan.hub.manifest import SENTENCE_CNN
from clinspan.hub.resolve import BUNDLED, installed_heads
from clinspan.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BEFORE_HEADS = """
name = "x"
version = "1"
languages = ["en"]
licence = "x"
[patterns]
ONC = "cancer"
SYMPT = "pain"
[heads.bc5cdr]
labels = ["Chemical", "Disease"]
[heads.slim]
labels = ["Disease_Syndrome_Disorder", "Oncological", "Symptom", "Drug"]
"""
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(text: str, language: str) -> list[str]:
    return [body for name, body in BLOCK.findall(text) if name == language]


def without_spark(text: str) -> str:
    """The README without the section whose code tests/spark runs."""
    before, _, after = text.partition("\n## Spark\n")
    return before + after[after.index("\n## ") :]


def shell_lines() -> list[str]:
    lines = (line for body in blocks(without_spark(README), "sh") for line in body.splitlines())
    return [line for line in lines if "clinspan " in line and "~" not in line and not line.startswith("pip")]


def run(command: str | list[str]) -> str:
    done = subprocess.run(command, shell=isinstance(command, str), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python_blocks_run_in_order(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    code = "\n".join(blocks(without_spark(README), "python")).replace("/tmp/", f"{tmp_path}/")
    run([sys.executable, "-W", "error", "-c", code])
    assert (tmp_path / "clinspan-pipeline" / "metadata.json").exists()


def test_the_converter_of_the_data_page_writes_what_is_read(tmp_path: Path) -> None:
    (code,) = blocks((ROOT / "docs" / "data.md").read_text(encoding="utf-8"), "python")
    page: dict = {}
    exec(code, page)
    source, target = ROOT / "corpora" / "en" / "notes_clinical.dev.jsonl.gz", tmp_path / "mine.jsonl"
    page["to_json_lines"](source, "mine", target)
    found, expected = list(read_corpus(target)), list(read_corpus(source))
    assert [(r.id, r.text, r.spans, r.source) for r in found] == [(r.id, r.text, r.spans, "mine") for r in expected]


@pytest.mark.parametrize("line", shell_lines())
def test_commands_run(line: str, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("clinspan")
    printed = run(line.replace("/tmp/", f"{tmp_path}/").replace("clinspan ", f"{script} "))
    assert ("/tmp/" in line) == any(path.stat().st_size for path in tmp_path.iterdir())
    assert printed or "/tmp/" in line


@pytest.mark.parametrize(
    "found", [h for h in installed_heads() if h.folder.parent == BUNDLED], ids=lambda h: h.head.name
)
def test_the_model_table_says_what_the_manifest_says(found) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{found.head.name}`"))
    for i, (name, scores) in enumerate(found.head.scores.items()):
        micro = scores["micro"]
        interval = "" if i else f" ({micro['low']:.3f}–{micro['high']:.3f})"
        if not i or found.manifest.architecture != SENTENCE_CNN:
            assert f"{micro['f1']:.3f}{interval} {name}" in row
    assert all(f"`{alias}`" in row for alias in found.head.aliases)


def test_the_example_recipe_is_read(tmp_path: Path) -> None:
    body = blocks((ROOT / "docs" / "training.md").read_text(encoding="utf-8"), "toml")[0]
    path = tmp_path / "recipe.toml"
    path.write_text(body, encoding="utf-8")
    recipe = Recipe.read(path)
    assert recipe.heads["drugs"].tags == ["O", "B-DRUG", "I-DRUG"]
    assert recipe.corpora[0].heads["drugs"].label_map == {"MEDICATION": "DRUG", "GENE": ""}


def test_the_example_of_several_heads_is_read(tmp_path: Path) -> None:
    body = blocks((ROOT / "docs" / "training.md").read_text(encoding="utf-8"), "toml")[1]
    (tmp_path / "recipe.toml").write_text(BEFORE_HEADS + body, encoding="utf-8")
    (corpus,) = Recipe.read(tmp_path / "recipe.toml").corpora
    slim = corpus.heads["slim"]
    assert (slim.weight, slim.complete) == (0.3, ["Disease_Syndrome_Disorder", "Oncological"])
    assert slim.label_map["Disease"] == [["cancer", "Oncological"], ["pain", "Symptom"], "Disease_Syndrome_Disorder"]


@pytest.mark.train
@pytest.mark.filterwarnings("default")
def test_the_training_page_trains_from_a_conll_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    Path("train.conll").write_text("The DT O O\nheart NN O B-Organ\n\n" * 20, encoding="utf-8")
    (code,) = blocks((ROOT / "docs" / "training.md").read_text(encoding="utf-8"), "python")
    exec(code, {})
    assert clinspan.nlp.NerDLModel.load("my-tagger").getClasses() == ["O", "B-Organ"]


def test_every_local_link_leads_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_anchor_is_a_heading() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            assert anchor in anchors(page.parent / target if target else page), f"{page.name}: {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub spells them."""
    lines = page.read_text(encoding="utf-8").splitlines()
    headings = [re.sub(r"[`*]", "", line.lstrip("# ")).lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def test_the_examples_in_docstrings_run() -> None:
    result = doctest.testmod(clinspan.recognizer)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize(
    ("model", "corpus"),
    [("en/slim", "en/notes_slim"), ("en/clinical", "en/notes_clinical"), ("nl/disease", "nl/notes_four")],
)
def test_scores_are_those_of_the_shipped_files(model: str, corpus: str) -> None:
    """One number of each encoder's heads is measured anew; other processors may round a few mentions otherwise."""
    recognizer = clinspan.recognizer.load(model)
    head = recognizer.models[0].head
    name = corpus.partition("/")[2]
    records = read_corpus(ROOT / "corpora" / f"{corpus}.dev.jsonl.gz", head.reading(name))
    found = evaluate(recognizer, records).entities
    assert found["strict"][MICRO].f1 == pytest.approx(head.scores[f"{name} dev"]["micro"]["f1"], abs=0.004)
