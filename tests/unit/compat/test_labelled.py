"""Labelled tokens as a frame has them."""

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from clinspan import nlp
from clinspan.compat.labelled import LabelledTokens, labels_of
from clinspan.exceptions import InputError, MissingInputError
from clinspan.frames import with_columns
from clinspan.schema import NAMED_ENTITY, TOKEN, Annotations, annotation_column

FILE = "The DT O O\nheart NN O B-Organ\n\nLeft JJ O B-Part\nkidney NN O I-Part\n. . O O\n"
COLUMNS = ("sentence", "token", "embeddings")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("labelled") / "a.conll"
    path.write_text(FILE, encoding="utf-8")
    return nlp.WordEmbeddingsModel.pretrained().transform(nlp.CoNLL().readDataset(None, str(path)))


def read(frame, label="label"):
    return LabelledTokens.from_frame(frame, COLUMNS, label, "NerDLApproach")


def test_a_table(table):
    found = read(table)
    assert found.words.to_pylist() == ["The", "heart", "Left", "kidney", "."]
    assert found.labels.to_pylist() == ["O", "B-Organ", "B-Part", "I-Part", "O"]
    assert found.sentence_starts.tolist() == [0, 2, 5]
    assert found.tags == ["O", "B-Organ", "B-Part", "I-Part"]
    assert found.tag_ids(["O", "I-Part"]).tolist() == [0, -1, -1, 1, 0]
    assert found.vectors.shape == (5, 200)
    assert found.reference.startswith("en/embeddings@")


def test_some_sentences(table):
    whole, part = read(table), read(table).part([1])
    assert part.words.to_pylist() == ["Left", "kidney", "."]
    assert (len(whole), len(part), part.sentence_starts.tolist()) == (2, 1, [0, 3])
    assert np.array_equal(part.vectors, whole.vectors[2:])
    assert len(whole.part([])) == 0


def as_polars(table):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"n": range(table.num_rows)})
    return with_columns(frame, {field.name: field for field in table.schema}, table.to_batches())


def through_parquet(table, path):
    table.to_pandas(maps_as_pydicts="strict").to_parquet(path)  # metadata becomes a struct
    return parquet.read_table(path)


FRAMES = {
    "pandas": lambda table, _: table.to_pandas(maps_as_pydicts="strict"),
    "polars": lambda table, _: as_polars(table),
    "arrow without metadata": lambda table, _: pa.table(table.columns, names=table.schema.names),
    "parquet of pandas": lambda table, folder: through_parquet(table, folder / "a.parquet"),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_other_frames_hold_the_same_and_their_vectors_are_recognised(table, kind, tmp_path):
    found, expected = read(FRAMES[kind](table, tmp_path)), read(table)
    assert (found.words, found.labels) == (expected.words, expected.labels)
    assert np.array_equal(found.vectors, expected.vectors)
    assert (found.reference, found.vector_reference()) == ("", expected.reference)


def test_vectors_of_no_known_model_are_refused(table):
    tokens = dataclasses.replace(read(table), reference="", vectors=np.ones((5, 200), np.float32))
    with pytest.raises(InputError, match="WordEmbeddingsModel and the approach into one Pipeline"):
        tokens.vector_reference()


def annotations(kind, *rows):
    """Rows of (first, one past the last, result)."""
    parts = [part for row in rows for part in row]
    starts, stops = (np.array([part[i] for part in parts], np.int64) for i in (0, 1))
    texts = pa.array([part[2] for part in parts], pa.string())
    column = annotation_column(kind, np.cumsum([0, *map(len, rows)]), starts, stops, texts, {})
    return Annotations.from_column(column)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([(0, 4, "A"), (5, 9, "B")], ["A", "B"]),
        ([(5, 9, "B")], ["O", "B"]),
        ([(0, 2, "A"), (2, 4, "B"), (6, 7, "C")], ["A", "C"]),  # the first of several inside; not at the edges
        ([(0, 9, "A")], ["O", "O"]),  # longer than the tokens
        ([(2, 7, "A"), (7, 8, "B")], ["O", "B"]),  # across an edge
        ([(5, 9, "B"), (0, 4, "A")], ["A", "B"]),  # in any order
        ([], ["O", "O"]),
    ],
)
def test_the_label_of_a_token_is_the_first_that_lies_inside_it(labels, expected):
    tokens = annotations(TOKEN, [(0, 4, "left"), (5, 9, "lung")], [(0, 4, "left")])
    found = labels_of(tokens, annotations(NAMED_ENTITY, labels, [(0, 4, "Z")]))
    assert found.to_pylist() == [*expected, "Z"]


def test_what_is_missing_is_named(table):
    with pytest.raises(MissingInputError, match=r"NerDLApproach needs column 'labels'; available: .*'sentence'"):
        read(table, "labels")
    with pytest.raises(MissingInputError, match="needs column 'embeddings'"):
        read(table.drop_columns(["embeddings"]))
    with pytest.raises(MissingInputError, match="a column of type 'named_entity'"):
        read(table, "pos")
    with pytest.raises(InputError, match="no tokens"):
        read(table.slice(0, 0))
