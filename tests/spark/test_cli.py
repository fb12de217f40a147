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
from clinspan.io.notes import DELIMITERS, TABLES
from clinspan.io.spark import read_notes
from notes import FRAGMENTS
from spark.conftest import needs_classic

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


@pytest.mark.parametrize("suffix", TABLES)
def test_tables(spark, tmp_path, expected, suffix):
    form = {"tsv": "csv", "jsonl": "json"}.get(TABLES[suffix], TABLES[suffix])
    source, output = tmp_path / f"notes{suffix}", tmp_path / f"entities.{form.replace('json', 'jsonl')}"
    table = pd.DataFrame({"id": list(NOTES), "text": list(NOTES.values())})
    if form == "parquet":
        pq.write_table(pa.Table.from_pandas(table), source)
    elif form == "csv":
        table.to_csv(source, index=False, sep=DELIMITERS[TABLES[suffix]])
    else:
        source.write_text("".join(json.dumps({"id": i, "text": text}) + "\n" for i, text in NOTES.items()))
    assert annotate(source, "-o", output).exit_code == 0
    assert [(int(i), *rest) for i, *rest in written(output, form)] == expected


def test_quotes_are_written_as_readers_of_csv_expect_them(spark, tmp_path):
    (tmp_path / "notes.jsonl").write_text(json.dumps({"id": '5" tube, left', "text": "The kidney."}))
    assert annotate(tmp_path / "notes.jsonl", "-o", tmp_path / "entities.csv").exit_code == 0
    assert written(tmp_path / "entities.csv", "csv") == [('5" tube, left', 4, "kidney", "Organ")]


@pytest.mark.parametrize(
    ("suffix", "bad", "warning"),
    [
        ("jsonl", '{"id": 9, "text": "secret', "note without an id: a line is not JSON"),
        ("csv", "9,secret,more", "note line 6: line 6: 3 fields, the header has 2"),
    ],
)
def test_bad_rows_are_named_and_cost_no_other(spark, tmp_path, expected, suffix, bad, warning):
    source, table = tmp_path / f"notes.{suffix}", pd.DataFrame({"id": list(NOTES), "text": list(NOTES.values())})
    if suffix == "csv":
        table.to_csv(source, index=False)
    else:
        table.to_json(source, orient="records", lines=True)
    with source.open("a") as file:
        file.write(bad)
    done = annotate(source, "-o", tmp_path / "out.parquet")
    assert (done.exit_code, done.stderr.splitlines()) == (1, [f"warning: {warning}"])
    assert [(int(i), *rest) for i, *rest in written(tmp_path / "out.parquet", "parquet")] == expected


def test_keys_that_no_line_has_are_named(spark, tmp_path):
    (tmp_path / "n.jsonl").write_text('{"id": 1, "note": "x"}\n')
    with pytest.raises(exceptions.MissingColumnError, match=r"No column 'text'; available: 'id', 'note'"):
        annotate(tmp_path / "n.jsonl", "-o", tmp_path / "out.parquet")


def test_a_folder_of_texts_has_paths_for_ids(spark, tmp_path, expected):
    (tmp_path / "notes").mkdir()
    for i, text in NOTES.items():
        (tmp_path / "notes" / f"{i}.txt").write_text(text)
    (tmp_path / "notes" / "bad.txt").write_bytes(b"\xff\xfe secret")
    done = annotate(tmp_path / "notes", "-o", tmp_path / "out.parquet")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: note ")
    assert line.endswith("notes/bad.txt: not UTF-8 at byte 0; convert the source to UTF-8")
    found = written(tmp_path / "out.parquet", "parquet")
    assert sorted((int(path.rpartition("/")[2].removesuffix(".txt")), *rest) for path, *rest in found) == expected


def test_what_spark_cannot_do_is_said(spark, tmp_path):
    source = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"text": ["The heart."]}), source)
    assert annotate(source).exit_code == 2
    with pytest.raises(exceptions.MissingColumnError, match=r"No column 'id'; .* Name another with id_col"):
        annotate(source, "-o", tmp_path / "out.parquet")
    pq.write_table(pa.table({"id": [1], "text": ["The heart."]}), source)
    with pytest.raises(exceptions.InputError, match="parquet, csv, jsonl, not brat"):
        annotate(source, "-o", tmp_path / "out", "-f", "brat")


@pytest.mark.parametrize("name", ["notes", "note.txt", "notes.parquet"])
def test_nothing_to_read_is_an_error(spark, tmp_path, name):
    with pytest.raises(exceptions.InputError):
        annotate(tmp_path / name, "-o", tmp_path / "out.parquet")
    (tmp_path / "notes").mkdir()
    with pytest.raises(exceptions.InputError, match=r"^No \.txt files in "):
        annotate(tmp_path / "notes", "-o", tmp_path / "out.parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_an_output_that_is_there_is_kept(spark, tmp_path):
    source = tmp_path / "notes.parquet"
    pq.write_table(pa.table({"id": [1], "text": ["The heart."]}), source)
    assert annotate(source, "-o", tmp_path / "out.parquet").exit_code == 0
    with pytest.raises(exceptions.OutputError, match=r"^Spark: .*already exists"):
        annotate(source, "-o", tmp_path / "out.parquet")
    assert written(tmp_path / "out.parquet", "parquet") == [(1, 4, "heart", "Organ")]


@needs_classic
def test_texts_are_read_once(spark, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("The heart.")
    (tmp_path / "notes" / "bad.txt").write_bytes(b"\xff")
    notes = read_notes(spark, str(tmp_path / "notes"))
    assert notes.frame.count() == 1
    for path in (tmp_path / "notes").iterdir():
        path.unlink()
    assert [error for _, error in notes.errors()] == ["not UTF-8 at byte 0; convert the source to UTF-8"]
