"""Tab-completion of model names."""

from __future__ import annotations


def complete_model(incomplete: str) -> list[str]:
    """Return the names of installed models that begin with what was typed."""
    from clinspan.hub.resolve import installed_heads

    return [name for found in installed_heads() for name in found.head.names if name.startswith(incomplete)]
