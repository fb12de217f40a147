"""Recipes of every kind: all of the repository's are read, and what is wrong in one is an error."""

from pathlib import Path

import pytest

from clinspan.exceptions import RecipeError
from clinspan.training.recipe import Recipe
from clinspan.training.recipes import PretrainRecipe, SentencesRecipe, VectorsRecipe, read_recipe

RECIPES = Path(__file__).parents[3] / "recipes"
KINDS = {
    "en-embeddings": VectorsRecipe,
    "en-encoder": PretrainRecipe,
    "en-encoder-long": PretrainRecipe,
    "xx-encoder": PretrainRecipe,
    "xx-sentences": SentencesRecipe,
    "xx-vocabulary": PretrainRecipe,
}
TAGGER = """
name = "mine"
version = "1"
languages = ["en"]
licence = "CC0-1.0"
[heads.drugs]
labels = ["DRUG"]
[[corpora]]
name = "notes"
train = "train.jsonl"
dev = "notes.jsonl"
[corpora.heads.drugs.label_map]
MEDICATION = [["DRUGS", "DRUG"], ""]
[patterns]
DRUGS = "in$"
"""


SINGLE = 'name = "x"\nversion = "1"\nlanguages = ["en"]\nlicence = "x"\nhead = "x"\n'


def read(folder: Path, text: str):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_repository_is_read(path: Path) -> None:
    recipe = read_recipe(path)
    assert type(recipe) is KINDS.get(path.stem, Recipe)
    assert recipe.name == path.stem


def test_names_of_patterns_stand_for_the_patterns(tmp_path: Path) -> None:
    (corpus,) = read(tmp_path, TAGGER).corpora
    assert corpus.heads["drugs"].label_map == {"MEDICATION": [["in$", "DRUG"], ""]}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[[corpora]]\nname = "b"\ntrain = "b.jsonl"', "mine.toml: corpora 2: missing entries heads"),
        ('[[corpora]]\nname = "b"\nheads = {}', "mine.toml: the corpus 'b' has no heads"),
        (
            '[[corpora]]\nname = "notes"\ndev = "b.jsonl"\nheads.drugs = {}',
            "mine.toml: 2 corpora 'notes' measure the head 'drugs'",
        ),
        ('[heads.tests]\nlabels = "TEST"', "mine.toml: heads: tests: labels has to be a list, not text"),
        ("[training]\nepochs = 1.5", "mine.toml: training: epochs has to be a whole number, not a number"),
        ("[[training]]\nepochs = 1", "mine.toml: training has to be a table, not a list"),
        ("[training]\nepochs = 0", "mine.toml: epochs, patience and the size of a batch have to be 1 or more"),
        ("[training]\nepochs = 3\nmean_of_epochs = 4", "mine.toml: mean_of_epochs has to be from 0 to epochs"),
        ("[training]\npatience = 0", "mine.toml: epochs, patience and the size of a batch have to be 1 or more"),
        ('[bilstm]\nvectors = "v"\nepochs = 0', "mine.toml: epochs, patience and the size of a batch"),
        (
            '[[corpora]]\nname = "b"\nteacher = "en/slim"\nheads.drugs = {}',
            "mine.toml: b: a teacher needs a train file, whose texts it annotates",
        ),
        ('[[corpora]]\nname = "b"\nheads.drugs.before = "(the"', "before is a pattern of words, and '(the' is none"),
        ('[[corpora]]\nname = "b"\nheads.drugs.after = "["', "after is a pattern of words, and '[' is none"),
        ("[bilstm]\nvectors = 1", "mine.toml: bilstm: vectors has to be text, not a whole number"),
        ('[other]\nname = "x"', "mine.toml: unknown entries other; known: "),
    ],
    ids=str,
)
def test_a_wrong_recipe_of_a_tagger_is_refused(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, f"{TAGGER}{more}\n")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('languages = ["en"]', "languages = []", "mine.toml: languages names none"),
        ('licence = "CC0', 'checkpoint = "mine"\nlicence = "CC0', "mine.toml: checkpoint is its own name"),
        (
            'licence = "CC0',
            'unit = "tokens"\nlicence = "CC0',
            "mine.toml: unit has to be 'word' or 'token', not 'tokens'",
        ),
        ('train = "train.jsonl"\n', "", "mine.toml: no corpus has a train file"),
        ('licence = "CC0', 'max_length = 2\nlicence = "CC0', "mine.toml: max_length has to be 8 or more"),
        ('labels = ["DRUG"]', 'labels = ["DRUG", "DRUG"]', "mine.toml: a label of a head is named twice"),
    ],
)
def test_a_recipe_that_makes_no_model_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, TAGGER.replace(old, new))
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "more",
    [
        '[[corpora]]\nname = "notes"\ndev = "b.jsonl"\nheads.drugs.scored = false',
        '[[corpora]]\nname = "notes"\ntrain = "b.jsonl"\nheads.drugs = {}',
        '[[corpora]]\nname = "notes"\nlanguage = "es"\ndev = "b.jsonl"\nheads.drugs = {}',
    ],
)
def test_a_corpus_may_be_named_twice_where_it_has_one_score(tmp_path: Path, more: str) -> None:
    assert len(read(tmp_path, f"{TAGGER}{more}\n").corpora) == 2


@pytest.mark.parametrize("table", ["pretrain", "vectors", "sentences"])
@pytest.mark.parametrize("other", ['licence = "CC0-1.0"', "[training]", "[vector]"])
def test_what_stands_beside_the_table_of_a_recipe_is_an_error(tmp_path: Path, table: str, other: str) -> None:
    entry = other.strip("[]").partition(" ")[0]
    with pytest.raises(RecipeError, match=rf"mine\.toml: unknown entries {entry}; all .* below \[{table}\]"):
        read(tmp_path, f"{other}\n[{table}]\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[pretrain]\nname = "x"', "mine.toml: pretrain: missing entries texts"),
        ('pretrain = "x"', "mine.toml: pretrain has to be a table, not text"),
        (
            '[pretrain]\nname = "x"\ntexts = ["a.jsonl"]\npasses."b.jsonl" = 2',
            "mine.toml: pretrain: passes names files that texts does not: b.jsonl.",
        ),
        ('[pretrain]\nname = "x"\ntexts = "a.jsonl"', "mine.toml: pretrain: texts has to be a list, not text"),
        ('[pretrain]\nname = "x"\ntexts = []\nlength = 2', "mine.toml: pretrain: length has to be 8 or more"),
        (
            '[pretrain]\nname = "x"\ntexts = []\nbatch_sequences = 0',
            "mine.toml: pretrain: batch_sequences has to be 1 or more, and epochs not below 0",
        ),
        (f"[vectors]\n{SINGLE}texts = []\nwords = 0", "mine.toml: vectors: dimension, words, min_count, window and"),
        (f"[sentences]\n{SINGLE}corpora = []\nreach = 1", "mine.toml: sentences: reach has to be 8 or more"),
        (
            f"[sentences]\n{SINGLE}corpora = []\nbatch_candidates = 0",
            "mine.toml: sentences: epochs and batch_candidates have to be 1 or more",
        ),
        ("[[sentences.corpora]]", "mine.toml: sentences: missing entries name, version, languages, licence, head"),
        (
            f"[sentences]\n{SINGLE}" + '[[sentences.corpora]]\nname = "a"\n' * 2,
            "mine.toml: sentences: more than one corpus is named a;",
        ),
    ],
    ids=str,
)
def test_a_wrong_recipe_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(message)
