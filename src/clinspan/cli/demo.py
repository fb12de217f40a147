"""`clinspan demo`: the bundled models on the example notes."""

from __future__ import annotations

from rich.rule import Rule

from clinspan.cli.console import OUT


def demo() -> None:
    """Annotate the example notes with the bundled models and print the entities."""
    from clinspan.display import entity_rows, to_text
    from clinspan.examples import EXAMPLES
    from clinspan.recognizer import load

    for example in EXAMPLES:
        document = load(*example.models)(example.text)
        OUT.print(Rule(f"{example.title}  ·  {', '.join(example.models)}", style="dim"))
        OUT.print(to_text(document), "")
        OUT.print(entity_rows([(example.title, document)], many=False), "")
