import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import load_cases
from clinspan.annotators.ner_converter import NerConverter, NerConverterInternal
from clinspan.annotators.sentence import SentenceDetector
from clinspan.annotators.token import Tokenizer
from clinspan.exceptions import InputError, MissingInputError
from clinspan.schema import ANNOTATIONS, CHUNK, DOCUMENT, NAMED_ENTITY, annotation_kind, row_mask, with_annotations
from helpers import annotations, chunk_values, chunks, documents, ranges, results, stacked, tagged

UNITS = "0:7:0.9:B-Drug\t7:8:0.8:O\t8:15:0.7:O"  # of cocaine-induced


def noted(case):
    """The note of a case: words w0 w1 ... in sentences, each with its tag."""
    words = iter(range(99))
    sentences = [[(f"w{next(words)}", tag) for tag in tags] for tags in case["tags"]]
    return tagged(" ".join(word for sentence in sentences for word, _ in sentence), *sentences)


def wanted_chunks(batch, spans):
    text = batch.column("text")[0].as_py()
    words = ranges(batch, "token")[0]
    edges = [(words[first][0], words[stop - 1][1], entity) for first, stop, entity in spans]
    return [[(begin, end, text[begin : end + 1], entity) for begin, end, entity in edges]]


@pytest.mark.parametrize("case", load_cases("ner_converter.jsonl"))
@pytest.mark.parametrize("stage", [NerConverter, NerConverterInternal])
@pytest.mark.parametrize("mode", ["strict", "default"])
def test_merging(case, stage, mode):
    batch = noted(case)
    found = chunks(batch, stage, strict=mode == "strict", ner_has_no_schema=case.get("no_schema", False))
    assert found == wanted_chunks(batch, case.get(mode, case["strict"]))


def test_the_column_is_one_of_chunks():
    found = NerConverter().annotate(tagged("pain", [("pain", "B-X", {"confidence": "0.5"})]))
    field = found.schema.field("ner_chunk")
    assert (field.type, annotation_kind(field)) == (ANNOTATIONS, CHUNK)
    wanted = {"entity": "X", "sentence": "0", "chunk": "0", "confidence": "0.5"}
    assert found.column("ner_chunk").to_pylist(maps_as_pydicts="strict")[0][0]["metadata"] == wanted


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("text", "words", "wanted"),
    [
        ("HISTORY: 30-year-old", ["HISTORY", ":"], (0, 7, "HISTORY:")),
        ("of his\ncancer now", ["his", "cancer"], (3, 12, "his\ncancer")),
        ("left  atrium", ["left", "atrium"], (0, 11, "left  atrium")),
        ("😀 dolor ñ", ["dolor", "ñ"], (2, 8, "dolor ñ")),
    ],
)
def test_results_are_slices_of_the_text(strict, text, words, wanted):
    tags = ["B-X", *["I-X"] * (len(words) - 1)]
    batch = tagged(text, list(zip(words, tags, strict=True)))
    assert chunks(batch, strict=strict) == [[(*wanted, "X")]]


def test_the_sentence_of_the_second_notebook():
    batch = Tokenizer().annotate(documents("HISTORY: 30-year-old female"))
    assert ranges(batch, "token")[0][:3] == [(0, 6, "HISTORY"), (7, 7, ":"), (9, 19, "30-year-old")]
    tags = [(0, 7, "B-Section", {}), (7, 8, "I-Section", {}), (9, 20, "B-Age", {}), (21, 27, "O", {})]
    batch = with_annotations(batch, "ner", NAMED_ENTITY, annotations(NAMED_ENTITY, tags))
    found = chunks(batch, input_cols=("ner", "token", "document"), strict=True)
    assert found == [[(0, 7, "HISTORY:", "Section"), (9, 19, "30-year-old", "Age")]]


def test_slices_count_from_the_sentence():
    batch = tagged(
        "No rash. Left atrium.", [("No", "O"), ("rash", "B-S"), (".", "O")], [("Left", "B-X"), ("atrium", "I-X")]
    )
    assert chunks(batch) == [[(3, 6, "rash", "S"), (9, 19, "Left atrium", "X")]]
    assert chunk_values(batch, "sentence") == [["0", "1"]]


@pytest.mark.parametrize(
    ("strict", "wanted"), [(False, "left atrium wall"), (True, "left")], ids=["joined", "strict: the first token"]
)
def test_without_preserved_position(strict, wanted):
    batch = tagged("the left  atrium\nwall", [("the", "O"), ("left", "B-X"), ("atrium", "I-X"), ("wall", "I-X")])
    found = chunks(batch, preserve_position=False, strict=strict)
    assert found == [[(4, 20, wanted, "X")]]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([{"confidence": "0.5"}, {"confidence": "1.0"}], "0.75"),
        ([{"confidence": "1.0"}, {"confidence": "2.5E-1"}], "0.625"),
        ([{"B-X": "0.5", "I-X": "0.1"}, {"B-X": "0.2", "I-X": "0.25"}], "0.375"),
        ([{"confidence": "0.5", "B-X": "0.9"}, {"I-X": "1.0"}], "0.75"),
        ([{"confidence": "0.5"}, {}], None),
        ([{"confidence": "0.5"}, {"confidence": "high"}], None),
        ([{"confidence": "0.5"}, {"B-X": "0.5"}], None),
    ],
)
def test_confidence_is_the_mean_of_each_token_s_own_tag(scores, wanted, strict):
    batch = tagged("left atrium now", [("left", "B-X", scores[0]), ("atrium", "I-X", scores[1]), ("now", "O")])
    assert chunk_values(batch, "confidence", strict=strict) == [[wanted]]


def test_white_list_and_running_index():
    first = tagged("a b c", [("a", "B-X"), ("b", "B-Y"), ("c", "B-X")])
    both = stacked(first, tagged("d e", [("d", "B-Y")], [("e", "B-X")]))
    assert chunk_values(both, "chunk") == [["0", "1", "2"], ["0", "1"]]
    assert results(NerConverter(white_list=("X",)).annotate(both), "ner_chunk") == [["a", "c"], ["e"]]
    assert chunk_values(both, "chunk", white_list=("X",)) == [["0", "1"], ["0"]]
    assert chunks(both, white_list=["x", "B-X"]) == [[], []]


def test_sentences_without_tokens_are_not_counted_in_strict_mode():
    batch = tagged("a b", [("a", "B-X")], [], [("b", "B-X")])
    assert chunk_values(batch, "sentence") == [["0", "2"]]
    assert chunk_values(batch, "sentence", strict=True) == [["0", "1"]]


def test_documents_serve_as_sentences():
    tokens = Tokenizer(input_cols="sentence").annotate(SentenceDetector().annotate(documents("Left. Atrium.", "Wall.")))
    given = [[(a, b + 1, "I-X", {"sentence": "0"}) for a, b, _ in row] for row in ranges(tokens, "token")]
    batch = with_annotations(tokens, "ner", NAMED_ENTITY, annotations(NAMED_ENTITY, *given))
    by_document = chunks(batch, input_cols=("document", "token", "ner"), white_list=("X",))
    assert by_document == [[(0, 12, "Left. Atrium.", "X")], [(0, 4, "Wall.", "X")]]


def test_tags_outside_their_sentence_are_refused():
    batch = tagged("left atrium", [("left", "O"), ("atrium", "B-X")])
    short = annotations(DOCUMENT, [(0, 4, "left", {"sentence": "0"})])
    with pytest.raises(InputError, match="requirement failed: tags lie outside every sentence"):
        NerConverter().annotate(with_annotations(batch, "sentence", DOCUMENT, short))


def test_units_give_exact_edges_and_strict_mode_those_of_tokens():
    details = {"units": UNITS, "confidence": "0.9"}
    batch = tagged(
        "cocaine-induced rage", [("cocaine-induced", "B-Drug", details), ("rage", "O", {"confidence": "0.6"})]
    )
    assert chunks(batch) == [[(0, 6, "cocaine", "Drug")]]
    assert chunk_values(batch, "confidence") == [["0.9"]]
    assert chunks(batch, strict=True) == [[(0, 14, "cocaine-induced", "Drug")]]
    assert chunks(batch, preserve_position=False) == [[(0, 6, "cocaine-induced", "Drug")]]


def test_units_join_neighbouring_tokens_and_part_within_one():
    left = {"units": "2:6:0.5:O\t6:7:1.0:O\t7:10:0.75:B-X", "confidence": "0.75"}
    right = {"units": "11:14:0.25:I-X\t14:15:1.0:B-Y\t15:16:0.5:I-Y", "confidence": "0.25"}
    text = "a post-CVA leg+1 z"
    batch = tagged(
        text, [("a", "O"), ("post-CVA", "B-X", left), ("leg+1", "I-X", right), ("z", "I-Y", {"confidence": "1.0"})]
    )
    assert chunks(batch) == [[(7, 13, "CVA leg", "X"), (14, 17, "+1 z", "Y")]]
    assert chunk_values(batch, "confidence") == [["0.5", "0.8333333"]]
    assert chunks(batch, strict=True) == [[(2, 17, "post-CVA leg+1 z", "X")]]


def test_units_of_labels_with_spaces_and_colons():
    details = {"units": "0:4:0.5:O\t4:5:1.0:O\t5:8:0.75:B-Body Part: head"}
    batch = tagged("post-CVA", [("post-CVA", "B-Body Part: head", details)])
    assert chunks(batch) == [[(5, 7, "CVA", "Body Part: head")]]


def test_units_stand_for_themselves_without_tokens():
    batch = tagged("dell'aspirina", [("dell", "O"), ("'", "O"), ("aspirina", "B-Drug", {"confidence": "0.5"})])
    assert chunks(batch, input_cols=("ner", "sentence")) == [[(5, 12, "aspirina", "Drug")]]
    with pytest.raises(MissingInputError, match=r"NerConverter \(strict\) needs a column of type 'token'"):
        NerConverter(input_cols=("sentence", "ner"), strict=True).annotate(batch)


def test_nothing_to_convert():
    assert chunks(tagged("", [])) == [[]]
    assert chunks(tagged("", []), strict=True) == [[]]
    assert chunks(tagged("a", [("a", None)]).slice(0, 0)) == []


@given(
    st.lists(st.lists(st.sampled_from(["O", "B-X", "I-X", "I-Y", "PAD", None]), max_size=5), max_size=4), st.booleans()
)
def test_chunks_are_slices_within_one_sentence(tags, strict):
    batch = noted({"tags": tags})
    text, sentences = batch.column("text")[0].as_py(), ranges(batch, "sentence")[0]
    found = chunks(batch, strict=strict)[0]
    assert all(result == text[begin : end + 1] for begin, end, result, _ in found)
    owners = [[i for i, (a, b, _) in enumerate(sentences) if a <= begin <= end <= b] for begin, end, *_ in found]
    assert all(len(owner) == 1 for owner in owners)


def test_null_rows_count_as_empty():
    batch = stacked(tagged("a b", [("a", "B-X"), ("b", "O")]), tagged("c", [("c", "B-X")]))
    holed = row_mask(batch.column("ner"), np.array([False, True]))
    assert chunks(with_annotations(batch, "ner", NAMED_ENTITY, holed)) == [[], [(0, 0, "c", "X")]]
