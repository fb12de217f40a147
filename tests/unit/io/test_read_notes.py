"""Reading notes from every format; what cannot be read is that note's error and costs no other."""

import errno
import gzip
import io
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinspan.exceptions import ColumnTypeError, InputError, MissingColumnError
from clinspan.io.notes import read_notes
from clinspan.texts import Unreadable, checked_text

SECRET = "Jane Roe"


def read(path, **options):
    """(id, text or error) of every note."""
    found = []
    for note in read_notes(str(path), **options):
        text, error = checked_text(note.text)
        found.append((note.id, error or text))
    return found


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestTextAndFolders:
    def test_a_file_is_one_note_as_it_is(self, tmp_path):
        path = write(tmp_path / "note.txt", "\ufeffline one\r\nline two\r")
        assert read(path) == [("note.txt", "\ufeffline one\r\nline two\r")]

    def test_an_empty_file_is_an_empty_note(self, tmp_path):
        assert read(write(tmp_path / "note", "")) == [("note", "")]

    def test_a_file_that_is_not_utf_8(self, tmp_path):
        path = write(tmp_path / "note.txt", "ri\u00f1\u00f3n".encode("latin-1"))
        assert read(path) == [("note.txt", "not UTF-8 at byte 2; convert the source to UTF-8")]

    def test_a_folder_in_name_order_with_ids_below_it(self, tmp_path):
        (tmp_path / "ward" / "b.txt").mkdir(parents=True)
        for name in ("z.txt", "ward/a.txt", "ward/b.txt/c.TXT", "ignored.ann"):
            write(tmp_path / name, name)
        write(tmp_path / "bad.txt", b"\xff")
        (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
        assert read(tmp_path) == [
            ("bad.txt", "not UTF-8 at byte 0; convert the source to UTF-8"),
            ("gone.txt", "cannot be read: No such file or directory"),
            ("ward/a.txt", "ward/a.txt"),
            ("ward/b.txt/c.TXT", "ward/b.txt/c.TXT"),
            ("z.txt", "z.txt"),
        ]

    @pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
    def test_a_file_name_that_is_not_utf_8_still_makes_an_id(self, tmp_path):
        try:
            (tmp_path / "caf\udce9.txt").write_text("x")
        except OSError:
            pytest.skip("this file system takes no such name")
        ((name, text),) = read(tmp_path)
        assert (name.encode().decode(), text) == (name, "x")

    @pytest.mark.parametrize("closed", ["ward", "."])
    def test_a_folder_that_cannot_be_listed_is_named(self, tmp_path, monkeypatch, closed):
        (tmp_path / "ward").mkdir()
        write(tmp_path / "a.txt", "a")
        listed = os.scandir

        def scandir(path):
            if Path(path) == tmp_path / closed:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return listed(path)

        monkeypatch.setattr(os, "scandir", scandir)
        if closed == ".":
            with pytest.raises(InputError, match=r"cannot be read: Permission denied\.$"):
                read(tmp_path)
        else:
            assert read(tmp_path) == [("a.txt", "a"), ("ward", "cannot be read: the folder cannot be listed")]

    def test_a_folder_without_texts(self, tmp_path):
        with pytest.raises(InputError, match=r"No \.txt files in "):
            read(tmp_path)

    def test_nothing_there(self, tmp_path):
        with pytest.raises(InputError, match=r"^Nothing at .*Give a text file, a folder"):
            read(tmp_path / "none.csv")

    def test_a_text_in_place_of_a_path_is_not_repeated(self):
        with pytest.raises(InputError) as error:
            read(f"{SECRET} has a normal kidney. " * 300)
        assert SECRET not in str(error.value)
        assert "standard input" in str(error.value)

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
    def test_a_file_that_breaks_off(self):
        with pytest.raises(InputError, match=r"^mem cannot be read: Input/output error"):
            read("/proc/self/mem")

    def test_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"The kidney.\n"), "ascii"))
        assert read("-") == [("stdin", "The kidney.\n")]


class TestCsv:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("n.csv", 'id,text,age\na,"one, two\nthree ""four""",5\nb,plain,6\n'),
            ("n.tsv", 'id\ttext\tage\na\t"one, two\nthree ""four"""\t5\nb\tplain\t6\n'),
            ("n.csv", '\ufeffid,text,age\r\n"a","one, two\nthree ""four""",5\r\n\r\nb,plain,6'),
        ],
        ids=["csv", "tsv", "bom-crlf-blank-line"],
    )
    def test_quoted_fields_hold_line_breaks(self, tmp_path, name, content):
        path = write(tmp_path / name, content)
        assert read(path) == [("a", 'one, two\nthree "four"'), ("b", "plain")]
        assert read(path, id_col="age") == [("5", 'one, two\nthree "four"'), ("6", "plain")]
        assert read(path, text_col="age", id_col="text")[1] == ("plain", "6")

    def test_line_breaks_inside_a_field_stay_as_they_are(self, tmp_path):
        path = write(tmp_path / "n.csv", 'text\n"a\r\nb\rc\nd"\n')
        assert read(path) == [("0", "a\r\nb\rc\nd")]

    def test_rows_are_numbered_where_there_is_no_id(self, tmp_path):
        assert read(write(tmp_path / "n.csv", "text\nx\ny\n")) == [("0", "x"), ("1", "y")]

    def test_a_row_without_its_id_goes_by_its_line(self, tmp_path):
        assert read(write(tmp_path / "n.csv", "id,text\n2,x\n,y\n")) == [("2", "x"), ("line 3", "y")]

    @pytest.mark.parametrize("name", ["N.CSV", "N.Csv.GZ"])
    def test_suffixes_in_capitals(self, tmp_path, name):
        content = b"text\nx\n"
        assert read(write(tmp_path / name, gzip.compress(content) if "GZ" in name else content)) == [("0", "x")]

    def test_gzipped(self, tmp_path):
        assert read(write(tmp_path / "n.csv.gz", gzip.compress(b"text\nx\n"))) == [("0", "x")]

    def test_bytes_that_are_not_utf_8_cost_one_row(self, tmp_path):
        path = write(tmp_path / "n.csv", b"id,text\n1,ri\xf1on\n2,caf\xc3\xa9\n\xe9,x\n")
        assert read(path) == [
            ("1", "not UTF-8 at byte 2; convert the source to UTF-8"),
            ("2", "café"),
            ("?", "x"),
        ]

    def test_fields_too_many_or_too_few_cost_one_row(self, tmp_path):
        path = write(tmp_path / "n.csv", f"id,text\n1,{SECRET}, aged 50\n2\n3,fine\n")
        assert read(path) == [
            ("line 2", "line 2: 3 fields, the header has 2"),
            ("line 3", "line 3: 1 fields, the header has 2"),
            ("3", "fine"),
        ]

    def test_quotes_that_are_not_csv_cost_one_row(self, tmp_path):
        path = write(tmp_path / "n.csv", f'id,text\n1,"{SECRET}" said\n2,fine 5" wide\n3,"never closed\n4,lost\n')
        found = read(path)
        assert found[1::2] == [("2", 'fine 5" wide'), ("4", "lost")]
        assert [name for name, _ in found[::2]] == ["line 2", "lines 4 to 5"]
        assert found[0][1].startswith("line 2: not CSV (")
        assert found[2][1] == "lines 4 to 5: not CSV (unexpected end of data), check its quotes; read on from line 5"
        assert SECRET not in str(found)

    @pytest.mark.parametrize("later", ['4,"quoted"', '4,the "quoted" kidney', "4,unquoted"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_notes_after_a_quote_that_is_not_closed_are_read(self, tmp_path, later, end):
        rows = ["id,text", f'1,"{SECRET}', "2,a", '3,"b', 'c"', later, "5,d", '6,"e', "7,f"]
        path = write(tmp_path / "n.csv", end.join(rows) + end)
        found = dict(read(path))
        later_text = later[2:].removeprefix('"').removesuffix('"')
        assert {name: text for name, text in found.items() if "not CSV" not in text} == {
            "2": "a",
            "3": f"b{end}c",
            "4": later_text,
            "5": "d",
            "7": "f",
        }
        assert [name for name, text in found.items() if "not CSV" in text] == ["lines 2 to 4", "lines 8 to 9"]
        assert SECRET not in str(found)

    def test_many_quotes_that_are_not_closed(self, tmp_path):
        path = write(tmp_path / "n.csv", "text\n" + '"open\n' * 5000)
        assert [name for name, _ in read(path)] == [str(i) for i in range(5000)]

    def test_a_row_of_several_lines_that_does_not_fit_names_them_all(self, tmp_path):
        path = write(tmp_path / "n.csv", 'id,text\n1,"a\nb",c\n2,d\n')
        assert read(path) == [("lines 2 to 3", "lines 2 to 3: 3 fields, the header has 2"), ("2", "d")]

    def test_a_note_longer_than_any_buffer(self, tmp_path):
        text = "kidney " * 500_000
        path = write(tmp_path / "n.csv", f'id,text\n1,"{text}"\n2,x\n')
        assert read(path) == [("1", text), ("2", "x")]

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="the csv module of 3.10 takes no NUL")
    def test_nul(self, tmp_path):
        assert read(write(tmp_path / "n.csv", b"text\na\0b\nc\n")) == [("0", "a\0b"), ("1", "c")]

    @pytest.mark.parametrize("content", ["", "\n\n", '"never closed'])
    def test_no_header(self, tmp_path, content):
        with pytest.raises(InputError, match=r"^n.csv has no header line"):
            read(write(tmp_path / "n.csv", content))

    def test_a_header_and_no_rows(self, tmp_path):
        assert read(write(tmp_path / "n.csv", "text\n")) == []

    @pytest.mark.parametrize("option", ["text_col", "id_col"])
    def test_a_missing_column(self, tmp_path, option):
        with pytest.raises(MissingColumnError) as error:
            read(write(tmp_path / "n.csv", "id,text\n1,x\n"), **{option: "body"})
        named = f"{option} (--{option.replace('_', '-')})"
        assert str(error.value) == f"No column 'body'; available: 'id', 'text'. Name another with {named}."

    @pytest.mark.parametrize("header", ["id,text,text", "id,id,text"])
    def test_columns_of_one_name(self, tmp_path, header):
        with pytest.raises(InputError, match=r"^2 columns are called '(id|text)'; rename all but one\.$"):
            read(write(tmp_path / "n.csv", f"{header}\n1,2,3\n"))

    def test_a_first_row_in_place_of_a_header_is_not_told(self, tmp_path):
        path = write(tmp_path / "n.csv", f'1,"{SECRET}, born 1950, has HIV"\n2,x\n')
        with pytest.raises(MissingColumnError, match=r"available: 2 whose .*\(is the header missing\?\)") as error:
            read(path)
        assert SECRET not in str(error.value)


class TestJsonLines:
    @pytest.mark.parametrize("name", ["n.jsonl", "n.ndjson", "n.json", "n.jsonl.gz"])
    def test_notes_with_and_without_ids(self, tmp_path, name):
        content = (
            b'\xef\xbb\xbf{"id": 7, "text": "caf\xc3\xa9"}\n\n{"text": "\\ud83d\\ude00\\n", "x": 1}\r\n{"text": null}'
        )
        path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
        assert read(path) == [("7", "café"), ("line 3", "😀\n"), ("line 4", None)]

    def test_lines_before_any_id_are_numbered(self, tmp_path):
        path = write(tmp_path / "n.jsonl", '{"text": "a"}\nno\n{"id": "", "text": "b"}\n{"id": "x", "text": "c"}\nno\n')
        assert [name for name, _ in read(path)] == ["0", "1", "line 3", "x", "line 5"]

    def test_a_bad_line_does_not_go_by_the_id_of_another(self, tmp_path):
        path = write(tmp_path / "n.jsonl", '{"id": 2, "text": "a"}\nno\n{"id": 1, "text": "b"}\n')
        assert read(path) == [("2", "a"), ("line 2", "line 2 is not JSON"), ("1", "b")]

    def test_a_line_without_the_key_of_ids_that_was_named(self, tmp_path):
        path = write(tmp_path / "n.jsonl", f'{{"key": 2, "text": "a"}}\n{{"id": 2, "text": "{SECRET}"}}\n')
        error = "line 2 has no key 'key'; name it with --id-col"
        assert read(path, id_col="key") == [("2", "a"), ("line 2", error)]

    def test_other_keys(self, tmp_path):
        path = write(tmp_path / "n.jsonl", '{"note": "x", "key": "k"}')
        assert read(path, text_col="note", id_col="key") == [("k", "x")]

    @pytest.mark.parametrize(
        ("line", "error"),
        [
            (f"{{'text': '{SECRET}'}}", "line 2 is not JSON"),
            (f'{{"text": "{SECRET}', "line 2 is not JSON"),
            ("[" * 100_000, "line 2 is not JSON"),
            (f'["{SECRET}"]', "line 2 is not a JSON object"),
            (f'{{"note": "{SECRET}"}}', "line 2 has no key 'text'; name it with --text-col"),
            (b'{"text": "ri\xf1on"}', "line 2: not UTF-8 at byte 12; convert the source to UTF-8"),
            ('{"text": 5}', "a text is wanted, not int"),
            (f'{{"text": ["{SECRET}"]}}', "a text is wanted, not list"),
            ('{"text": "a\\ud800b"}', "a lone surrogate at character 1; decode the source with errors='replace'"),
        ],
    )
    def test_a_bad_line_costs_no_other(self, tmp_path, line, error):
        line = line if isinstance(line, bytes) else line.encode()
        path = write(tmp_path / "n.jsonl", b'{"text": "a"}\n' + line + b'\n{"text": "b"}\n')
        assert read(path) == [("0", "a"), ("1", error), ("2", "b")]

    def test_any_id_can_be_written(self, tmp_path):
        path = write(
            tmp_path / "n.jsonl", '{"id": "\\ud800", "text": "a"}\n{"id": null, "text": "b"}\n{"id": [1], "text": "c"}'
        )
        names = [name for name, _ in read(path)]
        assert names[1:] == ["line 2", "[1]"]
        assert names[0].encode()

    @pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b'{"text": "x"}\n' * 999)[:-20], b"\x1f\x8b\x08"])
    def test_a_damaged_file_is_no_shorter_file(self, tmp_path, content):
        with pytest.raises(InputError, match=r"^n.jsonl.gz cannot be read: it is damaged.$"):
            read(write(tmp_path / "n.jsonl.gz", content))

    def test_garbage_inside_a_gzip_file(self, tmp_path):
        content = bytearray(gzip.compress(bytes(range(256)) * 400))
        content[200:400] = b"\xff" * 200
        with pytest.raises(InputError, match=r"cannot be read"):
            read(write(tmp_path / "n.jsonl.gz", bytes(content)))


class TestParquet:
    def write(self, path, **columns):
        pq.write_table(pa.table(columns), path, row_group_size=2)
        return path

    def test_notes(self, tmp_path):
        path = self.write(tmp_path / "n.parquet", id=[1, 2, None], text=["a", None, "c"], x=[0, 0, 0])
        assert read(path) == [("1", "a"), ("2", None), ("row 2", "c")]
        assert read(path, id_col="x") == [("0", "a"), ("0", None), ("0", "c")]

    def test_rows_are_numbered_over_batches(self, tmp_path):
        path = self.write(tmp_path / "n.parquet", text=[str(i) for i in range(3000)])
        assert read(path) == [(str(i), str(i)) for i in range(3000)]

    @pytest.mark.parametrize("kind", [pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())], ids=str)
    def test_columns_that_hold_text(self, tmp_path, kind):
        path = self.write(tmp_path / "n.parquet", text=pa.array(["a", None]).cast(kind))
        assert read(path) == [("0", "a"), ("1", None)]

    def test_a_column_of_nothing(self, tmp_path):
        assert read(self.write(tmp_path / "n.parquet", text=pa.nulls(1))) == [("0", None)]

    def test_bytes_that_are_not_utf_8_cost_one_row(self, tmp_path):
        path = self.write(tmp_path / "n.parquet", text=pa.array([b"a", b"\xff"]))
        assert read(path) == [("0", "a"), ("1", "not UTF-8 at byte 0; convert the source to UTF-8")]

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()], ids=str)
    def test_strings_that_are_not_utf_8_cost_one_row(self, tmp_path, kind):
        raw = pa.array([b"a", b"\xff", None], pa.large_binary() if kind == pa.large_string() else pa.binary())
        path = self.write(tmp_path / "n.parquet", id=raw.view(kind), text=raw.view(kind))
        error = "not UTF-8 at byte 0; convert the source to UTF-8"
        assert read(path) == [("a", "a"), ("\ufffd", error), ("row 2", None)]

    def test_a_column_of_numbers(self, tmp_path):
        with pytest.raises(ColumnTypeError, match=r"^Column 'text' holds int64, not text."):
            read(self.write(tmp_path / "n.parquet", text=[1, 2]))

    @pytest.mark.parametrize("text", [[["a"]], [{"string": "a"}]], ids=["list", "struct"])
    def test_a_column_of_what_holds_texts(self, tmp_path, text):
        with pytest.raises(ColumnTypeError, match=r"^Column 'text' holds .*, not text."):
            read(self.write(tmp_path / "n.parquet", text=text))

    def test_columns_of_one_name(self, tmp_path):
        pq.write_table(pa.table([["a"], ["b"]], names=["text", "text"]), tmp_path / "n.parquet")
        with pytest.raises(InputError, match=r"^2 columns are called 'text'; rename all but one\.$"):
            read(tmp_path / "n.parquet")

    def test_a_missing_column(self, tmp_path):
        with pytest.raises(MissingColumnError, match=r"^No column 'text'; available: 'note'."):
            read(self.write(tmp_path / "n.parquet", note=["x"]))

    def test_no_parquet_at_all(self, tmp_path):
        with pytest.raises(InputError, match=r"^n.parquet is no Parquet file.$"):
            read(write(tmp_path / "n.parquet", b"PAR1 no"))

    def test_a_damaged_file_is_no_shorter_file(self, tmp_path):
        path = self.write(tmp_path / "n.parquet", text=[f"{SECRET} {i}" for i in range(5000)])
        content = bytearray(path.read_bytes())
        content[1000:3000] = b"\xff" * 2000
        with pytest.raises(InputError, match=r"^n.parquet cannot be read: ") as error:
            read(write(path, bytes(content)))
        assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("n.csv", b"text,x\na,0\n\nb,0\n"),
        ("n.tsv", b"text\na\nb\n"),
        ("n.jsonl", b'{"text": "a"}\n\n{"text": "b"}\n'),
        ("n.parquet", None),
    ],
)
def test_rows_without_ids_are_numbered_from_0_in_every_table(tmp_path, name, content):
    path = tmp_path / name
    if content is None:
        pq.write_table(pa.table({"text": ["a", "b"]}), path)
    else:
        write(path, content)
    assert read(path) == [("0", "a"), ("1", "b")]


def test_unreadable_says_why():
    assert checked_text(Unreadable("because")) == (None, "because")
