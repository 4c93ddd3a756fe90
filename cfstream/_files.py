"""Small files that go into one request whole: read from a path, bytes or a file object, checked before any I/O."""

import os
import stat
from pathlib import Path
from typing import Any

from cfstream._redact import excerpt
from cfstream._types import FileSource
from cfstream.errors import InvalidInputError

_PNG = b"\x89PNG\r\n\x1a\n"
_BOM = b"\xef\xbb\xbf"


def open_file(name: str, source: str | os.PathLike[str]) -> int:
    """Open a regular file for reading and give its descriptor.

    Raises:
        InvalidInputError: no such file, a directory, a pipe or a device; ``name`` is the argument it came by.
    """
    path = os.fspath(source)
    try:
        # without O_NONBLOCK, opening a named pipe would wait for somebody to write to it
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"{name}: cannot open {path!r}: {reason}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    raise InvalidInputError(f"{name}: {path!r} is {kind}; give the path of a file")


def read_file(source: FileSource, *, size_max: int) -> tuple[str, bytes]:
    """Give the filename and the bytes.

    Raises:
        InvalidInputError: no such file, a directory, an empty or too large file, a text-mode file object.
    """
    name, data = _read(source, size_max)
    if not data:
        raise InvalidInputError(f"file: {excerpt(name)} is empty")
    if len(data) > size_max:
        raise InvalidInputError(f"file: {excerpt(name)} is larger than the limit of {size_max} bytes")
    return name, data


def _read(source: Any, size_max: int) -> tuple[str, bytes]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "file", bytes(source)
    if isinstance(source, (str, os.PathLike)):
        with os.fdopen(open_file("file", source), "rb") as file:
            return Path(source).name, file.read(size_max + 1)
    read = getattr(source, "read", None)
    if read is None:
        raise InvalidInputError(f"file: expected a path, bytes or a binary file object, got {type(source).__name__}")
    data = b""
    while len(data) <= size_max:  # an unbuffered file may give less than was asked for
        try:
            piece = read(size_max + 1 - len(data))
        except (OSError, ValueError) as error:
            raise InvalidInputError(f"file: the file object cannot be read: {error}") from error
        if not isinstance(piece, bytes):
            raise InvalidInputError("file: the file object gives no bytes; open it in binary mode ('rb')")
        if not piece:
            break
        data += piece
    return _basename(source), data


def _basename(file: Any) -> str:
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) and name else "file"


def check_png(name: str, data: bytes) -> None:
    """Refuse what is no PNG: the service takes no other watermark image."""
    if not data.startswith(_PNG):
        raise InvalidInputError(f"file: {excerpt(name)} is not a PNG image; watermarks must be PNG")


def check_vtt(name: str, data: bytes) -> None:
    """Refuse what is no WebVTT: the service takes no other caption file."""
    if not data.removeprefix(_BOM).startswith(b"WEBVTT"):
        raise InvalidInputError(f"file: {excerpt(name)} is not WebVTT; its first line must begin with WEBVTT")
