"""One of many videos that the service fetches itself: made once, also where the answer is lost."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.endpoints import Request
from cfstream.errors import (
    AmbiguousResultError,
    APIError,
    ClientClosedError,
    InvalidInputError,
    StreamError,
    TransportError,
)
from cfstream.models import Video
from cfstream.uploads.journal import Creation
from cfstream.uploads.leftovers import find, is_certain, take_back
from cfstream.uploads.pace import Pace
from cfstream.uploads.record import NO_OP, OP_KEY, Record

_ATTEMPTS = 3


async def copied(transport: Transport, url: str, options: Mapping[str, Any], *, record: Record, pace: Pace) -> Video:
    """Have the service fetch a video; one that a lost attempt made after all is taken.

    Raises:
        InvalidInputError: the address or an option is refused; nothing was sent.
        StreamError: the service refuses, or its answers keep getting lost.
    """
    try:
        return await _copied(transport, url, options, record=record, pace=pace)
    except ClientClosedError:
        raise  # it has not failed: a later run goes on
    except StreamError as error:
        await record.failed(str(error))
        raise


async def _copied(transport: Transport, url: str, options: Mapping[str, Any], *, record: Record, pace: Pace) -> Video:
    _request(url, options, op=NO_OP)  # refuses options before the journal hears of an attempt
    unknown: list[Creation] = []
    while True:
        creation = await record.creating()
        request = _request(url, options, op=creation.op)
        try:
            video = await pace.admitted(lambda: transport.send(request, timeout=None, bulk=True))  # noqa: B023  # called before the next attempt
        except AmbiguousResultError:
            pace.trouble()
            # how the look itself fails says nothing of what was made
            found = await find(transport, [creation], patient=True)
            if creation.op not in found:
                unknown.append(creation)
                if len(unknown) < _ATTEMPTS:
                    continue
                raise
            video = found[creation.op]
        except (APIError, TransportError) as error:
            if is_certain(error):
                await record.settled(creation)  # so nobody need look for it
            raise
        await record.done(video.uid, creation)
        with suppress(StreamError):  # the video is there all the same
            await _clear_others(transport, unknown, record)
        pace.success()
        return video


async def _clear_others(transport: Transport, unknown: Sequence[Creation], record: Record) -> None:
    """Delete the videos of earlier attempts that no list showed when they were looked for."""
    found = await find(transport, unknown, patient=False)
    for creation in unknown:
        if creation.op in found:
            await take_back(transport, found[creation.op].uid)
            await record.settled(creation)


def _request(url: str, options: Mapping[str, Any], *, op: str) -> Request[Video]:
    meta = options.get("meta", {})
    if not isinstance(meta, Mapping):
        raise InvalidInputError(f"meta: expected a mapping, got {type(meta).__name__}")
    return endpoints.COPY_CREATE({"input": url, **options, "meta": {**meta, OP_KEY: op}})
