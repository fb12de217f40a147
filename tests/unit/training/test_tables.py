"""Recipe files that extend others, and tables as the dataclasses that they describe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clinspan.exceptions import RecipeError
from clinspan.training.tables import build, read_toml

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


def test_a_table_of_a_name_changes_the_one_below_that_has_it(base: Path) -> None:
    raw = extended(base, '[[corpora]]\nname = "first"\npasses = 2')
    assert raw["corpora"] == [{"name": "first", "passes": 2}]
    raw = extended(base, '[[corpora]]\nname = "first"\nlanguage = "it"')
    assert raw["corpora"] == [{"name": "first"}, {"name": "first", "language": "it"}]
    raw = extended(base, '[[corpora]]\nname = "first"\n[[others]]\nname = "first"')
    assert raw["others"] == [{"name": "first"}]


def test_tables_without_a_name_are_added(base: Path) -> None:
    base.write_text("[[steps]]\na = 1\n", encoding="utf-8")
    assert extended(base, "[[steps]]\nb = 2")["steps"] == [{"a": 1}, {"b": 2}]


def test_the_file_below_may_lie_in_another_folder(base: Path) -> None:
    above = base.parent / "ablations" / "above.toml"
    above.parent.mkdir()
    above.write_text('extends = "../base.toml"\nname = "above"', encoding="utf-8")
    assert read_toml(above) == {**read_toml(base), "name": "above"}


def test_files_that_extend_each_other_are_refused(base: Path) -> None:
    base.write_text('extends = "above.toml"', encoding="utf-8")
    with pytest.raises(RecipeError, match=r"extend each other: above\.toml <- base\.toml <- above\.toml"):
        extended(base, "")


def test_a_file_below_that_is_not_there_is_named(base: Path) -> None:
    base.unlink()
    with pytest.raises(RecipeError, match=r"Cannot read the recipe .*base\.toml"):
        extended(base, "")


@dataclass(frozen=True, kw_only=True)
class Part:
    size: float
    names: list[str] = field(default_factory=list)
    rules: Mapping[str, str | Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Whole:
    count: int = 1
    only: bool = False
    aliases: list[str] | dict[str, list[str]] = field(default_factory=list)
    part: Part | None = None
    parts: dict[str, Part] = field(default_factory=dict)
    several: list[Part] = field(default_factory=list)


def test_tables_inside_become_dataclasses() -> None:
    raw = {
        "part": {"size": 1},
        "parts": {"a": {"size": 0.5, "names": ["b"]}},
        "several": [{"size": 2.5, "rules": {"x": "y", "z": [["p", "q"], "r"]}}],
        "aliases": {"es": ["c"]},
    }
    assert build(Whole, raw, "here") == Whole(
        part=Part(size=1),
        parts={"a": Part(size=0.5, names=["b"])},
        several=[Part(size=2.5, rules={"x": "y", "z": [["p", "q"], "r"]})],
        aliases={"es": ["c"]},
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("text", "here has to be a table, not text"),
        ({"count": "1"}, "here: count has to be a whole number, not text"),
        ({"count": 1.5}, "here: count has to be a whole number, not a number"),
        ({"count": True}, "here: count has to be a whole number, not true or false"),
        ({"only": 1}, "here: only has to be true or false, not a whole number"),
        ({"aliases": "a"}, "here: aliases has to be a list or a table, not text"),
        ({"aliases": ["a", 1]}, "here: aliases 2 has to be text, not a whole number"),
        ({"aliases": {"es": "a"}}, "here: aliases: es has to be a list, not text"),
        ({"part": "a"}, "here: part has to be a table, not text"),
        ({"part": {"size": "a"}}, "here: part: size has to be a number, not text"),
        ({"part": {"size": 1, "names": "DRUG"}}, "here: part: names has to be a list, not text"),
        ({"part": {"size": 1, "rules": {"x": 1}}}, "here: part: rules: x has to be text or a list, not a whole number"),
        ({"parts": [{"size": 1}]}, "here: parts has to be a table, not a list"),
        ({"parts": {"a": {}}}, "here: parts: a: missing entries size"),
        ({"several": {"size": 1}}, "here: several has to be a list, not a table"),
        ({"several": [{"size": 1}, {"size": 1, "sice": 2}]}, "here: several 2: unknown entries sice; known: names"),
    ],
    ids=str,
)
def test_what_is_unknown_missing_or_of_another_type_is_named(raw: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        build(Whole, raw, "here")
    assert str(caught.value).startswith(message)
