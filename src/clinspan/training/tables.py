"""Recipe files as tables: what a file extends, and tables as dataclasses."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from clinspan.exceptions import RecipeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
_EXTENDS: Final = "extends"
_NAMES: Final[Mapping[type, str]] = {  # in messages
    dict: "a table",
    list: "a list",
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file and, below it, the one that its entry `extends` names.

    Entries replace those of the file below, tables are merged entry by entry, and arrays of tables are added; a table
    in one that has the name, and the language, of one below is merged with it.

    Raises:
        RecipeError: if a file cannot be read, or if files extend each other.
    """
    return _read(path, ())


def refuse(where: str, problems: Mapping[str, object]) -> None:
    """Refuse a recipe with the first problem that it has.

    Args:
        where: what the message begins with.
        problems: what would be wrong, and whether it is.

    Raises:
        RecipeError: naming the problem.
    """
    if found := next((problem for problem, there in problems.items() if there), None):
        msg = f"{where}: {found}."
        raise RecipeError(msg)


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
    return raw if below is None else _merged(_read(path.parent / str(below), (*above, path)), raw)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    return {**below, **{name: _over(below.get(name), value) for name, value in above.items()}}


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return _merged(below, above)
    return _joined(below, above) if _tables(below) and _tables(above) else above


def _tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _joined(below: list[Any], above: list[Any]) -> list[Any]:
    """Return the tables of both lists; one that has the name of one below, and its language, changes that one.

    Of several below that share them it changes the first.
    """
    joined, places = [*below], {_name(table): place for place, table in reversed([*enumerate(below)])}
    for table in above:
        place = places.get(_name(table)) if "name" in table else None
        if place is None:
            joined.append(table)
        else:
            joined[place] = _merged(joined[place], table)
    return joined


def _name(table: Mapping[str, Any]) -> tuple[Any, Any]:
    return table.get("name"), table.get("language")


def build(kind: type[T], raw: Any, where: str) -> T:
    """Build a part of a recipe, and the parts inside it, from its table.

    Args:
        kind: a dataclass, whose annotations say what its entries hold.
        raw: the table.
        where: its place in the file, for messages.

    Raises:
        RecipeError: naming what is unknown, missing or of another type.
    """
    table: dict[str, Any] = _built(dict, raw, where)
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    if unknown := sorted(set(table) - set(known)):
        msg = f"{where}: unknown entries {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        raise RecipeError(msg)
    if missing := [name for name, f in known.items() if name not in table and _has_no_default(f)]:
        msg = f"{where}: missing entries {', '.join(missing)}."
        raise RecipeError(msg)
    types = get_type_hints(kind)
    return kind(**{name: _built(types[name], value, f"{where}: {name}") for name, value in table.items()})


def _has_no_default(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _built(declared: Any, value: Any, where: str) -> Any:
    """Return a value as its declared type wants it: tables as dataclasses, all else as it is.

    Raises:
        RecipeError: if it is of another type.
    """
    choices = get_args(declared) if get_origin(declared) in (Union, UnionType) else (declared,)
    for choice in choices:
        if choice is Any or type(value) in _forms(choice):  # a bool is no number
            return _filled(choice, value, where)
    wanted = [_NAMES[form] for choice in choices for form in _forms(choice)[:1] if form in _NAMES]
    msg = f"{where} has to be {' or '.join(wanted)}, not {_NAMES.get(type(value), type(value).__name__)}."
    raise RecipeError(msg)


def _forms(declared: Any) -> tuple[type, ...]:
    """Return what TOML can give for a type, the plainest first."""
    origin = get_origin(declared) or declared
    if is_dataclass(origin) or origin in (dict, Mapping):
        return (dict,)
    if origin in (list, Sequence):
        return (list,)
    return (float, int) if origin is float else (origin,)


def _filled(declared: Any, value: Any, where: str) -> Any:
    if is_dataclass(declared):
        return build(declared, value, where)  # type: ignore[arg-type]
    inside = get_args(declared)
    if inside and isinstance(value, dict):
        return {name: _built(inside[-1], entry, f"{where}: {name}") for name, entry in value.items()}
    if inside and isinstance(value, list):
        return [_built(inside[-1], entry, f"{where} {number}") for number, entry in enumerate(value, start=1)]
    return value
