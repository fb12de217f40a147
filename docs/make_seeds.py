"""Write docs/seeds.md, the examples of the model cards beside what clinspan gives: `python docs/make_seeds.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clinspan
from clinspan.document import Document
from clinspan.examples import EXAMPLES

ROOT = Path(__file__).parents[1]
CASES = ROOT / "tests" / "cases" / "seeds.jsonl"
PAGE = ROOT / "docs" / "seeds.md"
TITLES = {
    "000": "Anatomy",
    "001": "Slim",
    "002": "Problems, tests and treatments in Dutch",
    "004": "Medication",
    "004-es": "Medication in Spanish",
}
INTRODUCTION = """# The examples of the model cards

The model cards of Spark NLP / Healthcare NLP (John Snow Labs), and the announcement, that clinspan's model names come
from print tables for example texts. Below is every row: whether it is right, and what clinspan finds at the same
place. Where a row is called wrong, the example's own text or table contradicts it, and agreeing with it would be an
error. `clinspan demo` prints everything that is found in these texts.

This page is written by `python docs/make_seeds.py`, its judgements lie in `tests/cases/seeds.jsonl`, and
`tests/docs/test_seeds.py` holds clinspan to them.
"""


def cases() -> list[dict[str, Any]]:
    """Return the rows of the printed tables."""
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def annotated() -> dict[str, Document]:
    """Return the first example of each model, annotated with all models of that example."""
    first = {example.models[0]: example for example in reversed(EXAMPLES)}
    return {model: clinspan.load(*example.models)(example.text) for model, example in first.items()}


def found_at(case: dict[str, Any], document: Document) -> list[tuple[str, str]]:
    """Return text and label of what is found where a row's text stands."""
    start = -1
    for _ in range(case.get("place", 0) + 1):
        start = document.text.index(case["text"], start + 1)
    stop = start + len(case["text"])
    return [(e.text, e.label) for e in document.entities if e.start < stop and start < e.end]


def is_found(case: dict[str, Any], document: Document) -> bool:
    """Whether a row is found with its edges and its label."""
    return (case["text"], case["label"]) in found_at(case, document)


def page() -> str:
    """Return the whole page."""
    return INTRODUCTION + "".join(_sections())


def _sections() -> Iterator[str]:
    documents = annotated()
    for seed, title in TITLES.items():
        rows = [case for case in cases() if case["seed"] == seed]
        right = [case for case in rows if case["right"]]
        hits = sum(is_found(case, documents[case["model"]]) for case in right)
        yield f"\n## {title} (`{rows[0]['model']}`)\n\n"
        yield f"Of {len(right)} right rows clinspan finds {hits} with their edges and labels.\n\n"
        yield "| text | printed label | right? | clinspan |\n|---|---|---|---|\n"
        for case in rows:
            judged = "yes" if case["right"] else "no"
            why = f": {case['why']}" if "why" in case else ""
            found = ", ".join(f"{text} `{label}`" for text, label in found_at(case, documents[case["model"]]))
            yield f"| {case['text']} | `{case['label']}` | {judged}{why} | {found or '–'} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
