"""Patterns that users give: Python's, with the flags that Java's may begin with."""

from __future__ import annotations

import re
from typing import Final

from clinspan.exceptions import InputError

_FLAGS: Final = re.compile(r"\(\?([aimsx]+)\)")


def scoped(pattern: str) -> str:
    """Return a pattern whose leading flags, such as `(?i)`, hold for it alone wherever it is put."""
    found = _FLAGS.match(pattern)
    return f"(?{found.group(1)}:{pattern[found.end() :]})" if found else pattern


def check_pattern(name: str, pattern: str) -> None:
    """Refuse what is no pattern, when a stage is made rather than when it runs.

    Raises:
        InputError: naming the parameter and what is wrong.
    """
    try:
        re.compile(scoped(pattern))
    except re.error as error:
        hint = r"; write \p{L} as [^\W\d_], \p{N} as \d" if r"\p" in pattern else ""
        msg = f"{name}: {pattern!r} is no pattern of Python's re module ({error}){hint}."
        raise InputError(msg) from None
