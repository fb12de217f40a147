"""Where the files of a recipe are found, and which texts are taken."""

import json

import pytest

from clinspan.exceptions import InputError, RecipeError
from clinspan.training.data import DataFolders

ROWS = [
    {"text": "Fiebre y tos.", "licence": "CC-BY-4.0"},
    {"text": "Dolor torácico.", "licence": "CC-BY-NC"},
    {"text": "Sin lesiones."},
]


@pytest.fixture
def folders(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, rows in ((first, ROWS), (second, [{"text": "FIEBRE\ny tos"}, {"text": "Otra cosa."}])):
        folder.mkdir()
        (folder / f"{folder.name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return DataFolders((first, second))


def test_files_are_looked_for_in_all_folders(folders):
    assert list(folders.texts(["second.jsonl", "first.jsonl"]))[1:3] == ["Otra cosa.", "Fiebre y tos."]
    with pytest.raises(RecipeError, match="No third"):
        list(folders.texts(["third.jsonl"]))


def test_corpora_above_the_recipe_come_after_the_folders_given(tmp_path):
    own, recipe = tmp_path / "corpora", tmp_path / "recipes" / "ablations" / "mine.toml"
    own.mkdir()
    recipe.parent.mkdir(parents=True)
    given = tmp_path / "given"
    assert DataFolders.beside(recipe, given).folders[:2] == (given, own)
    assert DataFolders.beside(recipe.parent, given).folders[:2] == (given, own)


def test_licences_and_texts_of_other_files_are_left_out(folders):
    assert list(folders.texts(["first.jsonl"], skip_licences=["CC-BY-NC"])) == ["Fiebre y tos.", "Sin lesiones."]
    without = list(folders.texts(["first.jsonl"], without=["second.jsonl"]))
    assert without == ["Dolor torácico.", "Sin lesiones."]


@pytest.mark.parametrize("line", ['{"note": "Fiebre"}', '{"text": "Fiebre', '["Fiebre"]', '{"text": 5}'])
def test_a_line_without_a_text_is_named_and_not_shown(folders, line):
    path = folders.folders[0] / "first.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + line, encoding="utf-8")
    with pytest.raises(InputError, match=r"first\.jsonl, line 2: ") as caught:
        list(folders.texts(["first.jsonl"]))
    assert "Fiebre" not in str(caught.value)
    assert caught.value.__context__ is None  # a JSONDecodeError holds the line
