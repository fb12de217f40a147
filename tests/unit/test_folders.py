"""Folders that appear when they are complete."""

from pathlib import Path

import pytest

from clinspan.exceptions import OutputError
from clinspan.folders import complete


def test_what_was_there_comes_back_if_the_new_folder_cannot_take_its_place(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").touch()
    rename = Path.rename

    def refuse(path, target):
        if path.name == "new":
            raise OSError(28, "no space")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match=r"could not be written: .*no space"), complete(tmp_path / "model") as folder:
        (folder / "new file").touch()
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["model", "model/old"]
