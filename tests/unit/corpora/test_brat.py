import pytest

from clinspan.corpora import Record, read_brat, read_corpus
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan


@pytest.fixture
def folder(tmp_path):
    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_ann", ".ann").replace("_txt", ".txt")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
        return tmp_path

    return write


def spans(record):
    return [(record.text[s.start : s.stop], s.label) for s in record.spans]


def test_pairs_are_read_in_name_order_with_sorted_spans(folder):
    path = folder(
        b_txt="😀 left atrium",
        b_ann="T2\tOrgan 7 13\tatrium\nT1\tPart 2 6\tleft\n",
        a_txt="No spans.",
        c__d_txt="wall",
        c__d_ann="",
    )
    found = list(read_corpus(path))
    assert [record.id for record in found] == ["a", "b", "c/d"]
    assert found[0] == Record("a", "No spans.", ())
    assert spans(found[1]) == [("left", "Part"), ("atrium", "Organ")]
    assert spans(found[2]) == []


def test_only_text_bound_annotations_count(folder):
    lines = [
        "T1\tDrug 0 7\taspirin",
        "R1\tTreats Arg1:T1 Arg2:T1",
        "A1\tNegated T1",
        "#1\tAnnotatorNotes T1\tTest",
        "E1\tX:T1",
        "",
    ]
    (record,) = read_brat(folder(a_txt="aspirin", a_ann="\n".join(lines)))
    assert spans(record) == [("aspirin", "Drug")]


def test_discontinuous_annotations_reach_from_first_to_last(folder):
    (record,) = read_brat(folder(a_txt="left and right lung", a_ann="T1\tOrgan 0 4;15 19\tleft lung\n"))
    assert record.spans == (LabelledSpan(0, 19, "Organ"),)


def test_a_byte_order_mark_costs_no_annotation(folder):
    (record,) = read_brat(folder(a_txt="aspirin", a_ann="\ufeffT1\tDrug 0 7\taspirin\n"))
    assert spans(record) == [("aspirin", "Drug")]


def test_line_ends_of_the_text_are_kept(folder):
    (record,) = read_brat(folder(a_txt="no\r\npain", a_ann="T1\tSymptom 4 8\tpain\r\n"))
    assert spans(record) == [("pain", "Symptom")]


@pytest.mark.parametrize("separator", ["\u2028", "\u0085", "\x0c"])
def test_other_line_separators_end_no_annotation(folder, separator):
    text = f"a{separator}T b"
    (record,) = read_brat(folder(a_txt=text, a_ann=f"T1\tX 0 5\t{text}\nT2\tY 4 5\tb\n"))
    assert spans(record) == [(text, "X"), ("b", "Y")]


@pytest.mark.parametrize("line", ["T1", "T1\tDrug", "T1\tDrug x y\ta", "T1\tDrug 0\ta", "T1\tDrug 0 99\ta"])
def test_a_bad_line_is_named(folder, line):
    with pytest.raises(InputError, match=r"a.ann, line 2: |Record 'a'"):
        list(read_brat(folder(a_txt="aspirin", a_ann=f"T0\tDrug 0 7\taspirin\n{line}\n")))


@pytest.mark.parametrize("broken", ["a.txt", "a.ann"])
def test_bytes_that_are_not_utf_8(tmp_path, broken):
    for name in ("a.txt", "a.ann"):
        (tmp_path / name).write_bytes(b"T1\tX 0 1\th\xedgado" if name == broken else b"")
    with pytest.raises(InputError, match=rf"{broken}.*UTF-8"):
        list(read_brat(tmp_path))
