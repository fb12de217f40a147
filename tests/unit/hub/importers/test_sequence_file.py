"""SequenceFiles: records come out as they went in, whatever lies between them; damage has a place."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.exceptions import DamagedModelError, ModelError, UnsupportedModelError
from clinspan.hub.importers.sequence_file import read_records
from spark_layout import CASES, HEADER, SYNC, sequence_file

START = sequence_file()


def records(data):
    return list(read_records(data, "part-00000"))


@given(st.lists(st.binary(max_size=20), max_size=6), st.sets(st.integers(0, 5)))
def test_records_with_sync_marks_between_them(contents, marks):
    assert records(sequence_file(*contents, sync_before=marks)) == contents


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", DamagedModelError, "no SequenceFile of version 6 at byte 0"),
        (b"SEQ\x05" + START[4:], DamagedModelError, "no SequenceFile of version 6"),
        (b"PAR1" + START[4:], DamagedModelError, "no SequenceFile of version 6"),
        (START.replace(b"NullWritable", b"LongWritable"), DamagedModelError, "keys of the class NullWritable"),
        (sequence_file(compressed=True), UnsupportedModelError, "is compressed; save the model with"),
        (HEADER + b"\0\0\0\0\0\1" + SYNC, DamagedModelError, "no empty metadata"),
        (START[:-1], DamagedModelError, "16 bytes announced, 15 left"),
        (START + b"\0\0", DamagedModelError, "4 bytes announced, 2 left"),
        (sequence_file(b"abc")[:-1], DamagedModelError, "3 bytes announced, 2 left"),
        (START + b"\xff\xff\xff\xff" + bytes(16), DamagedModelError, "no repetition of the file's sync mark"),
        (START + b"\0\0\0\6\0\0\0\1\0\0\0\1x", DamagedModelError, "a record of 6 bytes with a key of 1"),
        (START + b"\0\0\0\5\0\0\0\0\x7f\xff\xff\xff", DamagedModelError, "a value of 2147483647"),
        (START + b"\xff\xff\xff\xfe\0\0\0\0\0\0\0\0", DamagedModelError, "a record of -2 bytes"),
    ],
)
def test_anything_else_is_refused(data, error, message):
    with pytest.raises(error, match=message) as caught:
        records(data)
    assert str(caught.value).startswith("part-00000 ")


@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 8))
def test_damage_never_gives_another_error(noise, at, length):
    content = (CASES / "bert" / "fields" / "labels" / "part-00000").read_bytes()
    with suppress(ModelError):
        records(content[:at] + noise + content[at + length :])
