"""`clinspan models`: what is installed, and what each model is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from clinspan.cli.console import OUT
from clinspan.cli.names import complete_model

if TYPE_CHECKING:
    from clinspan.hub.resolve import ResolvedHead

_SHOWN = 3  # labels of a row

app = typer.Typer(help="List the installed models; `clinspan models show NAME` prints a model's card.")


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    lang: Annotated[str | None, typer.Option(help="Only models of this language (ISO 639-1).")] = None,
) -> None:
    """List the installed models."""
    if context.invoked_subcommand is not None:
        return
    from clinspan.hub.resolve import installed_heads

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("name", "languages", "labels", "strict F1", "size", "licence"):
        table.add_column(name, overflow="fold", no_wrap=name in ("name", "size", "licence"))
    for found in installed_heads():
        if lang in (None, *found.languages):
            table.add_row(*_row(found))
    OUT.print(table)


def _row(found: ResolvedHead) -> list[str]:
    manifest, head = found.manifest, found.head
    labels = ", ".join(head.labels) or "–"
    if len(head.labels) > _SHOWN:
        labels = f"{len(head.labels)}: {', '.join(head.labels[:_SHOWN])} …"
    scores = ", ".join(f"{score['micro']['f1']:.3f} ({name})" for name, score in head.scores.items())
    size = f"{manifest.size / 1e6:.0f} MB"
    return [head.name, _shown(found.languages), labels, scores or "–", size, manifest.licence or "–"]


def _shown(languages: tuple[str, ...]) -> str:
    """Return languages in short; a long list by its number."""
    return ", ".join(languages) if len(languages) <= _SHOWN + 1 else f"{len(languages)} languages"


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(help="Model name; a folder for all that it has.", autocompletion=complete_model)
    ],
) -> None:
    """Print a model's card: what it is, its labels, its training data, its scores."""
    from dataclasses import replace

    from rich.markdown import Markdown

    from clinspan.hub.card import card_text
    from clinspan.hub.resolve import resolve

    found = resolve(name)
    OUT.print(str(found.folder), style="dim", soft_wrap=True)
    one = name in found.head.names or "#" in name
    OUT.print(Markdown(card_text(replace(found.manifest, heads=(found.head,)) if one else found.manifest)))
