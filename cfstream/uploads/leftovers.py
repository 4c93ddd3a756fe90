"""What attempts of unknown outcome have left on the service: found by their op id, and cleared away."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.errors import NotFoundError
from cfstream.models import Video
from cfstream.pages import ByCreated, Pager
from cfstream.uploads.journal import Creation, JournalWriter
from cfstream.uploads.record import OP_KEY

# The service's clock and ours differ, and what it made shows in its lists some seconds later.
_CLOCKS_DIFFER = timedelta(seconds=300)
_FIRST_LOOK = 1.0
_PENDING = "pendingupload"


async def find(transport: Transport, creations: Iterable[Creation], *, patient: bool) -> Mapping[str, Video]:
    """Give the videos that attempts have made, by op id.

    Args:
        transport: the client's.
        creations: the attempts.
        patient: whether to look again until lists must show what was made.
    """
    clock = transport.session.clock
    wanted = {creation.op: creation for creation in creations}
    found: dict[str, Video] = {}
    wait = _FIRST_LOOK
    while wanted.keys() - found.keys():
        found |= await _look(transport, wanted)
        missing = [wanted[op].since for op in wanted.keys() - found.keys()]
        left = max(missing, default=0.0) + transport.session.limits.list_lag - clock.time()
        if not missing or not patient or left <= 0:
            break
        await clock.sleep(min(wait, left))
        wait *= 2
    return found


async def _look(transport: Transport, wanted: Mapping[str, Creation]) -> Mapping[str, Video]:
    since = datetime.fromtimestamp(min(creation.since for creation in wanted.values()), UTC) - _CLOCKS_DIFFER
    videos: Pager[Video] = Pager(transport, lambda: ByCreated(endpoints.STREAM_LIST, {"after": since}))
    return {video.meta[OP_KEY]: video async for video in videos if video.meta.get(OP_KEY) in wanted}


async def clear(transport: Transport, creations: Iterable[Creation], *, patient: bool = True) -> Mapping[str, Video]:
    """Delete the empty uploads that attempts have left, and give every video that they made.

    A video that has content is never touched.
    """
    found = await find(transport, creations, patient=patient)
    for video in found.values():
        if video.status.state == _PENDING:
            await take_back(transport, video.uid)
    return found


async def settle(transport: Transport, journal: JournalWriter) -> None:
    """Find out what became of every attempt whose answer was lost, so that each upload is there once.

    An empty upload is deleted, a copy that the service makes is taken for the one that was wanted, and a second one
    is deleted.
    """
    unknown = await journal.creations(unknown=True)
    if not unknown:
        return
    found = await find(transport, unknown, patient=True)
    for creation in unknown:
        video = found.get(creation.op)
        entry = await journal.find(creation.key)
        if video is None:
            continue
        if video.status.state == _PENDING or entry is None or entry.state == "done":
            await take_back(transport, video.uid)
        else:
            await journal.write(attrs.evolve(entry, state="done", uid=video.uid, url=None, reason=None))
    await journal.settled([creation.op for creation in unknown])


async def take_back(transport: Transport, uid: str) -> None:
    """Delete an upload of ours; that it is gone already is as good."""
    with suppress(NotFoundError):
        await transport.send(endpoints.STREAM_DELETE(identifier=uid), timeout=None, bulk=True)
