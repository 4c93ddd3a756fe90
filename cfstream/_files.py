"""Files that go into one request: read or opened from a path, bytes or a file object, checked before any I/O."""

import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from cfstream._redact import excerpt
from cfstream._types import FileSource
from cfstream.errors import InvalidInputError

_PNG = b"\x89PNG\r\n\x1a\n"
_BOM = b"\xef\xbb\xbf"
_VTT_TEXT = re.compile("\ufeff?WEBVTT[^\r\n]*[\r\n]")


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
        raise InvalidInputError(f"{name}: cannot open {_shown_path(path)}: {reason}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    raise InvalidInputError(f"{name}: {_shown_path(path)} is {kind}; give the path of a file")


def _shown_path(path: str | bytes) -> str:
    return excerpt(repr(path))  # what was meant as the content of a file may have been taken for its name


@attrs.frozen
class DiskFile:
    """A file that is read while it is sent, anew for every attempt."""

    path: str

    def open(self) -> BinaryIO:
        """Open it for reading."""
        return os.fdopen(open_file("file", self.path), "rb")


def read_file(source: FileSource, *, size_max: int) -> tuple[str, bytes]:
    """Give the filename and the bytes.

    Raises:
        InvalidInputError: no such file, a directory, an empty or too large file, a text-mode file object.
    """
    name, data = _read(source, size_max)
    _check_size(name, len(data), size_max)
    return name, data


def read_caption(source: FileSource, *, size_max: int) -> tuple[str, bytes]:
    """As `read_file`, but a text that begins as WebVTT does is the caption itself and no path."""
    if isinstance(source, str) and _VTT_TEXT.match(source):
        try:
            source = source.encode()
        except UnicodeEncodeError as error:
            raise InvalidInputError("file: is not valid Unicode text") from error
    return read_file(source, size_max=size_max)


def open_large(source: FileSource, *, size_max: int) -> tuple[str, bytes | DiskFile]:
    """As `read_file`, but a file given by its path stays on disk until it is sent."""
    if not isinstance(source, (str, os.PathLike)):
        return read_file(source, size_max=size_max)
    path = os.fspath(source)
    with os.fdopen(open_file("file", path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
    name = _shown_name(path)
    _check_size(name, size, size_max)
    return name, DiskFile(path)


def _check_size(name: str, size: int, size_max: int) -> None:
    if not size:
        raise InvalidInputError(f"file: {excerpt(name)} is empty")
    if size > size_max:
        raise InvalidInputError(f"file: {excerpt(name)} is larger than the limit of {size_max} bytes")


def _read(source: Any, size_max: int) -> tuple[str, bytes]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return "file", bytes(source)
    if isinstance(source, (str, os.PathLike)):
        with os.fdopen(open_file("file", source), "rb") as file:
            return _shown_name(source), file.read(size_max + 1)
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
    return _shown_name(name) if isinstance(name, str) and name else "file"


def _shown_name(path: str | os.PathLike[str]) -> str:
    """Give the file's name as it can stand in a header: file systems allow control characters and broken bytes."""
    name = Path(path).name.encode("utf-8", "replace").decode()
    return "".join(letter if letter.isprintable() else "_" for letter in name)


def check_png(name: str, data: bytes) -> None:
    """Refuse what is no PNG: the service takes no other watermark image."""
    if not data.startswith(_PNG):
        raise InvalidInputError(f"file: {excerpt(name)} is not a PNG image; watermarks must be PNG")


def check_vtt(name: str, data: bytes) -> None:
    """Refuse what is no WebVTT: the service takes no other caption file."""
    if not data.removeprefix(_BOM).startswith(b"WEBVTT"):
        raise InvalidInputError(f"file: {excerpt(name)} is not WebVTT; its first line must begin with WEBVTT")


def check_any(_name: str, _data: object) -> None:
    """Refuse nothing: the service takes many formats and looks at the file itself."""
