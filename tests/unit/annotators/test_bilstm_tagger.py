"""Word embeddings and the BiLSTM tagger: ner_clinical as seed 003 runs it."""

import re

import numpy as np
import pyarrow as pa
import pytest

import clinspan
from chains import to_embeddings
from clinspan import BiLstmTagger, NerConverter, WordEmbeddings, open_bilstm, open_head, open_vectors
from clinspan.exceptions import InputError, MissingInputError, UnsupportedModelError
from clinspan.schema import WORD_EMBEDDINGS, Annotations, annotation_column, with_annotations
from helpers import metadata, results, rows

TEXT = "Started metformin for type 2 diabetes. Qzxv denied chest pain."


def annotated(stages, *texts):
    batch = pa.RecordBatch.from_arrays([pa.array(texts, pa.string())], names=["text"])
    for stage in stages:
        batch = stage.annotate(batch)
    return batch


@pytest.fixture(scope="module")
def tagger():
    return BiLstmTagger(model=open_bilstm("ner_clinical"))


@pytest.fixture(scope="module")
def embedded():
    return annotated(to_embeddings(), TEXT, None, "", "Denies fever.")


def test_a_vector_and_the_metadata_of_spark_nlp_for_every_token(embedded):
    first = rows(embedded, "embeddings")[0]
    assert [a["result"] for a in first] == results(embedded, "token")[0]
    assert {len(a["embeddings"]) for a in first} == {200}
    assert first[1]["metadata"] == {
        "sentence": "0",
        "token": "metformin",
        "pieceId": "-1",
        "isWordStart": "true",
        "isOOV": "false",
    }
    assert any(first[1]["embeddings"])


def test_an_unknown_word_has_a_vector_of_zeros(embedded):
    unknown = rows(embedded, "embeddings")[0][results(embedded, "token")[0].index("Qzxv")]
    assert unknown["metadata"]["isOOV"] == "true"
    assert not any(unknown["embeddings"])


def test_one_tag_a_token(tagger, embedded):
    batch = tagger.annotate(embedded)
    assert metadata(batch, "ner", "word") == results(batch, "token")
    assert [len(row) for row in rows(batch, "ner")] == [len(row) for row in rows(batch, "token")]
    assert {tag for row in results(batch, "ner") for tag in row} <= set(tagger.classes)
    assert set(tagger.classes) == {"O", *(f"{p}-{label}" for p in "BI" for label in ("PROBLEM", "TEST", "TREATMENT"))}


def test_scores_have_four_decimals_and_are_one_together(embedded):
    tagger = BiLstmTagger(model=open_bilstm("ner_clinical"), include_all_confidence_scores=True)
    for token in rows(tagger.annotate(embedded), "ner")[0]:
        scores = {tag: token["metadata"][tag] for tag in tagger.classes}
        assert all(re.fullmatch(r"\d\.\d{1,4}(E-\d+)?|\de-0\d", score) for score in scores.values()), scores
        assert sum(map(float, scores.values())) == pytest.approx(1, abs=5e-4)
        assert token["metadata"]["confidence"] == scores[token["result"]]


def test_scores_are_left_out_on_request(embedded):
    tagger = BiLstmTagger(model=open_bilstm("ner_clinical"), include_confidence=False)
    assert set(rows(tagger.annotate(embedded), "ner")[0][0]["metadata"]) == {"word", "sentence"}


def test_the_text_of_seed_003_s_kind_gives_chunks(tagger, embedded):
    batch = NerConverter().annotate(tagger.annotate(embedded))
    found = {(c["result"], c["metadata"]["entity"]) for row in rows(batch, "ner_chunk") for c in row}
    assert {("metformin", "TREATMENT"), ("type 2 diabetes", "PROBLEM"), ("chest pain", "PROBLEM")} <= found


def test_a_sentence_has_the_same_tags_and_scores_in_any_company(tagger):
    texts = [TEXT, "Denies fever.", "", "No edema. No rash.", "X-ray of the chest"]
    stages = [*to_embeddings(), tagger]
    together = rows(annotated(stages, *texts), "ner")
    assert together == [rows(annotated(stages, text), "ner")[0] for text in texts]


def test_both_names_load_and_agree_with_the_stages(tagger, embedded):
    batch = NerConverter().annotate(tagger.annotate(embedded))
    expected = [[(c["begin"], c["end"] + 1, c["metadata"]["entity"]) for c in row] for row in rows(batch, "ner_chunk")]
    for name in ("ner_clinical", "en/clinical_bilstm"):
        found = clinspan.load(name).pipe([TEXT, "", "", "Denies fever."])
        assert [[(e.start, e.end, e.label) for e in document.entities] for document in found] == expected


def test_a_bilstm_and_a_transformer_work_side_by_side():
    ner = clinspan.load("ner_clinical", "en/anatomy")
    found = ner("Biopsy of the left kidney for suspected cancer.").entities
    assert {e.model for e in found} == {"en/clinical_bilstm", "en/anatomy"}


def test_embeddings_of_other_tokens_are_refused(tagger, embedded):
    with pytest.raises(MissingInputError, match="needs column 'embeddings'"):
        tagger.annotate(embedded.drop_columns(["embeddings"]))
    tokens = Annotations.from_column(embedded.column("token"))
    for shift, width, message in ((1, 200, "not those of the tokens"), (0, 50, "vectors of 200 numbers")):
        vectors = np.zeros((len(tokens), width), np.float32)
        column = annotation_column(
            WORD_EMBEDDINGS, tokens.row_starts, tokens.starts + shift, tokens.stops, tokens.results, {}, vectors
        )
        with pytest.raises(InputError, match=message):
            tagger.annotate(with_annotations(embedded, "embeddings", WORD_EMBEDDINGS, column))


def test_other_word_vectors_of_the_same_size_are_refused(tagger, embedded):
    column, kind = embedded.column("embeddings"), WORD_EMBEDDINGS
    other = with_annotations(embedded, "embeddings", kind, column, "en/others@0123")
    with pytest.raises(InputError, match=r"those of en/others@0123, .* trained with en/embeddings@"):
        tagger.annotate(other)
    unknown = with_annotations(embedded, "embeddings", kind, column)  # as a frame that keeps no metadata has it
    assert rows(tagger.annotate(unknown), "ner") == rows(tagger.annotate(embedded), "ner")


@pytest.mark.parametrize(
    ("opener", "name", "right"),
    [(open_head, "embeddings_clinical", "open_vectors"), (open_bilstm, "en/anatomy", "open_head")],
    ids=["vectors as a head", "a head as a tagger"],
)
def test_a_model_of_another_kind_is_refused_with_the_way_to_open_it(opener, name, right):
    with pytest.raises(UnsupportedModelError, match=right):
        opener(name)


def test_word_vectors_find_no_entities():
    with pytest.raises(UnsupportedModelError, match="finds no entities"):
        clinspan.load("embeddings_clinical")


def test_stages_are_values():
    assert WordEmbeddings(model=open_vectors("embeddings_clinical")) == to_embeddings()[-1]


def test_labels_may_be_written_in_another_case():
    model = open_bilstm("ner_clinical")
    assert BiLstmTagger(model=model, label_casing="lower").classes == [
        tag[:2] + tag[2:].lower() if tag != "O" else tag for tag in model.head.tags
    ]
    assert BiLstmTagger(model=model).classes == list(model.head.tags)
    with pytest.raises(ValueError, match="label_casing is 'title'; possible values"):
        BiLstmTagger(model=model, label_casing="title")
