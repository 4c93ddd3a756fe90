"""Multipart bodies: one file and a few fields, read within bounds into memory or onto the disk."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from cfstream.emulator import checks
from cfstream.emulator.answers import BAD_REQUEST, DECODING, Refused
from cfstream.emulator.serving.patience import Patience, patient
from cfstream.emulator.storage.disk import open_own
from cfstream.emulator.uploading.uploads import LOST, LostConnectionError
from cfstream.errors import CODES

_FIELD_MAX = 64 * 1024
_FIELDS_MOST = 100
_BLOCK = 256 * 1024


@attrs.frozen
class Form:
    """The fields that came with a file, its name and its size."""

    fields: dict[str, str]
    filename: str | None
    size: int


async def read(request: web.Request, most: int) -> tuple[Form, bytes]:
    """Read a form whose part ``file`` has at most that many bytes.

    Raises:
        Refused: it is too large, has no file, or is no form.
    """
    content = bytearray()
    form = await _read(request, most, content.extend)
    return form, bytes(content)


async def save(request: web.Request, most: int, target: Path, admit: Callable[[int], None]) -> Form:
    """The same with a large file, which goes to disk as it comes; ``admit`` refuses bytes that have no room there.

    Raises:
        Refused: as above.
    """
    with os.fdopen(open_own(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:

        def sink(block: bytes) -> None:
            admit(len(block))
            file.write(block)

        return await _read(request, most, sink)


async def _read(request: web.Request, most: int, sink: Callable[[bytes], Any]) -> Form:
    if request.content_type != "multipart/form-data":
        raise _undecodable()
    fields: dict[str, str] = {}
    found: tuple[str | None, int] | None = None
    try:
        async with patient() as patience:
            reader = await request.multipart()
            async for part in reader:
                if not isinstance(part, BodyPartReader) or part.name is None or len(fields) > _FIELDS_MOST:
                    raise _undecodable()
                if part.name == "file":
                    if found is not None:
                        raise Refused(400, (BAD_REQUEST, "file: came twice"), close=True)
                    found = part.filename, await _take(part, most, sink, patience)
                else:
                    value = bytearray()
                    await _take(part, _FIELD_MAX, value.extend, patience)
                    fields[part.name] = value.decode()
    except LOST as error:
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            raise _undecodable() from error
        raise LostConnectionError from error
    except (ValueError, AssertionError, KeyError, RuntimeError) as error:
        # The reader tells of broken bodies in all these ways.
        raise _undecodable() from error
    if found is None:
        raise Refused(400, (BAD_REQUEST, "file: is missing"))
    filename, size = found
    return Form(fields, None if filename is None else checks.mended(filename), size)


async def _take(part: BodyPartReader, most: int, sink: Callable[[bytes], Any], patience: Patience) -> int:
    size = 0
    while block := await part.read_chunk(_BLOCK):
        patience.came(len(block))
        size += len(block)
        if size > most:
            raise Refused(413, (BAD_REQUEST, f"{part.name}: is larger than {most} bytes"), close=True)
        sink(block)
    return size


def _undecodable() -> Refused:
    return Refused(400, (DECODING, f"Decoding Error: {CODES[DECODING].meaning}"), close=True)
