"""Whether the packages of the train extra are there; nothing of them is imported."""

from __future__ import annotations

import importlib.util

from clinspan.exceptions import MissingExtraError


def check_extra() -> None:
    """Check that training can begin.

    Raises:
        MissingExtraError: if a package is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("torch", "transformers", "onnx")):
        raise MissingExtraError.from_extra("train", "Training")
