import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import load_cases
from clinspan.annotators.document import CLEANUPS, DocumentAssembler
from clinspan.exceptions import ColumnTypeError, MissingColumnError
from clinspan.schema import ANNOTATIONS, DOCUMENT, annotation_kind
from helpers import documents, metadata, ranges, results, rows, texts

ARRAYS = pa.list_(pa.string())


@pytest.mark.parametrize("case", load_cases("cleanup.jsonl"))
def test_cleanup(case):
    batch = DocumentAssembler(cleanup_mode=case["mode"]).annotate(texts(case["text"]))
    wanted = case["result"]
    assert ranges(batch, "document") == [[(0, len(wanted) - 1, wanted)]]


def test_modes_are_named_without_regard_to_case_and_spaces():
    assert DocumentAssembler(cleanup_mode=" Shrink_FULL ").cleanup_mode == "shrink_full"
    with pytest.raises(ValueError, match="possible values: disabled, inplace") as caught:
        DocumentAssembler(cleanup_mode="squeeze")
    assert all(mode in str(caught.value) for mode in CLEANUPS)


@given(st.text())
def test_inplace_keeps_every_offset(text):
    assert len(CLEANUPS["inplace"](text)) == len(text)


@pytest.mark.parametrize("text", [None, ""])
@pytest.mark.parametrize("mode", sorted(CLEANUPS))
def test_null_and_empty_text_is_one_empty_document(text, mode):
    batch = DocumentAssembler(cleanup_mode=mode).annotate(texts(text))
    assert ranges(batch, "document") == [[(0, -1, "")]]
    assert metadata(batch, "document", "sentence") == [["0"]]


@pytest.mark.parametrize("text", [" ", "\n\n", " \t\u00a0", "no fever", "😀 pain", "a\x00b"])
def test_text_is_kept_as_it_is_and_ends_at_its_last_code_point(text):
    assert ranges(documents(text), "document") == [[(0, len(text) - 1, text)]]


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
    ids=str,
)
def test_kinds_of_strings(kind):
    batch = DocumentAssembler().annotate(texts("ä", None, "b", kind=pa.string()).cast(pa.schema([("text", kind)])))
    assert results(batch, "document") == [["ä"], [""], ["b"]]
    assert batch.schema.field("document").type == ANNOTATIONS
    assert annotation_kind(batch.schema.field("document")) == DOCUMENT


def test_a_column_of_nulls_and_no_rows():
    assert results(documents(None, None), "document") == [[""], [""]]
    assert results(DocumentAssembler().annotate(texts(None, kind=pa.null())), "document") == [[""]]
    assert results(documents(), "document") == []


def test_sliced_columns():
    assert results(DocumentAssembler().annotate(texts("a", "bé", "c").slice(1, 1)), "document") == [["bé"]]


@pytest.mark.parametrize("nullable", [True, False])
@pytest.mark.parametrize("outer", [pa.list_, pa.large_list])
def test_arrays_give_a_document_for_each_element(outer, nullable):
    kind = outer(pa.field("element", pa.string(), nullable=nullable))
    batch = DocumentAssembler().annotate(texts(["ab", "", "cde"], [], ["f"], kind=kind))
    assert ranges(batch, "document") == [[(0, 1, "ab"), (0, -1, ""), (0, 2, "cde")], [], [(0, 0, "f")]]
    assert metadata(batch, "document", "sentence") == [["0", "1", "2"], [], ["0"]]


def test_null_arrays_and_null_elements():
    batch = DocumentAssembler(cleanup_mode="shrink").annotate(texts(None, [" a ", None], kind=ARRAYS))
    assert results(batch, "document") == [[], ["a", ""]]


def with_columns(*texts_, **columns):
    arrays = [pa.array(texts_, pa.string()), *columns.values()]
    return pa.RecordBatch.from_arrays(arrays, names=["text", *columns])


NOTES = pa.array([[("ward", "3B"), ("sentence", "9")], None, []], pa.map_(pa.string(), pa.string()))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, [{}, {}, {}]),
        ({"id_col": "key"}, [{"id": "7"}, {}, {"id": "9"}]),
        ({"metadata_col": "notes"}, [{"ward": "3B"}, {}, {}]),
        ({"id_col": "key", "metadata_col": "notes"}, [{"ward": "3B", "id": "7"}, {}, {"id": "9"}]),
    ],
)
def test_id_and_metadata_columns(options, wanted):
    batch = with_columns("a", "b", None, key=pa.array([7, None, 9]), notes=NOTES)
    found = rows(DocumentAssembler(**options).annotate(batch), "document")
    assert [row[0]["metadata"] for row in found] == [{**w, "sentence": "0"} for w in wanted]


def test_metadata_may_be_numbers():
    notes = pa.array([[("bed", 7)], None], pa.map_(pa.string(), pa.int64()))
    found = rows(DocumentAssembler(metadata_col="notes").annotate(with_columns("a", "b", notes=notes)), "document")
    assert [row[0]["metadata"] for row in found] == [{"bed": "7", "sentence": "0"}, {"sentence": "0"}]


@pytest.mark.parametrize(
    ("option", "values"),
    [("id_col", [["a"]]), ("metadata_col", [{"k": {"z": "a"}}]), ("metadata_col", [[(1, "a")]])],
    ids=["list", "nested", "numbered"],
)
def test_ids_and_metadata_that_are_no_text_are_refused(option, values):
    kind = pa.map_(pa.int64(), pa.string()) if isinstance(values[0], list) and option == "metadata_col" else None
    with pytest.raises(ColumnTypeError, match="Column 'other' holds"):
        DocumentAssembler(**{option: "other"}).annotate(with_columns("a", other=pa.array(values, kind)))


@pytest.mark.parametrize("options", [{"input_col": "note"}, {"id_col": "note"}, {"metadata_col": "note"}])
def test_missing_columns_are_named(options):
    with pytest.raises(MissingColumnError, match=r"No column 'note'; available: 'text'\."):
        DocumentAssembler(**options).annotate(texts("a"))


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.bool_(), pa.binary(), pa.list_(pa.int64())], ids=str)
def test_other_types_are_refused(kind):
    with pytest.raises(ColumnTypeError, match="Column 'text' holds"):
        DocumentAssembler().annotate(texts(kind=kind))
