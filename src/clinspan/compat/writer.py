"""Writing a saved stage or pipeline: whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from clinspan.compat.saved import local_path, read_metadata
from clinspan.exceptions import UnsupportedModelError
from clinspan.folders import complete, vacant


class Writer:
    """Writes to a folder that is not there yet, or, if `overwrite` was called, in place of what was saved there.

    The folder appears when it is complete.
    """

    def __init__(self, write: Callable[[Path], None]) -> None:
        self._write, self._overwrite = write, False

    def overwrite(self) -> Writer:
        """Allow a saved stage or pipeline to be there."""
        self._overwrite = True
        return self

    def session(self, _: Any) -> Writer:
        """Accept a Spark session; none is needed."""
        return self

    def save(self, path: str) -> None:
        """Write.

        Args:
            path: of a folder of this machine or one that all machines share; `file:` before it is allowed.

        Raises:
            FileExistsError: if something is there that may not be written over.
        """
        folder = local_path(path)
        if folder.exists() and not (self._overwrite and _may_be_replaced(folder)):
            msg = f"{folder} already exists; use write().overwrite().save(path), which replaces what was saved before."
            raise FileExistsError(msg)
        with complete(folder) as new:
            self._write(new)


def _may_be_replaced(folder: Path) -> bool:
    """Whether a folder is empty or holds a saved stage, so that no other files are lost."""
    try:
        return vacant(folder) or bool(read_metadata(folder))
    except UnsupportedModelError:
        return False
