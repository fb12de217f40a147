"""`clinspan annotate`: every format in and out, and exit codes that scripts can use."""

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinspan.corpora import read_brat

MODEL = ("-m", "en/anatomy")
SECRET = "Jane Roe"
NOTES = {"a": "The kidney was normal.\nThe “liver”, too.", "b": "Nothing to see.", "c": f"{SECRET}: heart normal."}
FOUND = [("a", "kidney", 4, 10), ("a", "liver", 28, 33), ("c", "heart", 10, 15)]


def write_inputs(folder: Path) -> dict[str, Path]:
    """The notes in every format that is read."""
    rows = [{"id": key, "text": text} for key, text in NOTES.items()]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (folder / "folder").mkdir()
    for key, text in NOTES.items():
        (folder / "folder" / f"{key}.txt").write_bytes(text.encode())
    (folder / "n.jsonl").write_bytes(lines)
    (folder / "n.jsonl.gz").write_bytes(gzip.compress(lines))
    for name, delimiter in (("n.csv", ","), ("n.tsv", "\t")):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "text"], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    pq.write_table(pa.Table.from_pylist(rows), folder / "n.parquet")
    return {path.name: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("inputs"))


def from_lines(text):
    """(id, entity, start, end) of JSON lines."""
    rows = [json.loads(line) for line in text.splitlines()]
    return [(row["id"].removesuffix(".txt"), e["text"], e["start"], e["end"]) for row in rows for e in row["entities"]]


def from_table(rows):
    return [(row["id"], row["text"], int(row["start"]), int(row["end"])) for row in rows]


@pytest.mark.parametrize("name", ["folder", "n.jsonl", "n.jsonl.gz", "n.csv", "n.tsv", "n.parquet"])
def test_every_input(clinspan, inputs, name):
    outcome = clinspan("annotate", inputs[name], *MODEL)
    assert (outcome.code, outcome.err) == (0, "")
    assert from_lines(outcome.out) == FOUND
    assert [json.loads(line)["id"].removesuffix(".txt") for line in outcome.out.splitlines()] == list(NOTES)


def test_a_text_file_and_standard_input(clinspan, inputs):
    path = inputs["folder"] / "a.txt"
    from_file = clinspan("annotate", path, *MODEL)
    from_stdin = clinspan("annotate", "-", *MODEL, stdin=path.read_bytes())
    assert from_lines(from_file.out) == FOUND[:2]
    assert from_file.out.replace("a.txt", "stdin") == from_stdin.out
    assert json.loads(from_stdin.out)["id"] == "stdin"


class TestOutputs:
    def test_jsonl(self, clinspan, inputs, tmp_path):
        assert clinspan("annotate", inputs["n.csv"], *MODEL, "-o", tmp_path / "o.jsonl").code == 0
        assert from_lines((tmp_path / "o.jsonl").read_text(encoding="utf-8")) == FOUND

    def test_csv(self, clinspan, inputs, tmp_path):
        clinspan("annotate", inputs["n.csv"], *MODEL, "-o", tmp_path / "new" / "o.csv")
        with (tmp_path / "new" / "o.csv").open(encoding="utf-8", newline="") as file:
            assert from_table(csv.DictReader(file)) == FOUND

    def test_parquet(self, clinspan, inputs, tmp_path):
        clinspan("annotate", inputs["n.csv"], *MODEL, "-o", tmp_path / "o", "--format", "parquet")
        assert from_table(pq.read_table(tmp_path / "o").to_pylist()) == FOUND

    def test_brat(self, clinspan, inputs, tmp_path):
        clinspan("annotate", inputs["folder"], *MODEL, "-o", tmp_path / "o")
        records = list(read_brat(tmp_path / "o"))
        assert {r.id: r.text for r in records} == NOTES
        assert [(r.id, r.text[s.start : s.stop], s.start, s.stop) for r in records for s in r.spans] == FOUND

    def test_table(self, clinspan, inputs):
        lines = clinspan("annotate", inputs["n.csv"], *MODEL, "-f", "table").out.splitlines()
        assert lines[0].split() == ["note", "entity", "label", "start", "end", "confidence"]
        assert [tuple(line.split()[:2]) for line in lines[1:]] == [(key, text) for key, text, *_ in FOUND]

    def test_text(self, clinspan, inputs):
        out = clinspan("annotate", inputs["folder"] / "a.txt", *MODEL, "-f", "text").out
        assert out == "The kidney Organ was normal.\nThe “liver Organ”, too.\n"

    @pytest.mark.parametrize("form", ["table", "text", "jsonl"])
    def test_a_note_does_not_steer_the_terminal(self, clinspan, tmp_path, form):
        path = tmp_path / "n.jsonl"
        path.write_text(
            json.dumps({"id": "[red]x[/b]\x1b[2J:heart:", "text": "The \x1b kidney\x9b, \x07 the [red]liver[/x]."})
        )
        outcome = clinspan("annotate", path, "-f", form, *MODEL)
        assert outcome.code == 0
        assert not {"\x1b", "\x9b", "\x07"} & set(outcome.out.replace("\\u001b", ""))
        assert "kidney" in outcome.out

    @pytest.mark.parametrize("form", ["csv", "parquet", "brat"])
    def test_formats_that_need_a_file(self, clinspan, inputs, form):
        outcome = clinspan("annotate", inputs["n.csv"], *MODEL, "-f", form)
        assert outcome.code == 2
        assert "needs a file: add --output PATH" in " ".join(outcome.err.split())

    def test_a_result_is_never_written_over_a_folder(self, clinspan, inputs):
        outcome = clinspan("annotate", inputs["n.csv"], *MODEL, "-o", inputs["folder"])
        assert outcome.code == 2
        assert outcome.message == f"error: {inputs['folder']} exists; name a new folder."
        assert (inputs["folder"] / "a.txt").is_file()

    @pytest.mark.parametrize(
        ("output", "form"), [(".", "brat"), ("", "brat"), (".", "csv"), ("/", "csv"), ("..", "csv")]
    )
    def test_a_path_without_a_name_is_no_output(self, clinspan, inputs, output, form):
        outcome = clinspan("annotate", inputs["n.csv"], *MODEL, "-o", output, "-f", form)
        kind = "folder" if form == "brat" else "file"
        assert (outcome.code, outcome.message) == (2, f"error: {output or '.'} exists; name a new {kind}.")


def test_columns_by_name(clinspan, tmp_path):
    path = tmp_path / "n.csv"
    path.write_text("key,body,text\nk1,The kidney.,The liver.\n")
    outcome = clinspan("annotate", path, *MODEL, "--text-col", "body", "--id-col", "key")
    assert from_lines(outcome.out) == [("k1", "kidney", 4, 10)]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_threads(clinspan, inputs, threads):
    assert from_lines(clinspan("annotate", inputs["n.csv"], *MODEL, "--threads", threads).out) == FOUND


def test_the_name_of_a_seed_and_two_models(clinspan, inputs):
    outcome = clinspan("annotate", inputs["n.csv"], *MODEL, "-m", "bert_token_classifier_ner_anatomy_onnx")
    assert from_lines(outcome.out) == [row for row in FOUND for _ in range(2)]


class TestBadRows:
    """The other rows are done, the bad ones are named, and the exit code is 1."""

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "n.jsonl"
        lines = [
            json.dumps({"id": "a", "text": NOTES["a"]}).encode(),
            f'{{"id": "b", "text": "{SECRET}'.encode(),
            f'{{"id": "c", "text": ["{SECRET}"]}}'.encode(),
            f'{{"id": "d", "note": "{SECRET}"}}'.encode(),
            b'{"id": "e", "text": "ri\xf1on"}',
            b'{"id": "f", "text": "\\ud800"}',
            b'{"id": "g\\n\\u001b[2J[red]", "text": 5}',
            b'{"id": "h", "text": null}',
            json.dumps({"id": "c", "text": NOTES["c"]}).encode(),
        ]
        path.write_bytes(b"\n".join(lines))
        return path

    WARNINGS = (
        "warning: note line 2: line 2 is not JSON",
        "warning: note c: a text is wanted, not list",
        "warning: note d: line 4 has no key 'text'; name it with --text-col",
        "warning: note line 5: line 5: not UTF-8 at byte 23; convert the source to UTF-8",
        "warning: note f: a lone surrogate at character 0; decode the source with errors='replace'",
        "warning: note g  [2J[red]: a text is wanted, not int",
    )

    def test_to_standard_output(self, clinspan, path):
        outcome = clinspan("annotate", path, *MODEL)
        assert outcome.code == 1
        assert from_lines(outcome.out) == FOUND
        assert tuple(outcome.err.splitlines()) == self.WARNINGS
        errors = [json.loads(line).get("error") for line in outcome.out.splitlines()]
        assert [error is None for error in errors] == [True, *[False] * 6, True, True]

    @pytest.mark.parametrize("name", ["o.jsonl", "o.csv", "o.parquet", "o"])
    def test_to_a_file(self, clinspan, path, tmp_path, name):
        outcome = clinspan("annotate", path, *MODEL, "-o", tmp_path / name)
        assert outcome.code == 1
        assert outcome.out == ""
        assert tuple(outcome.err.splitlines()) == self.WARNINGS
        assert (tmp_path / name).exists()

    def test_the_file_of_a_folder_that_is_no_text(self, clinspan, tmp_path):
        (tmp_path / "a.txt").write_text(NOTES["a"], encoding="utf-8")
        (tmp_path / "b.txt").write_bytes(b"\xff\xfe" + SECRET.encode("utf-16-le"))
        outcome = clinspan("annotate", tmp_path, *MODEL)
        assert (outcome.code, from_lines(outcome.out)) == (1, FOUND[:2])
        assert outcome.message == "warning: note b.txt: not UTF-8 at byte 0; convert the source to UTF-8"


class TestNothingDone:
    """One line on standard error, exit code 2, and no file."""

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("{n.csv}", "-m", "en/anatomi"), "No model 'en/anatomi'. Did you mean 'en/anatomy'?"),
            (("nowhere.csv", *MODEL), "Nothing at nowhere.csv. Give a text file, a folder,"),
            (
                ("{n.csv}", *MODEL, "--text-col", "body"),
                "available: 'id', 'text'. Name another with text_col (--text-col).",
            ),
            (
                ("{n.csv}", *MODEL, "--id-col", "key"),
                "No column 'key'; available: 'id', 'text'. Name another with id_col (--id-col).",
            ),
            (("{n.parquet}", *MODEL, "--text-col", "x"), "No column 'x'; available: 'id', 'text'."),
            (("{folder}/../none", *MODEL), "Nothing at "),
            (("{numbers.parquet}", *MODEL), "Column 'text' holds int64, not text."),
            (("{damaged.jsonl.gz}", *MODEL), "damaged.jsonl.gz cannot be read: it is damaged."),
            (("{empty}", *MODEL), "No .txt files in "),
        ],
    )
    def test_input_and_model(self, clinspan, tmp_path, arguments, message):
        paths = write_inputs(tmp_path)
        pq.write_table(pa.table({"text": [1]}), tmp_path / "numbers.parquet")
        (tmp_path / "damaged.jsonl.gz").write_bytes(gzip.compress(b'{"text": "x"}\n' * 99)[:-9])
        (tmp_path / "empty").mkdir()
        names = {f"{{{path.name}}}": str(path) for path in tmp_path.iterdir()}
        given = [names.get(argument, argument.replace("{folder}", str(paths["folder"]))) for argument in arguments]
        for output in ("o.jsonl", "o.csv", "o.parquet", "o"):
            outcome = clinspan("annotate", *given, "-o", tmp_path / "out" / output)
            assert (outcome.code, outcome.out) == (2, "")
            assert outcome.message.startswith("error: ")
            assert message in outcome.message
            assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []

    @pytest.mark.parametrize("name", ["n.csv", "n.jsonl", "n.parquet"])
    def test_the_notes_are_not_written_over(self, clinspan, inputs, name):
        before = inputs[name].read_bytes()
        outcome = clinspan("annotate", inputs[name], *MODEL, "-o", inputs[name].parent / "." / name)
        assert outcome.code == 2
        assert outcome.message.endswith(f"{name} holds the notes; name another file with --output.")
        assert inputs[name].read_bytes() == before

    def test_a_damaged_model(self, clinspan, inputs, tmp_path):
        from models import copied_model

        folder = copied_model(tmp_path / "m")
        data = bytearray((folder / "model.onnx").read_bytes())
        data[len(data) // 2] ^= 1
        (folder / "model.onnx").write_bytes(data)
        outcome = clinspan("annotate", inputs["n.csv"], "-m", folder, "-o", tmp_path / "o.csv")
        assert outcome.code == 2
        assert "model.onnx in " in outcome.message
        assert outcome.message.endswith("is damaged (checksum differs); install or download the model again.")
        assert not (tmp_path / "o.csv").exists()

    @pytest.mark.parametrize("output", ["file/o.csv", "/proc/o.csv", "/proc/self/o", "folder.csv", "o.xlsx"])
    def test_an_output_that_cannot_be_written(self, clinspan, inputs, tmp_path, output):
        (tmp_path / "file").write_text("kept")
        (tmp_path / "folder.csv").mkdir()
        before = sorted(tmp_path.rglob("*"))
        outcome = clinspan("annotate", inputs["n.csv"], *MODEL, "-o", tmp_path / output)
        assert outcome.code == 2
        assert outcome.message.startswith("error: ")
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("x.txt",),
            ("x.txt", "-m"),
            ("x.txt", *MODEL, "--threads", "0"),
            ("x.txt", *MODEL, "--engine", "spark"),
            ("x.txt", *MODEL, "--engine", "spark", "-o", "o.csv", "--threads", "2"),
            ("x.txt", *MODEL, "-o", "o.csv", "--master", "local", "--remote", "sc://host"),
            ("x.txt", *MODEL, "-f", "xml"),
            ("a", "b"),
        ],
    )
    def test_wrong_usage(self, clinspan, arguments):
        outcome = clinspan("annotate", *arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert "─ Error ─" in outcome.err

    def test_a_text_in_place_of_a_path(self, clinspan):
        outcome = clinspan("annotate", f"{SECRET} has a normal kidney. " * 300, *MODEL)
        assert outcome.code == 2
        assert SECRET not in outcome.message


COMMAND = [sys.executable, "-m", "clinspan", "annotate"]
ENVIRONMENT = {**os.environ, "PYTHONUTF8": "1"}

_LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
sys.argv = ["clinspan", *sys.argv[1:]]
from clinspan.cli import app
app()
"""


class TestProcess:
    """Exit codes and streams of a process of its own."""

    def run(self, *arguments, **options):
        return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, env=ENVIRONMENT, **options)

    def test_all_went_well(self):
        done = self.run("-", *MODEL, input="The “kidney”.".encode())
        assert (done.returncode, done.stderr) == (0, b"")
        assert from_lines(done.stdout.decode()) == [("stdin", "kidney", 5, 11)]

    def test_some_notes_could_not_be_read(self, tmp_path):
        (tmp_path / "n.csv").write_bytes(b"id,text\n1,The kidney.\n2,\xff\n")
        done = self.run(tmp_path / "n.csv", *MODEL, "-o", tmp_path / "o.csv")
        assert (done.returncode, done.stdout) == (1, b"")
        assert done.stderr.decode() == "warning: note 2: not UTF-8 at byte 0; convert the source to UTF-8\n"
        assert (tmp_path / "o.csv").read_text().count("kidney") == 1

    def test_nothing_was_done(self, inputs):
        done = self.run(inputs["n.csv"], "-m", "en/anatomi")
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")
    @pytest.mark.parametrize("name", ["o.jsonl", "o.parquet", "o"])
    def test_a_full_disk(self, tmp_path, name):
        path = tmp_path / "n.txt"
        path.write_text(NOTES["a"] * 20, encoding="utf-8")
        command = [sys.executable, "-c", _LIMITED, "annotate", str(path), *MODEL, "-o", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, env=ENVIRONMENT)
        message = done.stderr.decode()
        assert done.returncode == 2, message
        assert message.startswith(f"error: Cannot write {tmp_path / name}: ")
        assert "File too large" in message
        assert message.count("\n") == 1
        assert [p.name for p in tmp_path.iterdir()] == ["n.txt"]

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
    @pytest.mark.parametrize("form", ["jsonl", "table"])
    def test_full_standard_output(self, inputs, form):
        with Path("/dev/full").open("wb") as full:
            command = [*COMMAND, str(inputs["n.csv"]), *MODEL, "-f", form]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT)
        assert (done.returncode, done.stderr) == (2, b"error: No space left on device\n")

    def test_a_reader_that_goes_away(self, tmp_path):
        path = tmp_path / "n.jsonl"
        path.write_text('{"text": "The kidney and the liver."}\n' * 5000)
        command = [*COMMAND, str(path), *MODEL]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
            process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 2
