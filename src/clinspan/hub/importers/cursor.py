"""Bytes of unknown origin, read from front to back."""

from __future__ import annotations

from dataclasses import dataclass

from clinspan.exceptions import DamagedModelError


@dataclass
class Cursor:
    """A place in some bytes.

    Attributes:
        data: the bytes.
        where: what they are, for messages.
        at: the first byte that has not been read.
    """

    data: bytes
    where: str
    at: int = 0

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            DamagedModelError: if there are not so many, or the count is negative.
        """
        if not 0 <= count <= self.left:
            raise self.damaged(f"{count} bytes announced, {self.left} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, *, signed: bool = False) -> int:
        """Return the next bytes as a number, the highest byte first."""
        return int.from_bytes(self.take(size), "big", signed=signed)

    def expect(self, wanted: bytes, what: str) -> None:
        """Read what can only be there.

        Raises:
            DamagedModelError: if it is not.
        """
        if self.data[self.at : self.at + len(wanted)] != wanted:
            raise self.damaged(f"no {what}")
        self.at += len(wanted)

    def damaged(self, what: str) -> DamagedModelError:
        """Return the error to raise, with the place."""
        return DamagedModelError(f"{self.where} is damaged: {what} at byte {self.at}.")
