"""Recipe files that extend others."""

from pathlib import Path

import pytest

from clinspan.exceptions import RecipeError
from clinspan.training.tables import read_toml

BASE = """
name = "base"
languages = ["es", "it"]
[training]
epochs = 3
dropout = 0.2
[[corpora]]
name = "first"
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.toml"
    path.write_text(BASE, encoding="utf-8")
    return path


def extended(base: Path, text: str) -> dict[str, object]:
    path = base.with_name("above.toml")
    path.write_text(f'extends = "base.toml"\n{text}', encoding="utf-8")
    return read_toml(path)


def test_entries_replace_those_below_and_the_rest_stays(base: Path) -> None:
    assert extended(base, 'name = "above"') == {**read_toml(base), "name": "above"}


def test_tables_are_merged(base: Path) -> None:
    assert extended(base, "[training]\nepochs = 5")["training"] == {"epochs": 5, "dropout": 0.2}


def test_arrays_of_tables_are_added_and_other_arrays_replaced(base: Path) -> None:
    raw = extended(base, 'languages = ["nl"]\n[[corpora]]\nname = "second"')
    assert raw["corpora"] == [{"name": "first"}, {"name": "second"}]
    assert raw["languages"] == ["nl"]


def test_files_that_extend_each_other_are_refused(base: Path) -> None:
    base.write_text('extends = "above.toml"', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"extend each other: above\.toml <- base\.toml <- above\.toml"):
        extended(base, "")


def test_a_file_below_that_is_not_there_is_named(base: Path) -> None:
    base.unlink()
    with pytest.raises(RecipeError, match=r"Cannot read the recipe .*base\.toml"):
        extended(base, "")
