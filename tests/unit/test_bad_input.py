"""Bad input: a one-line error that names the row or the remedy, every other row done, no text of a note told."""

import json
import math
import warnings
from dataclasses import replace

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clinspan
from clinspan.exceptions import (
    ColumnTypeError,
    DamagedModelError,
    InputError,
    MissingColumnError,
    ModelNotFoundError,
    RowWarning,
    TextError,
    UnsupportedModelError,
)
from clinspan.hub.manifest import Manifest, ModelFile
from clinspan.inference.session import OnnxSession
from clinspan.inference.tokenizer import SubwordTokenizer
from clinspan.schema import annotation_kind
from kinds import KINDS
from models import copied_model

SECRET = "Jane Roe"
GOOD = "The kidney was normal."

EMPTY = {
    "none": None,
    "nan": math.nan,
    "NA": pd.NA,
    "empty": "",
    "blank": " \t\r\n\u00a0\u2003 ",
    "nul": "\x00\x00",
    "controls": "".join(map(chr, [*range(32), 127, *range(128, 160)])),
    "empty-bytes": b"",
}
WRONG = {
    "latin-1": (f"{SECRET}: ri\u00f1\u00f3n".encode("latin-1"), "not UTF-8 at byte 12; convert the source to UTF-8"),
    "surrogate": (
        f"{SECRET} \ud83d kidney",
        "a lone surrogate at character 9; decode the source with errors='replace'",
    ),
    "number": (5, "a text is wanted, not int"),
    "list": ([SECRET], "a text is wanted, not list"),
    "dictionary": ({"text": SECRET}, "a text is wanted, not dict"),
    "object": (object(), "a text is wanted, not object"),
}
every_empty = pytest.mark.parametrize("value", EMPTY.values(), ids=EMPTY.keys())
every_wrong = pytest.mark.parametrize(("value", "reason"), WRONG.values(), ids=WRONG.keys())


@pytest.fixture(scope="module")
def ner():
    return clinspan.load("en/anatomy")


@pytest.fixture(autouse=True)
def _nothing_is_told(capfd):
    """Nothing is printed or logged, by whatever library."""
    yield
    assert capfd.readouterr() == ("", "")


def one_line(error):
    """The message, which is one line and tells nothing of a note."""
    message = str(error.value if hasattr(error, "value") else error)
    assert message
    assert "\n" not in message
    assert SECRET not in message
    return message


class TestTexts:
    @every_empty
    def test_no_text_is_an_empty_document(self, ner, value):
        document = ner(value)
        assert document.entities == ()
        assert document.error is None
        assert document.text == (value if isinstance(value, str) else "")

    @pytest.mark.parametrize("text", [GOOD.encode(), f"\ufeff{GOOD}", f"\x00{GOOD}\x07\x1b[31m", f"\x85{GOOD}\u2028"])
    def test_text_with_odd_characters_is_text(self, ner, text):
        document = ner(text)
        assert [e.text for e in document.entities] == ["kidney"]
        assert document.text == (text.decode() if isinstance(text, bytes) else text)

    @every_wrong
    def test_a_wrong_text_by_itself_is_refused(self, ner, value, reason):
        with pytest.raises(TextError) as error:
            ner(value)
        assert one_line(error) == f"Cannot annotate: {reason}."

    @every_wrong
    def test_a_wrong_text_costs_no_other(self, ner, value, reason):
        first, wrong, last = ner.pipe([GOOD, value, GOOD])
        assert wrong == clinspan.Document("", (), reason)
        assert first == last == ner(GOOD)

    def test_errors_stay_with_their_row_over_many_batches(self, ner):
        filler = " " * 70_000  # a batch of its own
        values = [value for wrong, _ in WRONG.values() for value in (GOOD, filler, wrong)]
        documents = list(ner.pipe(values))
        assert [d.error for d in documents[2::3]] == [reason for _, reason in WRONG.values()]
        assert [d.error for d in documents if d.error is None] == [None] * (2 * len(WRONG))
        assert [[e.text for e in d.entities] for d in documents[::3]] == [["kidney"]] * len(WRONG)
        with pytest.warns(RowWarning) as caught:
            table = ner.entities(values)
        assert one_line(caught[0].message).startswith("6 rows could not be annotated: row 2: not UTF-8 at byte 12")
        assert one_line(caught[0].message).endswith("row 14: a text is wanted, not dict; and 1 more")
        assert table.column("row").to_pylist() == list(range(0, len(values), 3))

    def test_only_wrong_texts(self, ner):
        assert [d.error for d in ner.pipe([5, 5])] == ["a text is wanted, not int"] * 2
        with pytest.warns(RowWarning, match="2 rows could not"):
            assert ner.entities([5, 5]).num_rows == 0

    @pytest.mark.parametrize("text", [GOOD, GOOD.encode()], ids=["text", "bytes"])
    def test_a_lone_text_is_a_stream_of_one(self, ner, text):
        assert [document.text for document in ner.pipe(text)] == [GOOD]

    def test_no_texts(self, ner):
        assert list(ner.pipe([])) == []
        assert ner.entities([]).num_rows == 0
        assert ner.transform([]).num_rows == 0


class TestFrames:
    @every_wrong
    def test_a_wrong_row_is_named_once_and_null(self, ner, value, reason):
        with pytest.warns(RowWarning) as caught:
            table = ner.transform([GOOD, value, None])
        assert [one_line(w.message) for w in caught] == [f"1 row could not be annotated: row 1: {reason}"]
        assert table.column("text").to_pylist() == [GOOD, None, None]
        good, wrong, none = table.column("ner_chunk").to_pylist()
        assert (len(good), wrong, none) == (1, None, [])
        assert annotation_kind(table.schema.field("ner_chunk")) == "chunk"
        with pytest.warns(RowWarning, match="row 1: "):
            table = ner.pipeline.transform([GOOD, value, None])
        assert [table.column(name).to_pylist()[1] for name in table.schema.names] == [None] * 5

    def test_wrong_rows_of_a_pandas_column_of_objects(self, ner):
        values = [GOOD, None, math.nan, pd.NA, 5, b"\xff", f"{SECRET} \ud800"]
        frame = pd.DataFrame({"text": pd.Series(values, dtype=object)})
        with pytest.warns(RowWarning) as caught:
            result = ner.transform(frame)
        assert one_line(caught[0].message).startswith(
            "3 rows could not be annotated: row 4: a text is wanted, not int;"
        )
        assert [None if chunks is None else len(chunks) for chunks in result["ner_chunk"]] == [
            1,
            0,
            0,
            0,
            None,
            None,
            None,
        ]
        with pytest.warns(RowWarning):
            assert ner.entities(frame, text_col="text")["text"].to_list() == ["kidney"]

    @pytest.mark.parametrize(
        "frame",
        [
            pd.DataFrame({"text": [b"\xff", GOOD.encode()]}),
            pl.DataFrame({"text": [b"\xff", GOOD.encode()]}),
            pa.table({"text": [b"\xff", GOOD.encode()]}),
        ],
        ids=["pandas", "polars", "arrow"],
    )
    def test_columns_of_bytes(self, ner, frame):
        with pytest.warns(RowWarning, match="row 0: not UTF-8 at byte 0; convert the source to UTF-8"):
            table = ner.entities(frame)
        assert list(table["row"]) == [1] or table["row"].to_pylist() == [1]

    @pytest.mark.parametrize(
        "frame",
        [
            pd.DataFrame({"text": pd.Series([GOOD, None], dtype="category")}),
            pd.DataFrame({"text": pd.Series([GOOD, None], dtype="string")}),
            pd.DataFrame({"text": pd.Series([GOOD, None], dtype="string[pyarrow]")}),
            pl.DataFrame({"text": pl.Series([GOOD, None], dtype=pl.Categorical)}),
            pl.DataFrame({"text": pl.Series([GOOD, None], dtype=pl.Enum([GOOD]))}),
            pa.table({"text": pa.array([GOOD, None]).dictionary_encode()}),
            pa.table({"text": pa.array([GOOD, None], pa.large_string())}),
            pa.table({"text": pa.array([GOOD, None], pa.string_view())}),
        ],
        ids=["category", "string", "string-arrow", "categorical", "enum", "dictionary", "large", "view"],
    )
    def test_columns_that_hold_text_in_other_ways(self, ner, frame):
        assert list(map(str, ner.entities(frame)["text"])) == ["kidney"]
        assert len(ner.transform(frame)["ner_chunk"]) == 2

    @pytest.mark.parametrize("kind", [k for k in KINDS if k.name != "list"], ids=str)
    @pytest.mark.parametrize("method", ["transform", "entities"])
    def test_a_missing_column(self, ner, kind, method):
        frame = kind.make([GOOD], n=[1])
        with pytest.raises(MissingColumnError) as error:
            getattr(ner, method)(frame, text_col="note")
        assert one_line(error) == ("No column 'note'; available: 'n', 'text'. Name another with text_col (--text-col).")
        with pytest.raises(MissingColumnError, match="No column 'key'; available: 'n', 'text'"):
            ner.entities(frame, id_col="key")

    @pytest.mark.parametrize("kind", [k for k in KINDS if k.name != "list"], ids=str)
    @pytest.mark.parametrize("name", [SECRET, "1", f"{SECRET}, born 1950, has HIV", "HIV" * 14])
    def test_names_of_columns_that_may_be_a_row_are_not_told(self, ner, kind, name):
        with pytest.raises(MissingColumnError) as error:
            ner.entities(kind.make([GOOD], **{name: [1]}), text_col="note")
        assert one_line(error) == (
            "No column 'note'; available: 2 whose names are not all plain words (is the header missing?). "
            "Name another with text_col (--text-col)."
        )

    @pytest.mark.parametrize("kind", [k for k in KINDS if k.name != "list"], ids=str)
    @pytest.mark.parametrize("values", [[1, 2], [1.5, None], [True, False]], ids=["int", "float", "bool"])
    def test_a_column_of_numbers(self, ner, kind, values):
        frame = kind.make([GOOD, GOOD], n=values)
        with pytest.raises(ColumnTypeError) as error:
            ner.transform(frame, text_col="n")
        assert one_line(error).startswith("Column 'n' holds ")
        assert "not text. Name the text column with text_col (--text-col)." in one_line(error)

    @pytest.mark.parametrize(
        "frame",
        [
            pa.table({"text": [{"str": SECRET}]}),
            pa.table({"text": pa.array([[1]], pa.list_(pa.field("element", pa.int32(), nullable=False)))}),
            pl.DataFrame({"text": [{"str": SECRET}]}),
            pd.DataFrame({"text": pd.Series([[1]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))}),
            pd.DataFrame({"text": pd.Series([1, 2], dtype="category")}),
        ],
        ids=["struct", "list", "polars-struct", "pandas-list", "category"],
    )
    def test_a_column_of_another_type_whose_name_sounds_like_text(self, ner, frame):
        with pytest.raises(ColumnTypeError) as error:
            ner.transform(frame)
        assert one_line(error).startswith("Column 'text' holds ")

    @pytest.mark.parametrize("kind", [k for k in KINDS if k.name != "list"], ids=str)
    def test_a_column_of_missing_values_only(self, ner, kind):
        frame = kind.make([GOOD, GOOD], n=[math.nan, math.nan] if kind.name == "pandas" else [None, None])
        assert [len(c) for c in kind.column(ner.transform(frame, text_col="n"), "ner_chunk")] == [0, 0]

    @pytest.mark.parametrize("frame", [5, None, {"text": [SECRET]}, object()])
    def test_no_frame(self, ner, frame):
        with pytest.raises(InputError) as error:
            ner.entities(frame)
        assert one_line(error).endswith("give a list, a pandas or Polars frame, or an Arrow table.")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("en/anatomi", "Did you mean 'en/anatomy'?"),
            ("bert_token_classifier_ner_anatomy", "Did you mean 'bert_token_classifier_ner_anatomy_onnx'?"),
            ("zzzzzzzz", "`clinspan models` lists all of them."),
            ("", "`clinspan models` lists all of them."),
            ("./nowhere", "`clinspan models` lists all of them."),
        ],
    )
    def test_an_unknown_model(self, name, hint):
        with pytest.raises(ModelNotFoundError) as error:
            clinspan.load(name)
        assert one_line(error).startswith(f"No model {name!r}.")
        assert hint in one_line(error)

    def test_a_known_name_in_a_language_it_does_not_read(self):
        with pytest.raises(ModelNotFoundError) as error:
            clinspan.load("en/anatomy", language="nl")
        assert one_line(error) == "No model 'en/anatomy' for the language 'nl'; it is there for en."

    def test_no_name(self):
        with pytest.raises(InputError, match="Name at least one model, such as 'en/anatomy'"):
            clinspan.load()

    @pytest.mark.parametrize("threads", [0, -2])
    def test_no_threads(self, threads):
        with pytest.raises(InputError, match=f"threads is {threads}; give 1 or more"):
            clinspan.load("en/anatomy", threads=threads)

    def test_a_folder_without_a_manifest(self, tmp_path):
        with pytest.raises(
            UnsupportedModelError, match=r"has no manifest\.json; bring a folder of Hugging Face or Spark NLP in"
        ):
            clinspan.load(str(tmp_path))

    def test_a_folder_without_a_manifest_named_from_here(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine").mkdir()
        with pytest.raises(UnsupportedModelError, match=r"has no manifest\.json"):
            clinspan.load("./mine")

    def test_a_head_that_the_folder_does_not_have(self, tmp_path):
        folder = copied_model(tmp_path / "m")
        with pytest.raises(ModelNotFoundError) as error:
            clinspan.load(f"{folder}#anatomi")
        assert f"Did you mean '{folder}#anatomy'?" in one_line(error)


def flipped(data):
    """One bit in the middle is another."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def cut(data):
    """The last byte is gone."""
    return data[:-1]


DAMAGES = {"flipped": flipped, "cut": cut, "longer": lambda data: data + b"\0", "empty": lambda _: b"", "missing": None}


class TestDamagedModels:
    @pytest.fixture
    def folder(self, tmp_path):
        return copied_model(tmp_path / "model")

    @pytest.fixture
    def _never_loaded(self, monkeypatch):
        def loaded(*_):
            pytest.fail("a damaged file was loaded")

        monkeypatch.setattr(OnnxSession, "open", loaded)
        monkeypatch.setattr(SubwordTokenizer, "open", loaded)

    @pytest.mark.usefixtures("_never_loaded")
    @pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "config.json"])
    @pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
    def test_a_damaged_file_is_refused_before_it_is_loaded(self, folder, file, damage):
        path = folder / file
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage(path.read_bytes()))
        with pytest.raises(DamagedModelError) as error:
            clinspan.load(str(folder))
        assert file in one_line(error)
        assert str(folder) in one_line(error)
        assert one_line(error).endswith("install or download the model again.")

    @pytest.mark.usefixtures("_never_loaded")
    @pytest.mark.parametrize("content", ["", "{", "[]", "null", "5", '"x"', "{}", '{"format": 99}', '{"format": 1}'])
    def test_a_damaged_manifest(self, folder, content):
        (folder / "manifest.json").write_text(content)
        with pytest.raises((DamagedModelError, UnsupportedModelError), match=r"manifest") as error:
            clinspan.load(str(folder))
        assert str(folder) in one_line(error)

    @pytest.mark.usefixtures("_never_loaded")
    @pytest.mark.parametrize(
        "change",
        [
            {"heads": ["x"]},
            {"heads": [{"name": "x", "output": "y", "tags": ["O"], "more": 1}]},
            {"heads": 5},
            {"files": [{"path": "model.onnx"}]},
            {"languages": None},
            {"surprise": 1},
        ],
        ids=lambda change: json.dumps(change),
    )
    def test_a_manifest_with_wrong_entries(self, folder, change):
        raw = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**raw, **change}))
        with pytest.raises(UnsupportedModelError, match=r"manifest\.json in .* lacks or misnames an entry") as error:
            clinspan.load(str(folder))
        one_line(error)

    @pytest.mark.usefixtures("_never_loaded")
    @pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
    def test_a_manifest_without_a_checksum_of_what_is_loaded(self, folder, file):
        manifest = Manifest.read(folder)
        replace(manifest, files=tuple(f for f in manifest.files if f.path != file)).write(folder)
        with pytest.raises(DamagedModelError, match=f"has no checksum of {file}; install or download"):
            clinspan.load(str(folder))

    @pytest.mark.parametrize(
        ("file", "error"), [("model.onnx", UnsupportedModelError), ("tokenizer.json", DamagedModelError)]
    )
    def test_a_file_that_was_wrong_from_the_start(self, folder, file, error):
        (folder / file).write_bytes(b"{}")
        manifest = Manifest.read(folder)
        files = tuple(ModelFile.from_path(folder, f.path) for f in manifest.files)
        replace(manifest, files=files).write(folder)
        with pytest.raises(error, match=file) as raised:
            clinspan.load(str(folder))
        one_line(raised)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"output": "other"}, "has no output 'other'"),
            ({"tags": ("O", "B-X")}, "does not give the 2 tags of 'anatomy'"),
        ],
        ids=["output", "tags"],
    )
    def test_a_head_that_is_not_the_graphs(self, folder, change, message):
        manifest = Manifest.read(folder)
        replace(manifest, heads=(replace(manifest.heads[0], **change),)).write(folder)
        with pytest.raises(DamagedModelError, match=message) as error:
            clinspan.load(str(folder))
        one_line(error)

    def test_a_damaged_folder_costs_no_other_model(self, tmp_path, monkeypatch):
        monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path))
        for name, content in [("a", "{"), ("b", "[]"), ("c", '{"format": 1, "heads": [5]}')]:
            (tmp_path / "models" / name).mkdir(parents=True)
            (tmp_path / "models" / name / "manifest.json").write_text(content)
        assert clinspan.load("en/anatomy")(GOOD).entities

    def test_a_whole_folder_is_as_good_as_the_name(self, folder, ner):
        ours, theirs = clinspan.load(str(folder))(GOOD), ner(GOOD)
        assert ours == theirs


def test_warnings_point_at_the_caller(ner):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ner.transform([5])
        ner.entities([5])
        ner.pipeline.transform([5])
    assert [w.filename for w in caught] == [__file__] * 3
