"""One-liners: models by reference, results as pandas frames."""

import pandas as pd
import pyarrow as pa
import pytest

from clinspan import nlp
from clinspan.annotators.token_classifier import FusedTokenClassifiers
from clinspan.exceptions import InputError, ModelNotFoundError, TextError
from unit.compat.test_stage import TEXT, chain

COLUMNS = ["entities_anatomy", "entities_anatomy_class", "entities_anatomy_confidence"]


@pytest.mark.parametrize("reference", ["en.med_ner.anatomy", "med_ner.anatomy", "anatomy", "en/anatomy"])
def test_a_reference_is_one_of_our_models(reference):
    found = nlp.load(reference, verbose=True).predict(TEXT)
    assert list(found.columns) == [*COLUMNS, "entities_anatomy_origin_sentence"]
    assert found["entities_anatomy"].tolist() == ["kidney", "liver"]
    assert found["entities_anatomy_origin_sentence"].tolist() == [0, 1]


def test_positions_are_inclusive_and_the_index_is_the_row():
    texts = ["", TEXT]
    for data in (texts, pd.DataFrame({"text": texts}), pa.table({"text": texts})):
        found = nlp.load("en.med_ner.anatomy").predict(data, positions=True)
        assert found.index.tolist() == [1, 1]
        for _, row in found.iterrows():
            assert TEXT[row["entities_anatomy_begin"] : row["entities_anatomy_end"] + 1] == row["entities_anatomy"]


def test_a_row_a_document_has_lists():
    found = nlp.load("anatomy disease").predict([TEXT, ""], output_level="document")
    assert found["document"].tolist() == [TEXT, ""]
    assert found["entities_anatomy"].tolist() == [["kidney", "liver"], []]
    assert found["entities_disease_class"].tolist() == [[], []]


@pytest.mark.parametrize("level", ["chunk", "document"])
def test_texts_without_entities_have_the_columns(level):
    model = nlp.load("anatomy disease")
    wanted = list(model.predict("Asthma of the lung.", positions=True, output_level=level).columns)
    assert list(model.predict("No findings.", positions=True, output_level=level).columns) == wanted
    assert list(model.predict([], positions=True, output_level=level).columns) == wanted


def test_models_of_one_name_have_columns_of_their_own():
    found = nlp.load("en.med_ner.disease es.med_ner.disease").predict(["Asthma.", "Tiene asma."], "document")
    columns = ["entities_disease", "entities_disease_2"]
    assert [name for name in found.columns if name.strip("_2").endswith("disease")] == columns
    assert found["entities_disease"][0] == ["Asthma"]
    assert found["entities_disease_2"][1] == ["asma"]


def test_texts_are_read_once_and_models_on_one_encoder_run_in_one_pass(monkeypatch):
    fused = []
    run = FusedTokenClassifiers.annotate
    monkeypatch.setattr(FusedTokenClassifiers, "annotate", lambda *given: fused.append(1) or run(*given))
    models = nlp.load("en.med_ner.disease en.med_ner.procedure")
    found = models.predict(text for text in ["No asthma.", "Biopsy."])
    assert fused
    assert found.index.tolist() == [0, 1]
    assert found["entities_procedure"].dropna().tolist() == ["Biopsy"]
    with pytest.raises(TextError, match="row 1: a text is wanted, not int"):
        models.predict(["No asthma.", 5])


def test_what_is_not_there_is_said():
    with pytest.raises(ModelNotFoundError, match="anatomie"):
        nlp.load("en.med_ner.anatomie")
    with pytest.raises(ModelNotFoundError, match=r"^No model 'en\.med_ner\.jsl'\. (?!.*embeddings)"):
        nlp.load("en.med_ner.jsl")
    with pytest.raises(InputError, match="Name at least one model"):
        nlp.load()
    with pytest.raises(InputError, match="chunk or document"):
        nlp.load("anatomy").predict(TEXT, output_level="relation")
    with pytest.raises(InputError, match="'ner' is"):
        nlp.load("anatomy").viz(TEXT, viz_type="dep")


def test_entities_are_shown():
    html = nlp.load("anatomy").viz(TEXT)
    assert ">liver <b" in html
    assert "<mark" not in nlp.load("anatomy").viz(TEXT, labels_to_viz=["Cell"])
    assert nlp.load("anatomy").viz(TEXT, labels_to_viz=["organ"]) == html
    assert nlp.load("anatomy").viz(TEXT, viz_colors={"Organ": "#123456"}).count("border:1px solid #123456") == 2


def test_a_pipeline_as_a_pretty_frame():
    model = nlp.Pipeline(stages=chain()).fit()
    found = nlp.to_pretty_df(model, ["", TEXT])
    assert found[["chunk", "label"]].to_numpy().tolist() == [["kidney", "Organ"], ["liver", "Organ"]]
    assert found.index.tolist() == [1, 1]
    assert list(nlp.to_pretty_df(model, TEXT, positions=False).columns) == ["chunk", "label", "confidence"]
    assert list(nlp.to_pretty_df(model, "").columns) == list(found.columns)
    with pytest.raises(InputError, match="'chunk'"):
        nlp.to_pretty_df(model, TEXT, output_level="token")


def test_the_namespace_hands_on_what_it_has():
    assert nlp.viz.NerVisualizer().get_label_color("x") is None
    with pytest.raises(AttributeError, match="no 'Nothing'"):
        _ = nlp.Nothing
