"""The ids of the long table: any kind, checked before anything is annotated."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import clinspan
from clinspan.engines.local import LocalEngine
from clinspan.exceptions import ColumnTypeError, InputError, MissingColumnError

TEXTS = ["The kidney.", "Nothing.", "The heart and the lung."]


@pytest.fixture(scope="module")
def ner():
    return clinspan.load("en/anatomy")


@pytest.fixture
def untouched(monkeypatch):
    """Fails if anything is annotated."""
    monkeypatch.setattr(LocalEngine, "run", lambda *_: pytest.fail("annotated before the ids were checked"))


def ids(table, name):
    return table[name].to_list() if hasattr(table[name], "to_list") else table[name].to_pylist()


def test_ids_may_be_missing(ner):
    frame = pd.DataFrame({"text": TEXTS, "id": pd.array([7, 8, None], dtype="Int64")})
    assert [None if pd.isna(i) else i for i in ids(ner.entities(frame, id_col="id"), "id")] == [7, None, None]


def test_ids_keep_their_type(ner):
    frame = pl.DataFrame({"text": TEXTS, "id": pl.Series([1, 2, 3], dtype=pl.UInt8)})
    found = ner.entities(frame, id_col="id")["id"]
    assert (found.dtype, found.to_list()) == (pl.UInt8, [1, 3, 3])


def test_ids_of_several_kinds_are_refused_without_their_values(ner, untouched):
    frame = pd.DataFrame({"text": TEXTS, "id": [1, "Jane Doe 1950", 3.0]})
    with pytest.raises(ColumnTypeError, match="Column 'id' holds values of several kinds") as error:
        ner.entities(frame, id_col="id")
    assert "Doe" not in str(error.value)
    assert error.value.__suppress_context__


@pytest.mark.parametrize("value", ["Jane \ud800 Doe", 10**30], ids=["surrogate", "large"])
def test_ids_that_no_column_can_hold_are_refused_without_their_values(ner, untouched, value):
    frame = pd.DataFrame({"text": TEXTS, "id": pd.Series([value] * 3, dtype=object)})
    with pytest.raises(ColumnTypeError, match="Column 'id' holds values of several kinds, or no clean text") as error:
        ner.entities(frame, id_col="id")
    assert error.value.__suppress_context__


@pytest.mark.parametrize("frame", [TEXTS, pa.table({"text": TEXTS}), pd.DataFrame({"text": TEXTS})])
def test_a_missing_id_column_costs_nothing(ner, untouched, frame):
    with pytest.raises(MissingColumnError, match="No column 'key'; available: 'text'"):
        ner.entities(frame, id_col="key")


@pytest.mark.parametrize("name", ["start", "text", "label", "model"])
def test_ids_under_the_name_of_another_column_are_refused(ner, untouched, name):
    with pytest.raises(InputError, match=f"id_col is '{name}', which is another column of the result"):
        ner.entities(pa.table({"text": TEXTS}), id_col=name)


def test_columns_of_one_name_are_refused(ner, untouched):
    frame = pd.DataFrame([["a", "b"]], columns=["text", "text"])
    with pytest.raises(InputError, match="2 columns are called 'text'"):
        ner.entities(frame)


def test_pandas_columns_may_have_numbers_for_names(ner):
    assert list(ner.entities(pd.DataFrame([["The kidney.", 7]]), text_col="0", id_col="1")["1"]) == [7]
