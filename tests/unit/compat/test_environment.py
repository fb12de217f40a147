"""What `clinspan doctor` sees, and what it says is wrong."""

import sys

import pytest

from clinspan.compat import environment
from clinspan.compat.environment import PACKAGES, Environment


def found(engine, java=17, **packages):
    versions = {name.replace("_", "-"): version for name, version in packages.items()}
    return Environment({name: versions.get(name, "") for name in PACKAGES}, java, engine, 2)


@pytest.fixture(autouse=True)
def _this_python(monkeypatch):
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (found("", 0, pyspark="4.1.1"), "neither Java nor Sail"),
        (found("classic", 11, pyspark="4.1.1"), "Java 17 or 21, not 11"),
        (found("classic", 21, pyspark="3.5.9"), "Java 8 or 11 or 17, not 21"),
        (found("sail", 0, pyspark_client="4.3.0", pysail="0.7.2"), "pyspark-client 4.1, not 4.3.0"),
        (found("classic", pyspark="4.1.1", pyspark_client="4.1.1"), "uninstall one"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(seen, words):
    (problem,) = seen.problems()
    assert words in problem


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (found(""), "none"),
        (found("classic", pyspark="4.1.1"), "classic PySpark 4.1.1 on Java 17"),
        (found("sail", 0, pyspark_client="4.1.1", pysail="0.7.2"), "Sail 0.7.2 in this process"),
    ],
)
def test_what_is_right_is_named(seen, words):
    assert seen.problems() == []
    assert words in seen.spark


def test_another_python_for_the_workers_is_wrong(monkeypatch):
    monkeypatch.setenv("PYSPARK_PYTHON", "/nowhere/python")
    assert "/nowhere/python" in found("classic", pyspark="4.1.1").problems()[0]
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    assert found("classic", pyspark="4.1.1").problems() == []


@pytest.mark.parametrize(
    ("line", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_401"', 8), ("nothing of the kind", 0)],
)
def test_java_is_asked_for_its_version(tmp_path, monkeypatch, line, major):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{line}' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert environment.java_version() == major
    java.unlink()
    assert environment.java_version() == 0
