"""AMF0: what is written comes back, and nothing that comes in does harm."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfstream.emulator.rtmp import amf
from cfstream.emulator.rtmp.errors import RtmpError

NAMES = st.text(min_size=1, max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(VALUES, max_size=5))
def test_values_come_back(values: list[Any]) -> None:
    assert amf.decode(amf.encode(*values)) == values


def test_long_strings_come_back() -> None:
    text = "x" * 70_000
    assert amf.decode(amf.encode(text, {"key": text})) == [text, {"key": text}]


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read(data: bytes) -> None:
    with suppress(RtmpError):
        amf.decode(data)


@given(st.lists(VALUES, min_size=1, max_size=3), st.data())
def test_what_breaks_off_is_refused(values: list[Any], data: st.DataObject) -> None:
    whole = amf.encode(*values)
    cut = whole[: data.draw(st.integers(1, len(whole)))]
    try:
        read = amf.decode(cut)
    except RtmpError:
        return
    assert read == values[: len(read)]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x06", None),
        (b"\x0d", None),
        (b"\x0b" + struct.pack(">d", 1000.0) + b"\x00\x3c", 1000.0),
        (b"\x0f\x00\x00\x00\x03<a>", "<a>"),
        (b"\x08\x00\x00\x00\x63" + b"\x00\x01k\x01\x01" + b"\x00\x00\x09", {"k": True}),
        (b"\x10\x00\x02Cl" + b"\x00\x01k\x05" + b"\x00\x00\x09", {"k": None}),
        (b"\x02\x00\x01\xff", "�"),
    ],
)
def test_kinds_that_only_others_write(data: bytes, value: Any) -> None:
    assert amf.decode(data) == [value]


@pytest.mark.parametrize("opening", [b"\x03\x00\x01k", b"\x0a\x00\x00\x00\x01", b"\x08\x00\x00\x00\x01\x00\x01k"])
def test_nesting_has_an_end(opening: bytes) -> None:
    with pytest.raises(RtmpError, match="deep"):
        amf.decode(opening * 100_000)


@pytest.mark.parametrize(
    "data", [b"\x0a\xff\xff\xff\xff", b"\x02\xff\xff", b"\x0c\xff\xff\xff\xffx", b"\x07\x00\x01", b"\x11"]
)
def test_counts_are_not_believed(data: bytes) -> None:
    with pytest.raises(RtmpError):
        amf.decode(data)


@pytest.mark.parametrize(
    "data",
    [b"\x05" * 1001, b"\x0a\x00\x00\x03\xe8" + b"\x05" * 1000, b"\x03" + b"\x00\x01k\x05" * 1000 + b"\x00\x00\x09"],
)
def test_a_message_holds_a_thousand_values(data: bytes) -> None:
    with pytest.raises(RtmpError, match="1000"):
        amf.decode(data)
    assert amf.decode(b"\x05" * 1000) == [None] * 1000


def test_what_has_no_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        amf.encode(object())
