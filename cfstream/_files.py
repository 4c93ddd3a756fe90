"""Small files that go into one request whole: read from a path, bytes or a file object, checked before any I/O."""

import os
from pathlib import Path
from typing import Any

from cfstream._types import FileSource
from cfstream.errors import InvalidInputError

_PNG = b"\x89PNG\r\n\x1a\n"
_BOM = b"\xef\xbb\xbf"


def read_file(source: FileSource, *, size_max: int) -> tuple[str, bytes]:
    """Give the filename and the bytes.

    Raises:
        InvalidInputError: no such file, a directory, an empty or too large file, a text-mode file object.
    """
    name, data = _read(source, size_max)
    if not data:
        raise InvalidInputError(f"file: {name} is empty")
    if len(data) > size_max:
        raise InvalidInputError(f"file: {name} is larger than the limit of {size_max} bytes")
    return name, data


def _read(source: Any, size_max: int) -> tuple[str, bytes]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "file", bytes(source)
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        try:
            with path.open("rb") as file:
                return path.name, file.read(size_max + 1)
        except OSError as error:
            raise InvalidInputError(f"file: cannot read {str(path)!r}: {error.strerror}") from error
    read = getattr(source, "read", None)
    if read is None:
        raise InvalidInputError(f"file: expected a path, bytes or a binary file object, got {type(source).__name__}")
    data = read(size_max + 1)
    if not isinstance(data, bytes):
        raise InvalidInputError("file: the file object gives text; open it in binary mode ('rb')")
    return _basename(source), data


def _basename(file: Any) -> str:
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) and name else "file"


def check_png(name: str, data: bytes) -> None:
    """Refuse what is no PNG: the service takes no other watermark image."""
    if not data.startswith(_PNG):
        raise InvalidInputError(f"file: {name} is not a PNG image; watermarks must be PNG")


def check_vtt(name: str, data: bytes) -> None:
    """Refuse what is no WebVTT: the service takes no other caption file."""
    if not data.removeprefix(_BOM).startswith(b"WEBVTT"):
        raise InvalidInputError(f"file: {name} is not WebVTT; its first line must begin with WEBVTT")
