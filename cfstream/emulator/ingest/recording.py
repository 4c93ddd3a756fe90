"""What is left of a broadcast becomes a normal video."""

import asyncio
import logging
import shutil

from cfstream.emulator.encoding.jobs import Jobs
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import RecordingJob
from cfstream.emulator.media.live.files import RECORDING
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import LIVE, QUEUED
from cfstream.emulator.storage.store import VideoFilter

_log = logging.getLogger("cfstream.emulator")


def begin(library: Library, jobs: Jobs, uid: str) -> None:
    """Make the recording of a broadcast that has ended, and encode it like every video."""
    jobs.start(uid, _record(library, jobs, uid))


async def _record(library: Library, jobs: Jobs, uid: str) -> None:
    kept = library.live(uid) / RECORDING
    if not kept.is_file():
        jobs.fail(uid, MediaError(UNKNOWN, "The broadcast left nothing behind."))
        return
    try:
        async with jobs.aside:
            await run_job(RecordingJob(source=kept, target=library.source(uid)), most=jobs.room())
    except MediaError as error:
        jobs.fail(uid, error)
    except Exception:  # noqa: BLE001  # a video must end in some state, whatever went wrong
        _log.exception("recording of %s", uid)
        jobs.fail(uid, MediaError(UNKNOWN))
    else:
        if library.change(uid, state=QUEUED) is not None:
            jobs.add(uid)
        # Last: until the state says otherwise, the next start makes the recording of it once more.
        kept.unlink(missing_ok=True)


async def resume(library: Library, jobs: Jobs) -> None:
    """Make recordings of what was live when the emulator ended, and remove what players no longer ask for."""
    for video in library.store.videos(VideoFilter(live=True), ascending=True):
        if video.state == LIVE:
            begin(library, jobs, video.uid)
        else:
            await asyncio.to_thread(shutil.rmtree, library.live(video.uid), ignore_errors=True)
