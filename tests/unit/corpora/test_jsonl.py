import gzip
import json

import pytest

from clinspan.corpora import Record, read_corpus, read_jsonl
from clinspan.corpora.jsonl import Reading, to_json
from clinspan.exceptions import InputError
from clinspan.tagging import LabelledSpan

ROW = {
    "id": "note-1",
    "text": "😀 Dolor en el hígado.",
    "entities": [{"start": 14, "end": 20, "label": "Organ"}, {"start": 2, "end": 7, "label": "Symptom"}],
    "source": "made up",
}
RECORD = Record("note-1", ROW["text"], (LabelledSpan(2, 7, "Symptom"), LabelledSpan(14, 20, "Organ")), "made up")


def written(tmp_path, text, name="notes.jsonl"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("name", ["notes.jsonl", "notes.jsonl.gz"])
@pytest.mark.parametrize("reader", [read_jsonl, read_corpus])
def test_records_are_read_with_sorted_spans_in_code_points(tmp_path, name, ascii_only, reader):
    line = json.dumps(ROW, ensure_ascii=ascii_only)
    found = list(reader(written(tmp_path, f"{line}\n\n{line}\n", name)))
    assert found == [RECORD, RECORD]
    assert [found[0].text[s.start : s.stop] for s in found[0].spans] == ["Dolor", "hígado"]


def test_records_are_written_as_they_are_read(tmp_path):
    line = json.dumps(to_json(RECORD))
    assert list(read_jsonl(written(tmp_path, line))) == [RECORD]


@pytest.mark.parametrize(
    ("reading", "wanted"),
    [
        (Reading(), ["Test", "Test"]),
        (Reading(qualifier="sub"), ["Test:LAB", "Test"]),
        (Reading(min_coverage=0.6), ["Test?", "Test"]),
        (Reading(qualifier="sub", min_coverage=0.6), ["Test:LAB?", "Test"]),
    ],
)
def test_labels_show_further_entries_where_asked(tmp_path, reading, wanted):
    first = {"start": 0, "end": 2, "label": "Test", "sub": "LAB", "coverage": 0.5}
    row = {"text": "Hb 12", "entities": [first, {"start": 3, "end": 5, "label": "Test", "coverage": 0.6}]}
    (record,) = read_corpus(written(tmp_path, json.dumps(row)), reading)
    assert [span.label for span in record.spans] == wanted


def test_line_separators_inside_a_text_end_no_line(tmp_path):
    row = {"id": 7, "text": "a\u2028b\u0085c", "entities": []}
    assert list(read_jsonl(written(tmp_path, json.dumps(row, ensure_ascii=False)))) == [Record("7", row["text"], ())]


def test_id_and_source_may_be_absent(tmp_path):
    (record,) = read_jsonl(written(tmp_path, '{"text": "a", "entities": []}'))
    assert (record.id, record.source) == ("notes.jsonl, line 1", "")


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "7",
        '{"text": "a"}',
        '{"entities": []}',
        '{"text": "a", "entities": [{"start": 0, "end": 1}]}',
        '{"text": "a", "entities": [{"start": "0", "end": "1", "label": "X"}]}',
        '{"text": "a", "entities": [{"start": 0.0, "end": 1.0, "label": "X"}]}',
        '{"text": "a", "entities": [{"start": false, "end": true, "label": "X"}]}',
        '{"text": "a", "entities": [{"start": 0, "end": 1, "label": null}]}',
        '{"text": "a", "entities": ["X"]}',
        '{"text": "a", "entities": [{"start": 0, "end": 2, "label": "X"}]}',
        '{"text": "a", "entities": [{"start": 1, "end": 1, "label": "X"}]}',
        '{"text": "a", "entities": [{"start": -1, "end": 1, "label": "X"}]}',
        '{"text": null, "entities": []}',
        '{"text": "a\\ud83d", "entities": []}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:70],
)
def test_a_line_that_is_no_record_is_named_and_not_shown(tmp_path, line):
    path = written(tmp_path, '{"text": "a", "entities": []}\n' + line)
    with pytest.raises(InputError, match=r"notes\.jsonl, line 2: ") as caught:
        list(read_jsonl(path))
    assert line not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    assert list(read_jsonl(written(tmp_path, "\ufeff" + json.dumps(ROW)))) == [RECORD]


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-20], lambda _: b'{"text": "a"}', lambda w: w[:40] + b"x" + w[41:]]
)
def test_a_damaged_gzip_file_is_named(tmp_path, damage):
    path = written(tmp_path, json.dumps(ROW), "notes.jsonl.gz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=r"notes\.jsonl\.gz is damaged"):
        list(read_jsonl(path))


@pytest.mark.parametrize("name", ["notes.jsonl", "notes.jsonl.gz", "notes.conll", "folder"])
def test_a_corpus_without_records_is_an_error(tmp_path, name):
    (tmp_path / "folder").mkdir()
    if name != "folder":
        written(tmp_path, "\n", name)
    with pytest.raises(InputError, match=f"No records in .*{name}"):
        list(read_corpus(tmp_path / name))


def test_bytes_that_are_not_utf_8(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b'{"text": "h\xedgado", "entities": []}\n')
    with pytest.raises(InputError, match=r"notes\.jsonl.*UTF-8"):
        list(read_jsonl(path))


@pytest.mark.parametrize(("name", "message"), [("none.jsonl", "No corpus at"), ("notes.xml", "is no corpus")])
def test_read_corpus_names_what_it_cannot_read(tmp_path, name, message):
    written(tmp_path, "<a/>", "notes.xml")
    with pytest.raises(InputError, match=message):
        read_corpus(tmp_path / name)


def test_a_span_outside_its_text_is_refused():
    with pytest.raises(InputError, match="the span 3-9 lies outside its text"):
        Record("x", "abc", (LabelledSpan(3, 9, "X"),))
