"""`clinspan evaluate`: scores of a model on a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from clinspan.cli.console import OUT
from clinspan.cli.names import complete_model

EXAMPLES = """
[bold]Examples[/]

  clinspan evaluate en/anatomy anatem.dev.jsonl.gz

  clinspan evaluate en/anatomy other.jsonl --label-map Tumour=Pathological_formation --label-map Gene=

  clinspan evaluate runs/en/fp32#anatomy anatem.dev.jsonl.gz --json scores.json
"""


def evaluate(
    model: Annotated[str, typer.Argument(help="Model name or folder.", autocompletion=complete_model)],
    data: Annotated[Path, typer.Argument(help="Corpus: .jsonl(.gz), .conll, or a brat folder.")],
    label_map: Annotated[
        list[str] | None,
        typer.Option(help="OLD=NEW renames a gold label, OLD= drops it. Default: as in training."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", help="Write all scores to this file as well."),
    ] = None,
) -> None:
    """Score a model: strict, partial and type-only entity scores with 95 % bootstrap intervals, and the token table.

    Tokens of the token table are the units that models tag: words and punctuation marks.
    """
    from clinspan.corpora import Scheme, read_corpus
    from clinspan.evaluation.report import entity_table, summary_table, to_json
    from clinspan.evaluation.run import evaluate as score
    from clinspan.recognizer import load

    recognizer = load(model)
    records = read_corpus(data, recognizer.models[0].head.reading)
    found = score(recognizer, records, scheme=Scheme(label_map=_pairs(label_map)) if label_map else None)
    OUT.print(entity_table(found.entities))
    OUT.print(summary_table(found.entities))
    OUT.print(f"\n{found.tokens}", soft_wrap=True)
    if json_file is not None:
        json_file.write_text(json.dumps(to_json(found), indent=1) + "\n", encoding="utf-8")


def _pairs(items: list[str]) -> dict[str, str]:
    pairs = {}
    for item in items:
        old, equals, new = item.partition("=")
        if not equals:
            message = f"--label-map {item!r} is not OLD=NEW"
            raise typer.BadParameter(message)
        pairs[old] = new
    return pairs
