"""What Spark's workers do with files and lines; the rest needs a session and is tested in `tests/spark`."""

import gzip

import pyarrow as pa
import pytest

from clinspan.io.spark import csv_texts, file_texts, json_texts

NOT_UTF8 = "not UTF-8 at byte 0; convert the source to UTF-8"
SECRET = "Jane Roe"


def files(*contents, suffix=""):
    paths = [f"{i}{suffix}" for i in range(len(contents))]
    columns = [pa.array(paths, pa.string()), pa.array(contents, pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=["path", "content"])


def rows(batches):
    found = [row for batch in batches for row in batch.to_pylist()]
    assert all((row["text"] is None) >= (row["error"] is not None) for row in found)
    return [(row["id"], row["error"] or row["text"]) for row in found]


def test_files_that_are_not_utf_8_are_errors():
    found = rows(file_texts([files(), files(b"The kidney.", b"\xff", b"")]))
    assert found == [("0", "The kidney."), ("1", NOT_UTF8), ("2", "")]


def test_a_batch_may_be_empty():
    first, second = file_texts([files(), files(b"x")])
    assert (first.num_rows, second.num_rows) == (0, 1)
    assert first.schema == second.schema


def test_lines_that_are_no_json_are_errors():
    lines = ['{"key": 1, "note": "a"}', "", SECRET, '{"note": "b"}', '{"key": 2, "text": "c"}', '{"key": 3, "note": 5}']
    batch = pa.RecordBatch.from_arrays([pa.array(lines)], names=["value"])
    assert rows(json_texts([batch], text_col="note", id_col="key")) == [
        ("1", "a"),
        ("without an id", "a line is not JSON"),
        ("without an id", "a line has no key 'key'; name it with --id-col"),
        ("2", "a line has no key 'note'; name it with --text-col"),
        ("3", "a text is wanted, not int"),
    ]


def test_lines_that_are_not_utf_8_are_errors():
    values = pa.array([b'{"id": 1, "text": "a"}', b'{"id": 2, "text": "\xff"}']).view(pa.string())
    found = rows(json_texts([pa.RecordBatch.from_arrays([values], names=["value"])], text_col="text", id_col="id"))
    assert found == [
        ("1", "a"),
        ("without an id", "a line: not UTF-8 at byte 19; convert the source to UTF-8"),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".CSV.GZ"])
def test_rows_that_are_no_csv_are_errors(suffix):
    content = f'id,text\n1,"a\nb"\n2\n3,"{SECRET}\n4,c\n'.encode()
    packed = gzip.compress(content) if "gz" in suffix.lower() else content
    found = rows(csv_texts([files(packed, suffix=suffix)], text_col="text", id_col="id", delimiter=","))
    assert found[0::3] == [("1", "a\nb"), ("4", "c")]
    assert [name for name, _ in found[1:3]] == ["line 4", "lines 5 to 6"]
    assert SECRET not in str(found)


def test_files_that_are_no_csv_cost_no_other():
    contents = [b"", b"key,text\n1,a\n", b"id,text\n1,a\n"]
    found = rows(csv_texts([files(*contents)], text_col="text", id_col="id", delimiter=","))
    assert [name for name, _ in found] == ["0", "1", "1"]
    assert found[0][1].startswith("0 has no header line")
    assert found[1][1].startswith("No column 'id'; available: 'key', 'text'.")
    assert found[2] == ("1", "a")


def test_a_damaged_file_is_an_error():
    whole = gzip.compress(b"id,text\n" + b"1,a\n" * 5000)
    found = rows(csv_texts([files(whole[:-9], suffix=".csv.gz")], text_col="text", id_col="id", delimiter=","))
    assert found[-1] == ("0.csv.gz", "cannot be read: it is damaged")
