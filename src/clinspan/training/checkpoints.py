"""Checkpoints of a run: written whole, and gone on with only by the recipe that began it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from clinspan.exceptions import RecipeError

CHECKPOINT: Final = "checkpoint.pt"
_RECIPE: Final = "recipe"


def write_checkpoint(run: Path, recipe: Any, content: dict[str, Any]) -> None:
    """Write the checkpoint of a run under its final name once it is complete.

    Args:
        run: the folder of the run.
        recipe: a dataclass; what the run follows.
        content: tensors and plain values.
    """
    run.mkdir(parents=True, exist_ok=True)
    part = run / f"{CHECKPOINT}.part"
    torch.save({**content, _RECIPE: _digest(recipe)}, part)
    part.replace(run / CHECKPOINT)


def read_checkpoint(run: Path, recipe: Any, device: torch.device) -> dict[str, Any] | None:
    """Return what was written last; None if nothing was.

    Args:
        run: the folder of the run.
        recipe: what is to be followed.
        device: where tensors go.

    Raises:
        RecipeError: if the run began with another recipe.
    """
    path = run / CHECKPOINT
    if not path.exists():
        return None
    content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if content.get(_RECIPE) != _digest(recipe):
        msg = f"{path} was written by another recipe, or before this one was changed; delete {run} to begin anew."
        raise RecipeError(msg)
    return content


def _digest(recipe: Any) -> str:
    return hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode()).hexdigest()
