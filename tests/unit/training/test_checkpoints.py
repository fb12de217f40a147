"""Checkpoints are written whole."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from clinspan.training.checkpoints import read_checkpoint, write_checkpoint  # noqa: E402


def test_a_checkpoint_that_is_cut_short_does_not_cost_the_one_before(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, "me", {"step": 1})

    def cut(_content, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path, "me", {"step": 2})
    assert read_checkpoint(tmp_path, "me", torch.device("cpu"))["step"] == 1
