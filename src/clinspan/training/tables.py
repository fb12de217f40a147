"""Recipe files as tables: what a file extends, and tables as dataclasses."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

from clinspan.exceptions import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
_EXTENDS: Final = "extends"


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file and, below it, the one that its entry `extends` names.

    Entries replace those of the file below, tables are merged entry by entry, and arrays of tables are added.

    Raises:
        RecipeError: if a file cannot be read, or if files extend each other.
    """
    return _read(path, ())


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    if path in above:
        msg = f"Recipes extend each other: {' <- '.join(p.name for p in (path, *reversed(above)))}."
        raise RecipeError(msg)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"Cannot read the recipe {path}: {error}"
        raise RecipeError(msg) from None
    below = raw.pop(_EXTENDS, None)
    return raw if below is None else _merged(_read(path.with_name(str(below)), (*above, path)), raw)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    return {**below, **{name: _over(below.get(name), value) for name, value in above.items()}}


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return _merged(below, above)
    tables = isinstance(above, list) and all(isinstance(entry, dict) for entry in above)
    return [*below, *above] if tables and isinstance(below, list) else above


def build(kind: type[T], raw: dict[str, Any], where: str) -> T:
    """Build a part of a recipe from its table.

    Raises:
        RecipeError: naming what is unknown or missing.
    """
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(raw) - known):
        msg = f"{where}: unknown entries {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        raise RecipeError(msg)
    try:
        return kind(**raw)
    except TypeError as error:
        msg = f"{where}: {error}."
        raise RecipeError(msg) from None
