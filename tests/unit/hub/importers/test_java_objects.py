"""Java's object streams: what Spark wrote is read, and nothing else is."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinspan.exceptions import DamagedModelError, ModelError, UnsupportedModelError
from clinspan.hub.importers.java_objects import read_object
from clinspan.hub.importers.sequence_file import read_records
from spark_layout import CASES, MERGES, PIECES, WORDPIECE, numbered, record, utf

START = bytes.fromhex("aced0005")
OBJECTS = "[Ljava.lang.Object;"
GENUINE = [
    content for path in sorted(CASES.rglob("part-*")) if "fields" in path.parts
    for content in read_records(path.read_bytes(), path.name)
]  # fmt: skip

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
pairs = st.tuples(st.one_of(texts, st.tuples(texts, texts)), st.integers(-(2**31), 2**31 - 1))


@pytest.mark.parametrize(
    ("family", "field", "items", "array"),
    [
        ("bert", "vocabulary", WORDPIECE, "[Lscala.Tuple2;"),
        ("roberta", "vocabulary", PIECES, OBJECTS),
        ("roberta", "merges", MERGES, OBJECTS),
    ],
)
def test_what_spark_wrote_is_read_and_the_tests_write_the_same(family, field, items, array):
    found = []
    for path in sorted((CASES / family / "fields" / field).glob("part-*")):
        for content in read_records(path.read_bytes(), path.name):
            value = read_object(content, path.name)
            assert record(value, array) == content
            found += value
    assert found == numbered(items)


@given(st.lists(pairs, max_size=10), st.sampled_from([OBJECTS, "[Lscala.Tuple2;"]))
def test_any_map_is_read(value, array):
    assert read_object(record(value, array), "x") == value


def test_a_string_that_comes_again_is_a_reference():
    twice = record([("a", 1), ("a", 2), (("a", "b"), 3)])
    assert twice.count(utf("a")) == 1
    assert read_object(twice, "x") == [("a", 1), ("a", 2), (("a", "b"), 3)]


def _class(name, *, version=bytes(8), flags=b"\x02", fields=b"\x00\x00", tail=b"\x78\x70"):
    return b"\x72" + utf(name) + version + flags + fields + tail


ARRAY_OF = START + b"\x75" + _class(OBJECTS)
INTEGER = b"\x00\x01I" + utf("value")
ANY = utf("Ljava/lang/Object;")
PAIR = b"\x00\x02L\x00\x02_1t" + ANY + b"L\x00\x02_2t" + ANY
TURNED = b"\x00\x02L\x00\x02_2t" + ANY + b"L\x00\x02_1t" + ANY


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", DamagedModelError, "no Java object stream at byte 0"),
        (b"\x80\x04\x95", DamagedModelError, "no Java object stream"),  # a pickle
        (START, DamagedModelError, "1 bytes announced, 0 left at byte 4"),
        (START + b"\x70", DamagedModelError, r"no value \(0x70\)"),
        (START + b"\x7c" + bytes(8), DamagedModelError, r"no value \(0x7c\)"),  # a long string
        (START + b"\x73" + _class("java.util.HashMap"), UnsupportedModelError, "the class 'java.util.HashMap' where"),
        (START + b"\x73" + _class("e" * 5000), UnsupportedModelError, f"the class '{'e' * 60}' where"),
        (START + b"\x76" + _class(OBJECTS), DamagedModelError, r"no value \(0x76\)"),  # a class itself
        (START + b"\x7d", DamagedModelError, r"no value \(0x7d\)"),  # a proxy
        (START + b"\x73" + _class("java.lang.Number"), DamagedModelError, "no value of the class java.lang.Number"),
        (START + b"\x73" + _class(OBJECTS), DamagedModelError, "no value of the class"),  # an object, no array
        (START + b"\x75" + _class("scala.Tuple2", fields=PAIR), DamagedModelError, "no value of the class"),
        (START + b"\x75" + _class(OBJECTS, flags=b"\x03"), DamagedModelError, "no plain class"),
        (START + b"\x75" + _class(OBJECTS, flags=b"\x04"), DamagedModelError, "no plain class"),
        (START + b"\x73" + _class("java.lang.Integer"), DamagedModelError, "another class called java.lang.Integer"),
        (
            START + b"\x73" + _class("scala.Tuple2", fields=TURNED),
            DamagedModelError,
            "another class called scala.Tuple2",
        ),
        (START + b"\x75" + _class(OBJECTS, fields=INTEGER), DamagedModelError, "another class called"),
        (START + b"\x75" + _class(OBJECTS, tail=b"\x77\x01a"), DamagedModelError, "no end of the class"),
        (START + b"\x75" + _class(OBJECTS, tail=b"\x78" + _class(OBJECTS)), DamagedModelError, "end of the ancestors"),
        (START + b"\x75\x70", DamagedModelError, "no class at"),
        (START + b"\x75q\x00\x7e\x00\x00", DamagedModelError, "a reference to no class"),
        (ARRAY_OF + b"\x7f\xff\xff\xff", DamagedModelError, "an array of 2147483647 items"),
        (ARRAY_OF + b"\xff\xff\xff\xff", DamagedModelError, "an array of 4294967295 items"),
        (ARRAY_OF + b"\0\0\0\1q\x00\x7e\x00\x01", DamagedModelError, "a reference to no value"),  # itself
        (ARRAY_OF + b"\0\0\0\1q\x00\x7e\x00\x00", DamagedModelError, "a reference to no value"),  # its class
        (ARRAY_OF + b"\0\0\0\1q\x00\x7e\x00\x09", DamagedModelError, "a reference to no value"),
        (ARRAY_OF + b"\0\0\0\1q\xff\xff\xff\xff", DamagedModelError, "a reference to no value"),
        (ARRAY_OF + b"\0\0\0\1t\x00\x09a", DamagedModelError, "9 bytes announced, 1 left"),
        (ARRAY_OF + b"\0\0\0\1t\x00\x02\xc3\x28", DamagedModelError, "not UTF-8"),
        (ARRAY_OF + b"\0\0\0\1t\x00\x03\xed\xa0\xbd", DamagedModelError, "not UTF-8"),  # half a character
        (ARRAY_OF + b"\0\0\0\0t", DamagedModelError, "more than one object"),
    ],
)
def test_anything_else_is_refused(data, error, message):
    with pytest.raises(error, match=message) as caught:
        read_object(data, "part-00000")
    assert str(caught.value).startswith("part-00000 ")


def test_endless_descriptions_and_nesting_are_refused():
    ancestors = START + b"\x73" + 10_000 * _class("java.lang.Integer", fields=INTEGER, tail=b"\x78")
    with pytest.raises(UnsupportedModelError, match=r"'java.lang.Integer' where java.lang.Number is due"):
        read_object(ancestors, "x")
    deep = ARRAY_OF + struct.pack(">i", 1) + 10_000 * (b"\x75q\x00\x7e\x00\x00" + struct.pack(">i", 1))
    with pytest.raises(DamagedModelError, match="no value"):
        read_object(deep, "x")


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_never_give_another_error(data, begins_well):
    _read(START + data if begins_well else data)


@given(st.sampled_from(GENUINE), st.data())
def test_damage_never_gives_another_error(content, draw):
    at, length = draw.draw(st.integers(0, len(content))), draw.draw(st.integers(0, 8))
    _read(content[:at] + draw.draw(st.binary(max_size=8)) + content[at + length :])


def _read(data):
    with suppress(ModelError):
        read_object(data, "x")
