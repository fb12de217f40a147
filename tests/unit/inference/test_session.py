"""How many threads there may be."""

import pytest

from clinspan.inference import session


@pytest.mark.parametrize(
    ("content", "quota"),
    [("max 100000", None), ("150000 100000", 1), ("400000 100000", 4), ("50000 100000", 1), ("", None)],
)
def test_threads_are_those_that_affinity_and_quota_allow(tmp_path, monkeypatch, content, quota):
    (tmp_path / "cpu.max").write_text(f"{content}\n")
    assert session._quota(tmp_path / "cpu.max") == quota
    assert session._quota(tmp_path / "none") is None
    monkeypatch.setattr(session, "_quota", lambda _: quota)
    monkeypatch.setattr(session.os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert session.available_threads() == min(3, quota or 3)
