"""Writing entities: every format read back, and nothing half written under a final name."""

import csv
import errno
import json
import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from clinspan.corpora import read_brat
from clinspan.document import Document, Entity
from clinspan.exceptions import InputError, OutputError
from clinspan.io.entities import COLUMNS, SCHEMA, Format, ParquetWriter, entity_writer, json_line
from clinspan.tagging import LabelledSpan

TEXT = "😀 The left\nkidney,\r\nthe “liver”."


def entity(text, label, sentence=0):
    start = TEXT.index(text)
    return Entity(text, label, start, start + len(text), 0.5, sentence, "en/anatomy")


DOCUMENT = Document(TEXT, (entity("left\nkidney", "Organ"), entity("liver", "Organ")))
EMPTY = Document("", ())
BROKEN = Document("", (), "not UTF-8 at byte 3")
NOTES = [("a", DOCUMENT), ("b/c.txt", EMPTY), ("d", BROKEN)]
ROWS = [
    (name, e.start, e.end, e.text, e.label, e.confidence, e.sentence, e.model) for name, d in NOTES for e in d.entities
]


def write(path, notes=NOTES, form=None):
    with entity_writer(path, form) as writer:
        for name, document in notes:
            writer.write(name, document)
    return path


def broken_off(error):
    """Notes that end in an error."""
    yield from NOTES
    raise error


def left(folder):
    """Every name in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def test_jsonl(tmp_path):
    lines = write(tmp_path / "o.jsonl").read_bytes().decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [
        {"id": "a", "entities": [e.to_dict() for e in DOCUMENT.entities]},
        {"id": "b/c.txt", "entities": []},
        {"id": "d", "entities": [], "error": "not UTF-8 at byte 3"},
    ]
    assert "“" not in json_line("a", EMPTY)
    assert json_line("é", EMPTY) == '{"id": "é", "entities": []}'


def test_csv(tmp_path):
    with write(tmp_path / "o.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert rows == [[str(value) for value in row] for row in ROWS]
    assert pd.read_csv(tmp_path / "o.csv")["text"].tolist() == ["left\nkidney", "liver"]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_parquet(tmp_path, monkeypatch, rows):
    monkeypatch.setattr("clinspan.io.entities._ROW_GROUP", rows)
    path = write(tmp_path / "o.parquet", NOTES * 3)
    table = pq.read_table(path)
    assert table.schema.equals(SCHEMA)
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS * 3


def test_parquet_without_entities(tmp_path):
    table = pq.read_table(write(tmp_path / "o.parquet", []))
    assert (table.num_rows, table.schema.names) == (0, list(COLUMNS))


def test_brat_round_trip(tmp_path):
    records = list(read_brat(write(tmp_path / "o")))
    assert [(r.id, r.text) for r in records] == [("a", TEXT), ("b/c", ""), ("d", "")]
    assert records[0].spans == tuple(LabelledSpan(e.start, e.end, e.label) for e in DOCUMENT.entities)
    assert (tmp_path / "o" / "a.ann").read_text(
        encoding="utf-8"
    ) == "T1\tOrgan 6 17\tleft kidney\nT2\tOrgan 25 30\tliver\n"


def test_brat_labels_have_no_spaces(tmp_path):
    document = Document(TEXT, (entity("liver", "Body  Part"),))
    (record,) = read_brat(write(tmp_path / "o", [("a", document)]))
    assert [span.label for span in record.spans] == ["Body_Part"]


def test_brat_names_stay_in_the_folder_and_apart(tmp_path):
    names = ["../../etc/x", "/abs", "", "..", "a", "a.txt", "a", "a-2", "nul\0", "n" * 300, "é" * 300, "b", "b/c"]
    notes = [(name, Document(str(i), ())) for i, name in enumerate(names)]
    records = {r.text: r.id for r in read_brat(write(tmp_path / "out" / "o", notes))}
    assert left(tmp_path) == ["out"]
    assert left(tmp_path / "out") == ["o"]
    assert len(set(records.values())) == len(names) == len(records)
    assert [records[str(i)] for i in (0, 1, 4, 5, 6, 7)] == ["etc/x", "abs", "a", "a-2", "a-3", "a-2-2"]


def test_brat_names_too_long_for_a_file_stay_apart_and_others_whole(tmp_path):
    names = ["n" * 150, "n" * 300 + "1", "n" * 300 + "2"]
    records = {r.text: r.id for r in read_brat(write(tmp_path / "o", [(name, Document(name, ())) for name in names]))}
    assert records[names[0]] == names[0]
    assert [records[name][:150] for name in names[1:]] == ["n" * 150] * 2
    assert records[names[1]] != records[names[2]]
    assert not any(name.endswith("-2") for name in records.values())


@pytest.mark.parametrize("surrogate", ["\u2028", "\x85", "\x1c"])
def test_brat_lines_are_not_broken_by_what_python_calls_a_line_end(tmp_path, surrogate):
    text = f"left{surrogate}kidney"
    document = Document(text, (Entity(text, "Organ", 0, len(text), 1.0, 0, "m"),))
    (record,) = read_brat(write(tmp_path / "o", [("a", document)]))
    assert record.spans == (LabelledSpan(0, len(text), "Organ"),)


@pytest.mark.parametrize(
    ("name", "form", "expected"),
    [
        ("o.jsonl", None, "jsonl"),
        ("o.csv", None, "csv"),
        ("o.parquet", None, "parquet"),
        ("o", None, "brat"),
        ("o.csv", "jsonl", "jsonl"),
        ("o.x", "brat", "brat"),
    ],
)
def test_format(tmp_path, name, form, expected):
    assert Format.of(tmp_path / name, form) is Format.writers[expected]


def test_unknown_format(tmp_path):
    with pytest.raises(InputError, match=r"^Unknown output format 'xlsx'; use jsonl, csv, parquet, brat"):
        write(tmp_path / "o.xlsx")
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.parquet", "o"])
class TestNothingHalfWritten:
    def test_the_file_appears_when_all_is_written(self, tmp_path, name):
        with entity_writer(tmp_path / name) as writer:
            writer.write("a", DOCUMENT)
            assert left(tmp_path) == [f".{name}.part"]
        assert left(tmp_path) == [name]

    def test_an_error_on_the_way_leaves_nothing(self, tmp_path, name):
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / name, broken_off(KeyboardInterrupt()))
        assert left(tmp_path) == []

    def test_what_a_killed_run_left_is_no_obstacle(self, tmp_path, name):
        (tmp_path / f".{name}.part").mkdir()
        (tmp_path / f".{name}.part" / "old").write_text("x")
        write(tmp_path / name)
        assert left(tmp_path) == [name]

    def test_missing_folders_are_made(self, tmp_path, name):
        write(tmp_path / "new" / "er" / name)
        assert left(tmp_path / "new" / "er") == [name]

    def test_a_folder_in_the_way(self, tmp_path, name):
        (tmp_path / name).mkdir()
        with pytest.raises(OutputError, match=r"exists; name a new"):
            write(tmp_path / name)
        assert left(tmp_path) == [name]
        assert left(tmp_path / name) == []

    def test_a_file_where_a_folder_should_be(self, tmp_path, name):
        (tmp_path / "file").write_text("kept")
        with pytest.raises(OutputError, match=r"^Cannot write .*Nothing was left under that name.$") as error:
            write(tmp_path / "file" / name)
        assert "\n" not in str(error.value)
        assert left(tmp_path) == ["file"]
        assert (tmp_path / "file").read_text() == "kept"

    @pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a file system that takes no files")
    def test_a_file_system_that_takes_no_files(self, name):
        with pytest.raises(OutputError, match=r"^Cannot write /proc/"):
            write(Path("/proc") / name)

    @pytest.mark.parametrize("method", ["write", "close"])
    def test_a_disk_that_fills_up(self, tmp_path, name, method, monkeypatch):
        path, kind = tmp_path / name, Format.of(tmp_path / name, None)
        original = getattr(kind, method)

        def full(*args):
            original(*args)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(kind, method, full)
        with pytest.raises(OutputError, match=r"^Cannot write .*: No space left on device\. Nothing was left"):
            write(path)
        assert left(tmp_path) == []


def test_a_file_is_replaced_only_when_all_is_written(tmp_path):
    path = write(tmp_path / "o.jsonl")
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        write(path, broken_off(ZeroDivisionError()))
    assert path.read_bytes() == before
    assert write(path, []).read_bytes() == b""


def test_a_brat_folder_does_not_replace_a_file(tmp_path):
    (tmp_path / "o").write_text("kept")
    with pytest.raises(OutputError, match=r"exists; name a new folder"):
        write(tmp_path / "o")
    assert (tmp_path / "o").read_text() == "kept"


@pytest.mark.parametrize("device", [Path("/dev/null"), Path("/dev/full")], ids=str)
def test_a_device_is_never_replaced(device):
    if not device.is_char_device():
        pytest.skip(f"no {device}")
    with pytest.raises(OutputError, match=f"^{device} exists; name a new file.$"):
        write(device, form="jsonl")
    assert device.is_char_device()


def test_parquet_keeps_a_bounded_number_of_rows(tmp_path, monkeypatch):
    monkeypatch.setattr("clinspan.io.entities._ROW_GROUP", 10)
    writer = ParquetWriter(tmp_path / "o.parquet")
    for _ in range(100):
        writer.write("a", DOCUMENT)
        assert len(writer.rows) < 10 + len(DOCUMENT.entities)
    writer.close()
    assert pq.ParquetFile(tmp_path / "o.parquet").metadata.num_rows == 200
