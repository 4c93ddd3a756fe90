"""AMF0, the notation of RTMP's commands, read and written as plain Python values."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cfstream.emulator.rtmp.errors import RtmpError

DEEPEST: Final = 16
"""Objects within objects."""
MOST_VALUES: Final = 1000
"""Of one message; a publisher that describes itself at length sends thirty."""

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_MAP, _END, _LIST, _DATE, _LONG_STRING, _UNSUPPORTED, _XML, _TYPED = 8, 9, 10, 11, 12, 13, 15, 16
_LONGEST_SHORT: Final = 0xFFFF


def decode(data: bytes) -> list[Any]:
    """All values of a message: numbers as float, dates as float (milliseconds since the epoch), objects as dict.

    Raises:
        RtmpError: it breaks off, is nested too deeply, holds too many values, or a kind that no publisher sends.
    """
    reader = _Reader(data)
    values = []
    while not reader.done:
        values.append(reader.value(0))
    return values


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._count = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._data)

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise RtmpError(f"AMF values are nested more than {DEEPEST} deep")
        self._count += 1
        if self._count > MOST_VALUES:
            raise RtmpError(f"A message holds more than {MOST_VALUES} AMF values")
        match self._number(1):
            case kind if kind == _NUMBER:
                return self._double()
            case kind if kind == _BOOLEAN:
                return self._number(1) != 0
            case kind if kind == _STRING:
                return self._text(2)
            case kind if kind in (_LONG_STRING, _XML):
                return self._text(4)
            case kind if kind in (_NULL, _UNDEFINED, _UNSUPPORTED):
                return None
            case kind if kind == _DATE:
                instant = self._double()
                self._take(2)  # a time zone that is to be passed over
                return instant
            case kind:
                return self._nested(kind, depth)

    def _nested(self, kind: int, depth: int) -> Any:
        if kind == _LIST:
            return [self.value(depth + 1) for _ in range(self._number(4))]
        if kind == _MAP:
            self._number(4)  # a count that nobody keeps to
        elif kind == _TYPED:
            self._text(2)
        elif kind != _OBJECT:
            raise RtmpError(f"AMF values of kind {kind} are not taken")
        return self._fields(depth)

    def _fields(self, depth: int) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        while True:
            name = self._text(2)
            if not name and self._data[self._at : self._at + 1] == bytes([_END]):
                self._at += 1
                return fields
            fields[name] = self.value(depth + 1)

    def _double(self) -> float:
        (number,) = struct.unpack(">d", self._take(8))
        return float(number)

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def _text(self, size: int) -> str:
        return self._take(self._number(size)).decode("utf-8", "replace")

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._data):
            raise RtmpError("An AMF value breaks off")
        return self._data[start : self._at]


def encode(*values: Any) -> bytes:
    """The values as a message: numbers, booleans, strings, None, mappings and sequences of them."""
    return b"".join(_encoded(value) for value in values)


def _encoded(value: Any) -> bytes:
    match value:
        case None:
            return bytes([_NULL])
        case bool():
            return bytes([_BOOLEAN, value])
        case int() | float():
            return struct.pack(">Bd", _NUMBER, value)
        case str():
            return _string(value)
        case Mapping():
            fields = b"".join(_name(str(name)) + _encoded(item) for name, item in value.items())
            return bytes([_OBJECT]) + fields + _name("") + bytes([_END])
        case Sequence():
            return struct.pack(">BI", _LIST, len(value)) + encode(*value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in AMF")


def _string(value: str) -> bytes:
    data = value.encode()
    if len(data) <= _LONGEST_SHORT:
        return bytes([_STRING]) + _name(value)
    return struct.pack(">BI", _LONG_STRING, len(data)) + data


def _name(value: str) -> bytes:
    data = value.encode()
    return struct.pack(">H", len(data)) + data
