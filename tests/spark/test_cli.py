"""`clinspan annotate` on Spark writes the entities that the local engine finds."""

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import clinspan
from clinspan import exceptions
from clinspan.cli import _typer
from clinspan.exceptions import RowWarning
from notes import FRAGMENTS

MODEL = "en/anatomy"
NOTES = dict(enumerate(FRAGMENTS[:4]))


def annotate(*arguments):
    done = CliRunner().invoke(_typer, ["annotate", *map(str, arguments), "-m", MODEL, "--engine", "spark"])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def written(folder, form):
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "json": lambda f: pd.read_json(f, lines=True)}[form]
    frames = [read(part) for part in folder.glob(f"*.{form}") if part.stat().st_size]
    rows = pd.concat([frame for frame in frames if len(frame)])
    return sorted(zip(rows["id"], rows["start"], rows["text"], rows["label"], strict=True))


@pytest.fixture(scope="module")
def expected():
    found = clinspan.load(MODEL).entities(pa.table({"text": list(NOTES.values())}))
    columns = [found.column(name).to_pylist() for name in ("row", "start", "text", "label")]
    return sorted(zip(*columns, strict=True))


@pytest.mark.parametrize(("suffix", "form"), [("parquet", "parquet"), ("csv", "csv"), ("jsonl", "json")])
def test_tables(spark, tmp_path, expected, suffix, form):
    source, output = tmp_path / f"notes.{suffix}", tmp_path / f"entities.{suffix}"
    table = pd.DataFrame({"id": list(NOTES), "text": list(NOTES.values())})
    if form == "parquet":
        pq.write_table(pa.Table.from_pandas(table), source)
    elif form == "csv":
        table.to_csv(source, index=False)
    else:
        source.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in NOTES.items()))
    assert annotate(source, "-o", output).exit_code == 0
    assert [(int(i), *rest) for i, *rest in written(output, form)] == expected


def test_a_folder_of_texts_has_paths_for_ids(spark, tmp_path, expected):
    (tmp_path / "notes").mkdir()
    for i, text in NOTES.items():
        (tmp_path / "notes" / f"{i}.txt").write_text(text)
    (tmp_path / "notes" / "bad.txt").write_bytes(b"\xff\xfe secret")
    with pytest.warns(RowWarning, match=r"bad\.txt") as caught:
        assert annotate(tmp_path / "notes", "-o", tmp_path / "out.parquet").exit_code == 0
    assert "secret" not in str(caught[0].message)
    found = written(tmp_path / "out.parquet", "parquet")
    assert sorted((int(path.rpartition("/")[2].removesuffix(".txt")), *rest) for path, *rest in found) == expected


def test_what_spark_cannot_do_is_said(spark, tmp_path):
    source = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"text": ["The heart."]}), source)
    assert annotate(source).exit_code == 2
    with pytest.raises(exceptions.MissingColumnError, match="id"):
        annotate(source, "-o", tmp_path / "out.parquet")
    pq.write_table(pa.table({"id": [1], "text": ["The heart."]}), source)
    with pytest.raises(exceptions.InputError, match="parquet, csv, jsonl, not brat"):
        annotate(source, "-o", tmp_path / "out", "-f", "brat")
