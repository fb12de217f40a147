"""A corpus in the labels of a head: renaming, rules by the text of a mention, masks, words before a mention."""

import pytest

from clinspan.corpora import Record, Scheme
from clinspan.exceptions import RecipeError
from clinspan.tagging import LabelledSpan

#       0         1         2         3         4
#       0123456789012345678901234567890123456789012345
TEXT = "Her severe breast cancer and a mild Cough; MRI"
CANCER, COUGH, MRI, SEVERE = (
    LabelledSpan(11, 24, "Disease"),
    LabelledSpan(36, 41, "Disease"),
    LabelledSpan(43, 46, "Exam"),
    LabelledSpan(4, 10, "Severity"),
)
RECORD = Record("1", TEXT, (SEVERE, CANCER, COUGH, MRI))


def labels(scheme, record=RECORD):
    return {TEXT[s.start : s.stop]: s.label for s in scheme.renamed(record).spans}


def test_labels_are_renamed_dropped_and_kept():
    scheme = Scheme(label_map={"Exam": "Test", "Severity": ""})
    assert labels(scheme) == {"breast cancer": "Disease", "Cough": "Disease", "MRI": "Test"}


def test_a_star_stands_for_every_label_not_named():
    assert labels(Scheme(label_map={"Exam": "Test", "*": ""})) == {"MRI": "Test"}


def test_rules_go_by_the_text_whatever_its_case():
    by_text = {"Disease": [["cancer|tumou?r", "Oncological"], ["^cough", "Symptom"], "Other"], "*": ""}
    assert labels(Scheme(label_map=by_text)) == {"breast cancer": "Oncological", "Cough": "Symptom"}


def test_the_first_rule_that_fits_names_a_mention_and_a_plain_name_the_rest():
    rules = [["cancer", "Oncological"], ["breast", "Site"], "Other"]
    assert labels(Scheme(label_map={"Disease": rules, "*": ""})) == {"breast cancer": "Oncological", "Cough": "Other"}


def test_two_labels_that_become_one_mark_a_mention_once():
    record = Record("1", TEXT, (CANCER, CANCER._replace(label="Neoplasm")))
    assert Scheme(label_map={"Neoplasm": "Disease"}).renamed(record).spans == (CANCER,)


def test_a_mention_that_no_rule_names_is_dropped():
    assert labels(Scheme(label_map={"Disease": [["cancer", "Oncological"]], "*": ""})) == {
        "breast cancer": "Oncological"
    }


@pytest.mark.parametrize("rule", [["cancer"], ["(cancer", "Oncological"], [1, "Oncological"]])
def test_a_rule_is_a_pattern_and_a_name(rule):
    with pytest.raises(RecipeError, match=r"\[pattern, name\]"):
        Scheme(label_map={"Disease": [rule]})


def test_words_before_a_mention_belong_to_it():
    record = Record("1", TEXT, (LabelledSpan(4, 24, "P"), LabelledSpan(31, 41, "P"), LabelledSpan(36, 41, "P")))
    spans = Scheme(before="an?|her").widened(record).spans
    assert [TEXT[s.start : s.stop] for s in spans] == ["Her severe breast cancer", "a mild Cough", "Cough"]


def test_only_whole_words_before_a_mention_belong_to_it():
    text = "banana cough"
    record = Record("1", text, (LabelledSpan(7, 12, "P"),))
    assert Scheme(before="na|an?").widened(record) == record


def test_only_what_the_corpus_can_tell_is_judged():
    scheme = Scheme(complete=["Disease"], mask=["Severity"])
    found = [
        LabelledSpan(4, 24, "Disease"),  # reaches into what is masked
        CANCER,
        LabelledSpan(43, 46, "Exam"),  # not marked throughout
    ]
    assert scheme.judged(RECORD, found, ["Disease", "Exam"]) == [CANCER]
    assert Scheme().judged(RECORD, found, ["Exam"]) == [MRI]


def test_words_before_are_left_out_of_the_comparison():
    found = [LabelledSpan(0, 24, "P"), LabelledSpan(29, 41, "P"), LabelledSpan(29, 30, "P"), LabelledSpan(43, 46, "P")]
    judged = Scheme(before="an?|her").judged(RECORD, found, ["P"])
    assert [TEXT[s.start : s.stop] for s in judged] == ["severe breast cancer", "mild Cough", "a", "MRI"]


def test_what_follows_a_mention_belongs_to_it():
    text = "HISTORY: none. Plan"
    record = Record("1", text, (LabelledSpan(0, 7, "Header"), LabelledSpan(15, 19, "Header")))
    scheme = Scheme(after=":")
    assert [text[s.start : s.stop] for s in scheme.widened(record).spans] == ["HISTORY:", "Plan"]
    found = [LabelledSpan(0, 8, "Header"), LabelledSpan(15, 19, "Header")]
    assert scheme.judged(record, found, ["Header"]) == list(record.spans)
