"""Scores as tables and as plain data."""

import json

import pytest
from rich.console import Console

from clinspan.evaluation.entity import MICRO, EntityScores, score_entities
from clinspan.evaluation.report import entity_table, rounded, summary_table
from clinspan.tagging import LabelledSpan

DOCUMENT = [LabelledSpan(0, 4, "X")]


def scores(documents: int) -> EntityScores:
    return score_entities([DOCUMENT] * documents, [DOCUMENT] * documents)


@pytest.mark.parametrize(("documents", "interval"), [(10, "1.000–1.000"), (9, "–")])
@pytest.mark.parametrize("table", [entity_table, summary_table])
def test_an_interval_is_shown_if_there_is_one(table, documents: int, interval: str) -> None:
    console = Console(width=100)
    with console.capture() as printed:
        console.print(table(scores(documents)))
    rows = [line for line in printed.get().splitlines() if "1.000" in line]
    assert rows
    assert all(f" {interval} " in row for row in rows)


def test_an_interval_that_there_is_not_is_null() -> None:
    score = rounded(scores(1)["strict"][MICRO])
    assert json.loads(json.dumps(score)) == {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
        "low": None,
        "high": None,
        "support": 1,
    }
