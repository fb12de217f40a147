"""Java's object streams, as far as maps of strings and numbers need them.

Nothing is instantiated by name: arrays, pairs, strings and integers become lists, tuples, str and int, and
any other class is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clinspan.exceptions import UnsupportedModelError
from clinspan.hub.importers.cursor import Cursor

MAGIC: Final = b"\xac\xed\x00\x05"
NULL, REFERENCE, CLASS, OBJECT, STRING, ARRAY, END = b"\x70\x71\x72\x73\x74\x75\x78"
FIRST_HANDLE: Final = 0x7E0000
SERIALIZABLE: Final = b"\x02"  # and no method of its own for writing
_DEEPEST: Final = 4  # an array of pairs of pairs of strings
_SHOWN: Final = 60  # characters of an unknown class's name
_UNFINISHED: Final = object()


@dataclass(frozen=True)
class JavaClass:
    """A class that may occur.

    Attributes:
        name: of the class; that of an array begins with a bracket.
        fields: their names and types, in the order of the stream; types of one letter are primitive.
        ancestor: name of the class it extends, if that is described as well.
    """

    name: str
    fields: tuple[tuple[str, Any], ...] = ()
    ancestor: str | None = None


_ANY: Final = "Ljava/lang/Object;"
PAIR: Final = JavaClass("scala.Tuple2", (("_1", _ANY), ("_2", _ANY)))
NUMBER: Final = JavaClass("java.lang.Number")
INTEGER: Final = JavaClass("java.lang.Integer", (("value", "I"),), NUMBER.name)
ARRAYS: Final = (JavaClass("[Ljava.lang.Object;"), JavaClass("[Lscala.Tuple2;"))
CLASSES: Final[Mapping[str, JavaClass]] = {known.name: known for known in (PAIR, INTEGER, NUMBER, *ARRAYS)}


def read_object(data: bytes, where: str) -> Any:
    """Read a stream that holds one object.

    Args:
        data: the stream.
        where: what it is, for messages.

    Returns:
        Lists, tuples of two, str and int.

    Raises:
        DamagedModelError: if it is cut short or malformed.
        UnsupportedModelError: if it holds anything else.
    """
    reader = _Reader(Cursor(data, where))
    reader.cursor.expect(MAGIC, "Java object stream")
    value = reader.content(_DEEPEST)
    if reader.cursor.left:
        raise reader.cursor.damaged("more than one object")
    return value


class _Reader:
    """The state of reading: where, and what can be referred to by number."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.handles: list[Any] = []

    def content(self, depth: int) -> Any:
        """Read a value."""
        tag = self.cursor.number(1)
        if tag == STRING:
            self.handles.append(text := self._text())
            return text
        if tag == REFERENCE:
            return self._referred(values=True)
        if tag not in (ARRAY, OBJECT) or depth == 0:
            raise self.cursor.damaged(f"no value (0x{tag:02x})")
        return self._composed(tag, depth - 1)

    def _composed(self, tag: int, depth: int) -> Any:
        kind = self._class(CLASSES)
        if (kind in ARRAYS) != (tag == ARRAY) or kind == NUMBER:
            raise self.cursor.damaged(f"no value of the class {kind.name}")
        handle = len(self.handles)
        self.handles.append(_UNFINISHED)
        self.handles[handle] = value = self._value(kind, depth)
        return value

    def _value(self, kind: JavaClass, depth: int) -> Any:
        if kind == INTEGER:
            return self.cursor.number(4, signed=True)
        if kind == PAIR:
            return self.content(depth), self.content(depth)
        count = self.cursor.number(4)
        if count > self.cursor.left:  # every item takes a byte at least
            raise self.cursor.damaged(f"an array of {count} items")
        return [self.content(depth) for _ in range(count)]

    def _class(self, allowed: Mapping[str, JavaClass]) -> JavaClass:
        tag = self.cursor.number(1)
        if tag == CLASS:
            return self._described(allowed)
        if tag == REFERENCE and (found := self._referred(values=False)) in allowed.values():
            return found
        raise self.cursor.damaged("no class")

    def _described(self, allowed: Mapping[str, JavaClass]) -> JavaClass:
        """Read a class's description, which must be the one that is known."""
        name = self._text()
        if name not in allowed:
            msg = f"{self.cursor.where} holds the class {name[:_SHOWN]!r} where {' or '.join(allowed)} is due."
            raise UnsupportedModelError(msg)
        known = allowed[name]
        self.cursor.take(8)  # its version
        self.handles.append(known)
        self.cursor.expect(SERIALIZABLE, f"plain class {name}")
        if tuple(self._field() for _ in range(self.cursor.number(2))) != known.fields:
            raise self.cursor.damaged(f"another class called {name}")
        self.cursor.expect(bytes([END]), f"end of the class {name}")
        if known.ancestor is None:
            self.cursor.expect(bytes([NULL]), f"end of the ancestors of {name}")
        else:
            self._class({known.ancestor: CLASSES[known.ancestor]})
        return known

    def _field(self) -> tuple[str, Any]:
        kind, name = chr(self.cursor.number(1)), self._text()
        return name, self.content(0) if kind == "L" else kind

    def _referred(self, *, values: bool) -> Any:
        """Return a value, or else a class, that was read before."""
        handle = self.cursor.number(4) - FIRST_HANDLE
        found = self.handles[handle] if 0 <= handle < len(self.handles) else _UNFINISHED
        if found is _UNFINISHED or isinstance(found, JavaClass) == values:
            raise self.cursor.damaged(f"a reference to no {'value' if values else 'class'} before it")
        return found

    def _text(self) -> str:
        """Read Java's own UTF-8: NUL takes two bytes, and a character beyond U+FFFF is two of three bytes each."""
        raw = self.cursor.take(self.cursor.number(2)).replace(b"\xc0\x80", b"\0")
        try:
            return raw.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.cursor.damaged("a string that is not UTF-8") from None
