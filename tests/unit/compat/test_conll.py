"""CoNLL: columns of a file as the frame that training reads."""

import pytest

from clinspan import nlp
from clinspan.exceptions import InputError
from clinspan.schema import annotation_kinds
from helpers import metadata, ranges, results

FILE = """\
-DOCSTART- -X- -12- O

Leber NN B-NP B-Organ
ist VB B-VP O
groß JJ B-ADJP O

😀 NN B-NP O
too short
Niere NN I-NP I-Organ

-DOCSTART-

Herz NN B-NP I-Organ
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "notes").mkdir()
    file = tmp_path / "notes" / "a.conll"
    file.write_text(FILE, encoding="utf-8")
    return str(file)


def test_a_row_for_each_sentence(path):
    table = nlp.CoNLL().readDataset(None, path)
    assert table.column("text").to_pylist() == ["Leber ist groß", "😀 Niere", "Herz"]
    for name in ("document", "sentence"):
        assert ranges(table, name) == [[(0, 13, "Leber ist groß")], [(0, 6, "😀 Niere")], [(0, 3, "Herz")]]
    assert ranges(table, "token") == [
        [(0, 4, "Leber"), (6, 8, "ist"), (10, 13, "groß")],
        [(0, 0, "😀"), (2, 6, "Niere")],  # code points; the end is the last character's own place
        [(0, 3, "Herz")],
    ]
    assert ranges(table, "label")[1] == [(0, 0, "O"), (2, 6, "I-Organ")]
    assert results(table, "label") == [["B-Organ", "O", "O"], ["O", "I-Organ"], ["I-Organ"]]  # as they stand
    assert results(table, "pos") == [["NN", "VB", "JJ"], ["NN", "NN"], ["NN"]]


def test_a_line_of_one_field_ends_a_sentence(tmp_path):
    (tmp_path / "a.conll").write_text("Fever NN B-NP B-X\n--\nCough NN B-NP B-X\n", encoding="utf-8")
    assert nlp.CoNLL().readDataset(None, str(tmp_path / "a.conll")).column("text").to_pylist() == ["Fever", "Cough"]


def test_a_row_for_each_document(path):
    table = nlp.CoNLL(explodeSentences=False, includeDocId=True, conllDocIdCol="id").readDataset(None, path)
    assert table.column("id").to_pylist() == ["12", "X"]
    assert table.column("text").to_pylist() == ["Leber ist groß\n\n😀 Niere", "Herz"]
    assert ranges(table, "document")[0] == [(0, 22, "Leber ist groß\n\n😀 Niere")]
    assert ranges(table, "sentence")[0] == [(0, 13, "Leber ist groß"), (16, 22, "😀 Niere")]
    assert ranges(table, "token")[0][3:] == [(16, 16, "😀"), (18, 22, "Niere")]
    assert metadata(table, "token", "sentence") == [["0", "0", "0", "1", "1"], ["0"]]


def test_columns_say_their_type_and_annotations_their_word(path):
    table = nlp.CoNLL(labelCol="tag", posCol="part").readDataset(None, path)
    assert table.schema.names == ["text", "document", "sentence", "token", "part", "tag"]
    assert annotation_kinds(table.schema) == {
        "document": "document",
        "sentence": "document",
        "token": "token",
        "part": "pos",
        "tag": "named_entity",
    }
    assert metadata(table, "document", "training") == [["true"]] * 3
    assert metadata(table, "sentence", "sentence") == [["0"]] * 3
    for name in ("part", "tag"):
        assert metadata(table, name, "word") == results(table, "token")


def test_other_fields_and_delimiters(tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text("left kidney\tB-Organ\nwas\tO\n", encoding="utf-8")
    table = nlp.CoNLL(conllLabelIndex=1, conllPosIndex=1, delimiter="\t").readDataset(None, str(file))
    assert table.column("text").to_pylist() == ["left kidney\twas"]
    assert ranges(table, "token") == [[(0, 10, "left kidney"), (12, 14, "was")]]


def test_all_files_of_a_folder(path, tmp_path):
    (tmp_path / "notes" / "b.conll").write_text("Lunge NN B-NP B-Organ\n", encoding="utf-8")
    table = nlp.CoNLL().readDataset(None, f"{tmp_path}/notes/*", read_as="TEXT", partitions=2)
    assert table.column("text").to_pylist()[2:] == ["Herz", "Lunge"]


def test_nothing_to_read(tmp_path):
    (tmp_path / "empty.conll").touch()
    table = nlp.CoNLL().readDataset(None, str(tmp_path / "empty.conll"))
    assert (table.num_rows, len(table.schema)) == (0, 6)
    for missing in ("none.conll", "none/*"):
        with pytest.raises(InputError, match="No file at"):
            nlp.CoNLL().readDataset(None, str(tmp_path / missing))
