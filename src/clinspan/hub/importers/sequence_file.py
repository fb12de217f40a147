"""Hadoop SequenceFiles as Spark's `saveAsObjectFile` writes them: version 6, uncompressed, values without keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clinspan.exceptions import UnsupportedModelError
from clinspan.hub.importers.cursor import Cursor

MAGIC: Final = b"SEQ\x06"
KEY_AND_VALUE: Final = b'!org.apache.hadoop.io.NullWritable"org.apache.hadoop.io.BytesWritable'  # with their lengths
NO_METADATA: Final = bytes(4)
SYNC_BYTES: Final = 16  # a random mark, repeated so that readers can start in the middle
SYNC_ESCAPE: Final = -1  # where a record's length would be
_INT: Final = 4


def read_records(data: bytes, where: str) -> Iterator[bytes]:
    """Yield the records of a file.

    Args:
        data: the file's content.
        where: the file, for messages.

    Raises:
        DamagedModelError: if it is cut short or no such file.
        UnsupportedModelError: if it is compressed.
    """
    cursor = Cursor(data, where)
    sync = _read_header(cursor)
    while cursor.left:
        length = cursor.number(_INT, signed=True)
        if length == SYNC_ESCAPE:
            cursor.expect(sync, "repetition of the file's sync mark")
        else:
            yield _record(cursor, length)


def _read_header(cursor: Cursor) -> bytes:
    cursor.expect(MAGIC, "SequenceFile of version 6")
    cursor.expect(KEY_AND_VALUE, "keys of the class NullWritable and values of the class BytesWritable")
    if any(cursor.take(2)):
        msg = f"{cursor.where} is compressed; save the model with spark.hadoop.mapred.output.compress=false."
        raise UnsupportedModelError(msg)
    cursor.expect(NO_METADATA, "empty metadata")
    return cursor.take(SYNC_BYTES)


def _record(cursor: Cursor, length: int) -> bytes:
    """Read the lengths of the record, of its key and of its bytes, and the bytes."""
    key, size = cursor.number(_INT), cursor.number(_INT)
    if key != 0 or length != _INT + size:
        raise cursor.damaged(f"a record of {length} bytes with a key of {key} and a value of {size}")
    return cursor.take(size)
