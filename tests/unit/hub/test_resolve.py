"""From names to model folders, whatever else lies where models are looked for."""

from collections import Counter
from pathlib import Path

import pytest

from clinspan.exceptions import DamagedModelError, ModelNotFoundError, UnsupportedModelError
from clinspan.hub.manifest import MANIFEST, Manifest
from clinspan.hub.resolve import BUNDLED, installed, installed_heads, resolve


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path))
    return tmp_path


def folder_in_place_of(path: Path) -> None:
    path.mkdir(parents=True)


def link_to_itself(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(path)


@pytest.mark.parametrize("spoil", [folder_in_place_of, link_to_itself])
def test_a_folder_whose_manifest_cannot_be_opened_is_passed_over(home, spoil):
    spoil(home / "models" / "bad" / MANIFEST)
    assert resolve("en/anatomy").head.name == "en/anatomy"
    assert {folder.parent for folder, _ in installed()} == {BUNDLED}


@pytest.mark.parametrize("spoil", [folder_in_place_of, link_to_itself])
def test_a_manifest_that_cannot_be_opened_is_named(tmp_path, spoil):
    spoil(tmp_path / "m" / MANIFEST)
    with pytest.raises(DamagedModelError, match=r"manifest\.json in .*m cannot be read: "):
        Manifest.read(tmp_path / "m")


def test_a_manifest_nested_without_end_is_damaged(tmp_path):
    (tmp_path / MANIFEST).write_text("[" * 100_000)
    with pytest.raises(DamagedModelError, match="is damaged"):
        Manifest.read(tmp_path)


def test_a_file_is_no_model(tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("")
    with pytest.raises(UnsupportedModelError, match=r"note\.txt has no manifest\.json"):
        resolve(str(note))


@pytest.mark.parametrize("name", ["x" * 5_000, "x" * 5_000 + "#y", "x\0y"])
def test_what_cannot_be_a_file_name_is_an_unknown_name(name):
    with pytest.raises(ModelNotFoundError):
        resolve(name)


def test_no_name_stands_for_two_bundled_heads():
    heads = [found for found in installed_heads() if found.folder.parent == BUNDLED]
    counts = Counter((name, language) for h in heads for name in h.head.names for language in h.languages)
    assert [key for key, count in counts.items() if count > 1] == []
