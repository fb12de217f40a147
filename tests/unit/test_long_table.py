"""Chunk columns as a long table."""

import pyarrow as pa

from clinspan import ChunkMerge
from clinspan.long_table import COLUMNS, IdentifiedRows, LongTable
from helpers import with_chunks

TEXT = "63 years old with heart failure"
SOURCES = (("a", "en/ages"), ("b", "en/organs"))


def batch():
    """Two rows with chunks of two models, which overlap in the first."""
    plain = pa.RecordBatch.from_arrays([pa.array([TEXT, TEXT]), pa.array([7, 9])], names=["text", "note"])
    first = with_chunks(plain, TEXT, "a", [(0, 12, "Age", 0.5)], [(18, 31, "Disease", 0.75)])
    return with_chunks(first, TEXT, "b", [(0, 2, "Number", 0.25), (18, 23, "Organ", 0.5)], [])


def plain_rows(table):
    return [tuple(row.values()) for row in table.to_pylist()]


def test_rows_are_in_order_and_at_one_place_the_longer_is_first():
    table = LongTable(SOURCES).rows(batch(), first_row=40)
    assert tuple(table.schema.names) == COLUMNS
    assert plain_rows(table) == [
        (40, 0, 12, "63 years old", "Age", 0.5, 0, "en/ages"),
        (40, 0, 2, "63", "Number", 0.25, 0, "en/organs"),
        (40, 18, 23, "heart", "Organ", 0.5, 0, "en/organs"),
        (41, 18, 31, "heart failure", "Disease", 0.75, 0, "en/ages"),
    ]


def test_merged_chunks_say_which_model_they_are_from():
    merged = ChunkMerge(input_cols=("a", "b"), output_col="all").annotate(batch())
    found = LongTable(SOURCES, "all").rows(merged)
    assert found.select(["text", "model"]).to_pylist() == [
        {"text": "63 years old", "model": "en/ages"},
        {"text": "heart", "model": "en/organs"},
        {"text": "heart failure", "model": "en/ages"},
    ]


def test_ids_stand_in_place_of_numbers():
    found = IdentifiedRows(LongTable(SOURCES[:1]), "note")(batch())
    assert found.schema.names == ["note", *COLUMNS[1:]]
    assert found.column("note").to_pylist() == [7, 9]


def test_no_rows():
    assert IdentifiedRows(LongTable(SOURCES), "note")(batch().slice(0, 0)).num_rows == 0
