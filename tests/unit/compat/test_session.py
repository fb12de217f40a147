"""Which session `start()` would open; the sessions themselves are tested in `tests/spark`."""

import pytest

from clinspan.compat import session
from clinspan.exceptions import MissingExtraError


@pytest.fixture
def sail(monkeypatch):
    """Only Sail is installed, and no session is open; what it would be is the word `sail`."""
    monkeypatch.setattr(session, "_active", lambda: None)
    monkeypatch.setattr(session, "chosen_engine", lambda: session.SAIL)
    monkeypatch.setattr(session, "_sail", lambda: "sail")


@pytest.mark.usefixtures("sail")
@pytest.mark.parametrize("options", [{}, {"master": None}, {"master": "local[4]"}, {"master_url": "local"}])
def test_sail_is_for_this_process(options):
    assert session.start(**options) == "sail"


@pytest.mark.usefixtures("sail")
@pytest.mark.parametrize("option", ["master", "master_url"])
@pytest.mark.parametrize("master", ["yarn", "spark://host:7077", "k8s://https://host"])
def test_a_cluster_needs_classic_spark(option, master):
    with pytest.raises(MissingExtraError, match=rf"^Master '{master}' needs classic PySpark and Java, .*spark-jvm"):
        session.start(**{option: master})
