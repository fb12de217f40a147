"""SentenceDetectorDL on clinical text, and that its parameters do what they say."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan import open_sentences
from clinspan.annotators.document import DocumentAssembler
from clinspan.annotators.sentence_dl import SentenceDetectorDL
from clinspan.exceptions import UnsupportedModelError
from helpers import check_sentences, documents, ranges, results, texts

MODEL = open_sentences("sentence_detector_dl", language="xx")


def detected(*values, **options):
    return SentenceDetectorDL(model=MODEL, **options).annotate(documents(*values))


@pytest.mark.parametrize(
    "sentences",
    [
        ["The patient was seen by Dr. Smith on Monday.", "She had no fever."],
        ["Se administraron 3.5 mg de haloperidol.", "No refiere dolor."],
        ["Stable.", "Well.", "Afebrile."],
        ["Il paziente è stato dimesso.", "Terapia: ramipril 5 mg."],
        ["De patiënt kreeg ca. 5 mg morfine.", "Hij herstelde goed."],
    ],
)
def test_sentences_in_four_languages(sentences):
    assert results(detected(" ".join(sentences)), "sentence") == [sentences]


def test_missing_spaces_and_line_breaks_of_the_documentation():
    text = "John loves Mary.Mary loves Peter\n Peter loves Helen .Helen loves John;\n Total: four people involved."
    found = results(detected(text), "sentence")[0]
    assert found[:2] == ["John loves Mary.", "Mary loves Peter"]
    assert found[-1].endswith("four people involved.")


@given(st.lists(st.text(alphabet="ab1A.?! \n\r\t-:;,)\u00a0😀", max_size=30), max_size=4))
def test_sentences_are_stripped_slices_and_leave_out_white_space_alone(values):
    for text, found in zip(values, ranges(detected(*values), "sentence"), strict=True):
        check_sentences(text, found)


def test_a_text_has_the_same_sentences_in_company():
    values = ["No fever. No rash.", "", "Seen by Dr. Smith\nStable", "¿Dolor? No."]
    together = ranges(detected(*values), "sentence")
    assert together == [ranges(detected(value), "sentence")[0] for value in values]


def test_no_sentence_ends_after_an_impossible_penultimate():
    text = "The dose was approx. Ten drops."
    assert results(detected(text, threshold=0.0), "sentence")[0][0].endswith("approx.")
    found = detected(text, threshold=0.0, impossible_penultimates=("approx", "was"))
    assert not any(s.endswith("approx.") for s in results(found, "sentence")[0])


def test_bounds_of_the_users_own():
    text = "One; two | three. Four."
    assert results(detected(text, custom_bounds=(r"\|",)), "sentence")[0][0] == "One; two |"
    alone = detected(text, custom_bounds=(";", r"\|"), use_custom_bounds_only=True)
    assert results(alone, "sentence") == [["One;", "two |", "three. Four."]]


def test_elements_of_an_array_are_documents():
    batch = DocumentAssembler().annotate(
        texts(["She is stable. He has no fever.", "Afebrile."], kind=pa.list_(pa.string()))
    )
    found = SentenceDetectorDL(model=MODEL).annotate(batch)
    assert ranges(found, "sentence") == [[(0, 13, "She is stable."), (15, 30, "He has no fever."), (0, 8, "Afebrile.")]]


def test_another_kind_of_model_is_refused():
    with pytest.raises(UnsupportedModelError, match="open_head"):
        open_sentences("en/anatomy")
