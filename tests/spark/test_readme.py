"""The README's code on Spark runs, and so does the example job."""

import re
import runpy
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from typer.testing import CliRunner

import clinspan
from clinspan.cli import _typer

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Spark\n")[2].partition("\n## ")[0]


def block(language):
    return re.search(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)[1]


def test_python(spark, capsys):
    exec(block("python"), {"clinspan": clinspan, "ner": clinspan.load("en/anatomy")})  # the README's own text
    assert re.search(r"\| +a\|", capsys.readouterr().out)


def test_commands(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    for line in block("sh").splitlines():
        arguments = line.replace("/tmp/", f"{tmp_path}/").split()[1:]
        assert CliRunner().invoke(_typer, arguments).exit_code == 0, line


def test_the_example_job(spark, tmp_path, monkeypatch):
    pq.write_table(pa.table({"id": ["a"], "text": ["The kidney."]}), tmp_path / "notes.parquet")
    paths = [f"{tmp_path}/notes.parquet", f"{tmp_path}/entities.parquet"]
    monkeypatch.setattr(sys, "argv", ["spark_job.py", *paths, "en/anatomy"])
    runpy.run_path(str(ROOT / "examples" / "spark_job.py"), run_name="__main__")
    assert spark.read.parquet(paths[1]).select("text").collect()[0][0] == "kidney"
