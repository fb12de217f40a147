"""Scores as tables for people and as JSON for programs."""

from __future__ import annotations

from typing import Any, NamedTuple

from rich.table import Table

from clinspan.evaluation.entity import MICRO, MODES, EntityScores, Score
from clinspan.evaluation.run import Evaluation


def entity_table(scores: EntityScores, mode: str = "strict") -> Table:
    """Return precision, recall and F1 with its 95 % interval for each label."""
    table = Table(title=f"{mode} entity scores, {scores.documents} documents", title_justify="left")
    table.add_column("label")
    for name in ("precision", "recall", "F1", "95 % interval", "support"):
        table.add_column(name, justify="right")
    for label, score in scores[mode].items():
        row = (
            f"{score.precision:.3f}",
            f"{score.recall:.3f}",
            f"{score.f1:.3f}",
            _interval(score),
            str(score.support),
        )
        table.add_row(label, *row, style="bold" if label == MICRO else "")
    return table


def summary_table(scores: EntityScores) -> Table:
    """Return the micro averages of all modes."""
    table = Table(title="micro averages", title_justify="left")
    for name in ("measure", "precision", "recall", "F1", "95 % interval"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for mode in MODES:
        score = scores[mode][MICRO]
        values = (f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f1:.4f}", _interval(score))
        table.add_row(mode, *values)
    return table


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return all scores as plain data, rounded to four decimals."""
    entities = {mode: {label: rounded(score) for label, score in evaluation.entities[mode].items()} for mode in MODES}
    tokens = {tag: rounded(score) for tag, score in evaluation.tokens.by_tag.items()}
    return {
        "documents": evaluation.documents,
        "entities": entities,
        "tokens": {
            "by_tag": tokens,
            "accuracy": round(evaluation.tokens.accuracy, 4),
            "macro": rounded(evaluation.tokens.macro),
            "weighted": rounded(evaluation.tokens.weighted),
        },
    }


def _interval(score: Score) -> str:
    return "–" if score.low is None else f"{score.low:.3f}–{score.high:.3f}"


def rounded(score: NamedTuple) -> dict[str, Any]:
    """Return a score as plain data, rounded to four decimals."""
    values = score._asdict().items()
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values}
