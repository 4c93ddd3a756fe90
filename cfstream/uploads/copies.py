"""One of many videos that the service fetches itself: made once, also where the answer is lost."""

from collections.abc import Mapping
from typing import Any

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.errors import AmbiguousResultError, APIError, ClientClosedError, InvalidInputError, StreamError
from cfstream.models import Video
from cfstream.uploads.journal import Creation
from cfstream.uploads.leftovers import find
from cfstream.uploads.pace import Pace
from cfstream.uploads.record import OP_KEY, Kept, Unkept

_ATTEMPTS = 3


async def copied(
    transport: Transport, url: str, options: Mapping[str, Any], *, record: Kept | Unkept, pace: Pace
) -> Video:
    """Have the service fetch a video; one that a lost attempt made after all is taken.

    Raises:
        StreamError: the service refuses, or its answers keep getting lost.
    """
    attempt = 1
    while True:
        creation = await record.creating()
        try:
            video = await _made(transport, url, options, creation, pace)
        except AmbiguousResultError as error:
            pace.trouble()
            if attempt == _ATTEMPTS:
                await record.failed(str(error))
                raise
            attempt += 1
            continue
        except ClientClosedError:
            raise
        except StreamError as error:
            if isinstance(error, (APIError, InvalidInputError)):  # of others nobody knows whether nothing was made
                await record.settled(creation)
            await record.failed(str(error))
            raise
        await record.done(video.uid, creation)
        pace.success()
        return video


async def _made(transport: Transport, url: str, options: Mapping[str, Any], creation: Creation, pace: Pace) -> Video:
    meta = options.get("meta", {})
    if not isinstance(meta, Mapping):
        raise InvalidInputError(f"meta: expected a mapping, got {type(meta).__name__}")
    params = {"input": url, **options, "meta": {**meta, OP_KEY: creation.op}}
    request = endpoints.COPY_CREATE(params)
    try:
        return await pace.admitted(lambda: transport.send(request, timeout=None, bulk=True))
    except AmbiguousResultError:
        made = await find(transport, [creation], patient=True)
        if creation.op in made:
            return made[creation.op]
        raise
