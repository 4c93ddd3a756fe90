"""What attempts of unknown outcome have left on the service: found by their op id, and cleared away."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import attrs

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.errors import APIError, NotFoundError, TransportError
from cfstream.models import Video
from cfstream.pages import ByCreated, Pager
from cfstream.uploads.journal import Creation, JournalWriter
from cfstream.uploads.record import OP_KEY

# The service's clock and ours differ, also by more than its last answer told.
_CLOCKS_DIFFER = timedelta(seconds=300)
_FIRST_LOOK = 1.0
_SURE = 600.0  # seconds after which no list misses what was made; they were seen to lag behind by some
PENDING = "pendingupload"
"""The state of an upload that is not whole."""


async def find(transport: Transport, creations: Iterable[Creation], *, patient: bool) -> Mapping[str, Video]:
    """Give the videos that attempts have made, by op id.

    Args:
        transport: the client's.
        creations: the attempts.
        patient: whether to look again until lists must show what was made; after a look in vain they long must.
    """
    clock = transport.session.clock
    # not from when the attempts began: nobody knows how long each waited before it was sent
    until = clock.monotonic() + transport.session.limits.list_lag
    wanted = {creation.op: creation for creation in creations}
    again = patient and any(creation.looked is None for creation in wanted.values())
    found: dict[str, Video] = {}
    wait = _FIRST_LOOK
    while wanted.keys() - found.keys():
        found |= await _look(transport, wanted)
        left = until - clock.monotonic()
        if not again or left <= 0 or wanted.keys() == found.keys():
            break
        await clock.sleep(min(wait, left))
        wait *= 2
    return found


async def _look(transport: Transport, wanted: Mapping[str, Creation]) -> Mapping[str, Video]:
    began = min(creation.since for creation in wanted.values()) - transport.session.service_behind()
    since = datetime.fromtimestamp(began, UTC) - _CLOCKS_DIFFER
    videos: Pager[Video] = Pager(_unhurried(transport), lambda: ByCreated(endpoints.STREAM_LIST, {"after": since}))
    return {video.meta[OP_KEY]: video async for video in videos if video.meta.get(OP_KEY) in wanted}


def _unhurried(transport: Transport) -> Transport:
    """Give the view whose lists wait for their turn however long: no call of an upload has a limit of its own."""
    return Transport(transport.session, attrs.evolve(transport.settings, timeout=None))


async def clear(transport: Transport, creations: Iterable[Creation], *, patient: bool = True) -> Mapping[str, Video]:
    """Delete the empty uploads that attempts have left, and give every video that they made.

    A video that has content is never touched.
    """
    found = await find(transport, creations, patient=patient)
    for video in found.values():
        if video.status.state == PENDING:
            await take_back(transport, video.uid)
    return found


async def lost(transport: Transport, journal: JournalWriter) -> list[Creation]:
    """Give the attempts that are to be looked for now: for the first time, or long after that for the last."""
    return await journal.unknown(looked_before=transport.session.clock.time() - _SURE)


async def in_vain(transport: Transport, journal: JournalWriter, creations: Sequence[Creation]) -> None:
    """Keep of attempts that they were not found; those that were not found before are forgotten."""
    first = [creation.op for creation in creations if creation.looked is None]
    await journal.looked(first, transport.session.clock.time())
    await journal.settled([creation.op for creation in creations if creation.looked is not None])


async def settle(transport: Transport, journal: JournalWriter, *, last: bool) -> None:
    """Find out what became of every attempt whose answer was lost, so that each upload is there once.

    An empty upload is deleted, a copy that the service makes is taken for the one that was wanted, and a second one
    is deleted. What other uploads of this process are at work on is left to them.

    Args:
        transport: the client's.
        journal: which has the attempts.
        last: whether the run ends, so that what is not found is left to a run much later; reports tell of it.
    """
    # what was made in another account shows in its own lists alone
    own = f"{transport.settings.account_id}:"
    unknown = [
        made for made in await lost(transport, journal) if made.key.startswith(own) and not journal.is_busy(made.key)
    ]
    if not unknown:
        return
    found = await find(transport, unknown, patient=True)
    for creation in unknown:
        if not journal.is_busy(creation.key):
            async with journal.alone(creation.key):
                await _settle(transport, journal, creation, found.get(creation.op), last=last)


async def _settle(
    transport: Transport, journal: JournalWriter, creation: Creation, video: Video | None, *, last: bool
) -> None:
    if not await journal.is_unknown(creation.op):
        return  # an upload has come and gone since, and what was found may be its whole video
    entry = await journal.find(creation.key)
    if video is None:
        if last or creation.looked is not None:
            await in_vain(transport, journal, [creation])
    elif not creation.key.startswith(f"{transport.settings.account_id}:copy:"):
        # no byte was sent to an upload whose address nobody got, so it is never the wanted video
        if video.status.state == PENDING:
            await take_back(transport, video.uid)
        await journal.settled([creation.op])
    elif entry is None or entry.uid not in {None, video.uid}:
        await take_back(transport, video.uid)
        await journal.settled([creation.op])
    else:
        # with what the attempt made, in one commit: a video that is done and yet unknown would be a second one
        done = attrs.evolve(entry, state="done", uid=video.uid, url=None, reason=None)
        await journal.created(done, creation.op)


def is_certain(error: APIError | TransportError) -> bool:
    """Tell of an attempt that failed whether it made nothing: it was refused or never sent."""
    return not (isinstance(error, TransportError) and error.sent)


async def look_up(transport: Transport, uid: str, *, bulk: bool = False) -> Video | None:
    """Give a video, or None where there is none of that uid."""
    try:
        return await transport.send(endpoints.STREAM_GET(identifier=uid), timeout=None, bulk=bulk)
    except NotFoundError:
        return None


async def take_back(transport: Transport, uid: str) -> None:
    """Delete an upload of ours; that it is gone already is as good."""
    with suppress(NotFoundError):
        await transport.send(endpoints.STREAM_DELETE(identifier=uid), timeout=None, bulk=True)
