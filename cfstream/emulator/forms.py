"""Multipart bodies: one file and a few fields, read within bounds."""

import attrs
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from cfstream.emulator.answers import BAD_REQUEST, DECODING, Refused
from cfstream.errors import CODES

_FIELD_MAX = 64 * 1024
_FIELDS_MOST = 100


@attrs.frozen
class Form:
    """What came."""

    fields: dict[str, str]
    file: bytes
    filename: str | None


async def read(request: web.Request, most: int) -> Form:
    """Read a form whose part ``file`` has at most that many bytes.

    Raises:
        Refused: it is too large, has no file, or is no form.
    """
    if request.content_type != "multipart/form-data":
        raise _undecodable()
    fields: dict[str, str] = {}
    file: bytes | None = None
    filename: str | None = None
    try:
        reader = await request.multipart()
        async for part in reader:
            if not isinstance(part, BodyPartReader) or part.name is None or len(fields) > _FIELDS_MOST:
                raise _undecodable()
            if part.name == "file":
                file, filename = await _content(part, most), part.filename
            else:
                fields[part.name] = (await _content(part, _FIELD_MAX)).decode()
    except (ValueError, AssertionError, KeyError, RuntimeError, HttpProcessingError) as error:
        # The reader tells of broken bodies in all these ways.
        raise _undecodable() from error
    if file is None:
        raise Refused(400, (BAD_REQUEST, "file: is missing"))
    return Form(fields, file, filename)


async def _content(part: BodyPartReader, most: int) -> bytes:
    content = bytearray()
    while block := await part.read_chunk():
        content += block
        if len(content) > most:
            raise Refused(413, (BAD_REQUEST, f"{part.name}: is larger than {most} bytes"), close=True)
    return bytes(content)


def _undecodable() -> Refused:
    return Refused(400, (DECODING, f"Decoding Error: {CODES[DECODING].meaning}"), close=True)
