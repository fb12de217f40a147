"""Draw the README's picture from real output: `python docs/make_picture.py`."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

import clinspan
from clinspan.display import entity_rows, to_text

NOTE = Path("examples/notes/en/pathology.txt")
MODEL = "en/anatomy"


def main() -> None:
    """Annotate the example note and save what the terminal shows as SVG."""
    document = clinspan.load(MODEL)(NOTE.read_text(encoding="utf-8"))
    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(to_text(document))
    rows = entity_rows([(NOTE.name, document)], many=False)
    rows.title = f"{len(document.entities)} entities"
    console.print(rows)
    title = f"clinspan annotate {NOTE} -m {MODEL}"
    Path("docs/images/demo.svg").write_text(console.export_svg(title=title), encoding="utf-8")


if __name__ == "__main__":
    main()
