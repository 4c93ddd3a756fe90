"""One caption track, saved as a file."""

import asyncio
from pathlib import Path

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream._types import PathSource
from cfstream.saving.places import place_for, write_whole


async def save_vtt(transport: Transport, language: str, path: PathSource, *, uid: str, overwrite: bool) -> Path:
    """Ask for the text, write it and give its place.

    Raises:
        InvalidInputError: an argument is refused; nothing was asked for.
        OSError: it cannot be written.
    """
    request = endpoints.CAPTIONS_LANGUAGE_VTT_GET(language=language, identifier=uid)
    place = place_for(path, f"{uid}.{language}.vtt", overwrite=overwrite)
    text = await transport.send(request)
    await asyncio.to_thread(write_whole, place, text.encode(), overwrite=overwrite)
    return place
