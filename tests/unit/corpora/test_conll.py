import pytest

from clinspan.corpora import read_conll, read_corpus
from clinspan.exceptions import InputError


def read(tmp_path, text, name="notes.conll", reader=read_conll, **options):
    """(id, text, [(stretch, label), ...]) of each record."""
    path = tmp_path / name
    path.write_bytes(text.encode())
    return [(r.id, r.text, [(r.text[s.start : s.stop], s.label) for s in r.spans]) for r in reader(path, **options)]


NOTE = ("The heart and\nLeft atrium .", [("heart", "Organ"), ("Left", "Part"), ("atrium", "Organ")])
SCHEMES = {
    "IOB1": "The O\nheart I-Organ\nand O\n\nLeft I-Part\natrium I-Organ\n. O\n",
    "IOB2": "The O\nheart B-Organ\nand O\n\nLeft B-Part\natrium B-Organ\n. O\n",
    "BIOES": "The O\nheart S-Organ\nand O\n\nLeft S-Part\natrium S-Organ\n. O\n",
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["notes.conll", "notes.tsv", "notes.bio", "notes.iob", "notes.txt"])
def test_sentences_become_lines_of_one_document(tmp_path, scheme, name):
    assert read(tmp_path, SCHEMES[scheme], name, read_corpus) == [("notes-0", *NOTE)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("blank", ["", "  ", "\t"])
def test_blank_lines_and_line_ends(tmp_path, line_end, blank):
    text = SCHEMES["IOB2"].replace("\n\n", f"\n{blank}\n{blank}\n").replace("\n", line_end)
    assert read(tmp_path, text) == [("notes-0", *NOTE)]


def test_spans_of_several_tokens_and_sentences(tmp_path):
    text = "left B-X\natrium I-X\nwall B-X\n\natrium I-X\n"
    assert read(tmp_path, text) == [
        ("notes-0", "left atrium wall\natrium", [("left atrium", "X"), ("wall", "X"), ("atrium", "X")])
    ]


def test_documents_and_their_names(tmp_path):
    text = "-DOCSTART- -X- -12- O\n\na O\n\n-DOCSTART-\n\nb B-X\n\nc O\n\n-DOCSTART- -X- -13- O\n\n"
    assert read(tmp_path, text) == [("12", "a", []), ("notes-1", "b\nc", [("b", "X")])]


COLUMNS = "heart NN B-NP B-Organ\nof IN B-PP O\n\nshort\nwall NN\nvalve NN I-NP I-Organ\n"


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        (-1, [("heart", "Organ"), ("wall", "NN"), ("valve", "Organ")]),
        (3, [("heart", "Organ"), ("valve", "Organ")]),
        (2, [("heart", "NP"), ("of", "PP"), ("valve", "NP")]),
    ],
)
def test_the_column_of_the_tag(tmp_path, index, wanted):
    assert [spans for *_, spans in read(tmp_path, COLUMNS, label_index=index)] == [wanted]


def test_lines_too_short_are_skipped(tmp_path):
    assert read(tmp_path, COLUMNS, label_index=3)[0][1] == "heart of\nvalve"
    assert read(tmp_path, COLUMNS, label_index=-4)[0][1] == "heart of\nvalve"


def test_another_delimiter(tmp_path):
    assert read(tmp_path, "New York\tB-Place\nx\tO\n\n\ny\tO\n", delimiter="\t") == [
        ("notes-0", "New York x\ny", [("New York", "Place")])
    ]


def test_code_points(tmp_path):
    assert read(tmp_path, "😀 O\nhígado B-Organ\n") == [("notes-0", "😀 hígado", [("hígado", "Organ")])]


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- -X- O\n\n"])
def test_nothing_to_read(tmp_path, text):
    assert read(tmp_path, text) == []


def test_bytes_that_are_not_utf_8(tmp_path):
    path = tmp_path / "notes.conll"
    path.write_bytes(b"h\xedgado B-X\n")
    with pytest.raises(InputError, match=r"notes\.conll.*UTF-8"):
        list(read_conll(path))
