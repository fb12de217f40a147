"""Tests of Spark run on what is installed: Sail without Java, or classic PySpark (`make spark` tries two releases)."""

import pytest

from clinspan import nlp
from clinspan.compat.session import chosen_engine

OPTIONS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
    "spark.ui.showConsoleProgress": "false",
}

needs_classic = pytest.mark.skipif(chosen_engine() != "classic", reason="a feature of classic Spark")


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/spark/" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings("ignore"))  # Spark's own are not ours to mend


@pytest.fixture(scope="session")
def spark():
    if not chosen_engine():
        pytest.skip("no Spark: pip install 'clinspan[spark]'")
    session = nlp.start(master_url="local[2,4]", spark_conf=OPTIONS)  # two tasks at a time, four tries each
    yield session
    session.stop()
