"""Checkpoints of a run: written whole, and gone on with only by the recipe, the data and the start that began it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt
import torch
from torch import nn

from clinspan.exceptions import RecipeError

CHECKPOINT: Final = "checkpoint.pt"
_IDENTITY: Final = "identity"


def identity(recipe: Any, data: Iterable[npt.NDArray[Any]], start: nn.Module) -> str:
    """Return a checksum of what makes a run what it is.

    Args:
        recipe: a dataclass; what the run follows.
        data: what it learns from and is measured with.
        start: the network before the first step.
    """
    digest = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    for array in data:
        digest.update(array.tobytes())
    for weight in start.state_dict().values():
        digest.update(weight.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def write_checkpoint(run: Path, who: str, content: dict[str, Any]) -> None:
    """Write the checkpoint of a run under its final name once it is complete.

    Args:
        run: the folder of the run.
        who: its `identity`.
        content: tensors and plain values.
    """
    run.mkdir(parents=True, exist_ok=True)
    part = run / f"{CHECKPOINT}.part"
    torch.save({**content, _IDENTITY: who}, part)
    part.replace(run / CHECKPOINT)


def read_checkpoint(run: Path, who: str, device: torch.device) -> dict[str, Any] | None:
    """Return what was written last; None if nothing was.

    Args:
        run: the folder of the run.
        who: the `identity` of the run that is to go on.
        device: where tensors go.

    Raises:
        RecipeError: if the run began with something else.
    """
    path = run / CHECKPOINT
    if not path.exists():
        return None
    content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    if content.get(_IDENTITY) != who:
        msg = (
            f"{path} was written by another recipe, or before this one, its data or what it starts from was changed; "
            f"delete {run} to begin anew."
        )
        raise RecipeError(msg)
    return content
