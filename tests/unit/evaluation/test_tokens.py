"""The token-level table: its arithmetic and its exact form are those of seed 002."""

import numpy as np

from clinspan.evaluation.tokens import TokenTable, macro_average, micro_average, tag_counts

SEED = """\
       label  precision    recall  f1-score   support
   B-PROBLEM       0.82      0.84      0.83      1346
      B-TEST       0.81      0.77      0.79       635
 B-TREATMENT       0.74      0.82      0.78       631
   I-PROBLEM       0.82      0.84      0.83      1349
      I-TEST       0.64      0.68      0.66       224
 I-TREATMENT       0.67      0.60      0.63       485
           O       0.94      0.92      0.93      6127
    accuracy        -         -        0.87     10797
   macro-avg       0.78      0.78      0.78     10797
weighted-avg       0.87      0.87      0.87     10797"""


def counts_behind(line: str) -> tuple[str, tuple[int, int, int]]:
    """Return counts that round to a printed line: right from recall, predicted from precision."""
    tag, precision, recall, _, support = line.split()
    right = round(float(recall) * int(support))
    return tag, (right, round(right / float(precision)), int(support))


def test_the_table_of_seed_002_comes_out_of_its_counts() -> None:
    table = TokenTable.from_counts(dict(map(counts_behind, SEED.splitlines()[1:8])))
    assert str(table) == SEED


def test_averages_include_the_outside_tag() -> None:
    table = TokenTable.from_counts({"O": (9, 10, 9), "B-X": (0, 0, 1)})
    assert table.macro.recall == 0.5
    assert table.weighted.recall == 0.9
    assert table.accuracy == 0.9


def test_counts_come_from_tag_sequences() -> None:
    gold, predicted = np.array([0, 1, 2, 0]), np.array([0, 1, 0, 0])
    table = TokenTable.from_tags(gold, predicted, ["O", "B-X", "I-X"])
    assert table.by_tag["B-X"] == (1.0, 1.0, 1.0, 1)
    assert table.by_tag["I-X"].recall == 0.0
    assert round(table.by_tag["O"].precision, 3) == 0.667
    assert table.accuracy == 0.75


def test_nothing_gives_an_empty_table() -> None:
    assert TokenTable.from_counts({}).accuracy == 0.0


def test_averages_of_nerdl_are_over_precision_and_recall() -> None:
    """A: 1 of 2 predicted and of 1 gold is right; B: 1 of 1 predicted, of 4 gold."""
    counts = {"A": (1, 2, 1), "B": (1, 1, 4)}
    macro = macro_average(counts)
    assert macro[:2] == ((1 / 2 + 1) / 2, (1 + 1 / 4) / 2)
    assert round(macro.f1, 12) == round(2 * 0.75 * 0.625 / (0.75 + 0.625), 12)  # not the mean of 2/3 and 2/5
    assert micro_average(counts)[:2] == (2 / 3, 2 / 5)
    assert macro_average({})[:3] == micro_average({})[:3] == (0, 0, 0)


def test_one_label_for_another_counts_against_both() -> None:
    assert tag_counts(np.array([1, 0]), np.array([2, 0]), ["O", "A", "B", "C"]) == {
        "O": [1, 1, 1],
        "A": [0, 0, 1],
        "B": [0, 1, 0],
    }
