"""The model card: README.md beside the weights, written from the manifest."""

from __future__ import annotations

from pathlib import Path
from clinspan.hub.manifest import Manifest
def write_card(manifest: Manifest, folder: Path) -> None:
    """Write the card."""
    (folder / "README.md").write_text(f"# {manifest.name}\n")
