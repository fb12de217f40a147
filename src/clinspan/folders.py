"""Writing a folder: whole, or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clinspan.exceptions import OutputError


def vacant(target: Path) -> bool:
    """Whether there is nothing at a path, or an empty folder, so that writing there loses nothing."""
    return not target.exists() or (target.is_dir() and not any(target.iterdir()))


@contextmanager
def complete(target: Path) -> Iterator[Path]:
    """Yield a new folder that takes the target's place at the end; after an error nothing of it is left.

    Raises:
        OutputError: if the target cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
            folder = Path(temporary, "new")
            folder.mkdir()
            yield folder
            _replace(target, folder, aside=Path(temporary, "old"))
    except OSError as error:
        msg = f"{target} could not be written: {error}."
        raise OutputError(msg) from error


def _replace(target: Path, folder: Path, aside: Path) -> None:
    replaced = target.exists()
    if replaced:
        target.rename(aside)
    try:
        folder.rename(target)
    except OSError:
        if replaced:
            aside.rename(target)
        raise
