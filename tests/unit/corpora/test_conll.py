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


COLUMNS = "heart NN B-NP B-Organ\nof IN B-PP O\n\nvalve NN I-NP I-Organ\n"


@pytest.mark.parametrize(
    ("index", "wanted"),
    [
        (-1, [("heart", "Organ"), ("valve", "Organ")]),
        (3, [("heart", "Organ"), ("valve", "Organ")]),
        (2, [("heart", "NP"), ("of", "PP"), ("valve", "NP")]),
    ],
)
def test_the_column_of_the_tag(tmp_path, index, wanted):
    assert [spans for *_, spans in read(tmp_path, COLUMNS, label_index=index)] == [wanted]


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("kidney", {}),
        ("kidney ", {}),
        ("kidney\t", {}),
        ("\tB-Organ", {}),
        ("\u00a0", {}),
        ("kidney", {"delimiter": "\t"}),
        ("kidney\t", {"delimiter": "\t"}),
        ("kidney NN", {"label_index": 3}),
        ("kidney NN", {"label_index": -4}),
    ],
)
def test_a_line_without_a_token_or_a_tag_is_named_and_not_shown(tmp_path, line, options):
    whole = "\t".join("The DT B-NP O".split()) if "delimiter" in options else "The DT B-NP O"
    with pytest.raises(InputError, match=r"notes\.conll, line 2: ") as caught:
        read(tmp_path, f"{whole}\n{line}\n{whole}\n", **options)
    assert "kidney" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("New York\tB-Place", [("New York", "Place")]),
        ("5\u00a0mg\tB-Dose", [("5\u00a0mg", "Dose")]),
        ("5\u00a0mg NN B-Dose", [("5\u00a0mg", "Dose")]),
        ("\u00a0\tO", []),
        ("\u3000 O", []),
        ("heart \t B-Organ\t", [("heart", "Organ")]),
        ("heart\t\tNN\tB-Organ", [("heart", "Organ")]),
    ],
)
def test_tabs_separate_columns_where_there_are_any_and_no_token_is_cut(tmp_path, line, found):
    ((_, text, spans),) = read(tmp_path, f"a O\n{line}\nb O\n", "notes.tsv")
    token = line.partition("\t" if "\t" in line else " ")[0].strip(" ")
    assert text == f"a {token} b"  # one sentence
    assert spans == found


@pytest.mark.parametrize("first", ["heart B-Organ\n", "-DOCSTART- -X- -12- O\n\nheart B-Organ\n"])
def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path, first):
    (plain,) = read(tmp_path, first)
    assert read(tmp_path, f"\ufeff{first}") == [plain]


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
