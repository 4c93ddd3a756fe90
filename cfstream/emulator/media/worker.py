"""The child process that does one media job and says on standard output, in lines of JSON, how it goes.

The lines are ``{"event": "probe", ...}`` and ``{"event": "progress", "pct": 30.0}`` while it works, then
``{"event": "done", ...}``, or ``{"event": "error", "code": "ERR_...", "text": "..."}`` with exit status 3.
"""

import errno
import json
import os
import signal
import stat
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, Final

import attrs
import av.logging

from cfstream.emulator.media.added import encode_track
from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.files import whole
from cfstream.emulator.media.jobs import (
    EncodeJob,
    GifJob,
    Job,
    MakeJob,
    Mp4Job,
    PlayJob,
    ProbeJob,
    RecordingJob,
    ThumbnailJob,
    TrackJob,
    from_arguments,
)
from cfstream.emulator.media.live.recording import record
from cfstream.emulator.media.part import Part
from cfstream.emulator.media.playback import decode_hls
from cfstream.emulator.media.probe import probe
from cfstream.emulator.media.remux import to_mp4
from cfstream.emulator.media.testvideo import make_test_video
from cfstream.emulator.media.thumbnail import animation, thumbnail

FAILED: Final = 3
_GIB: Final = 1024**3
_NICENESS: Final = 5
# A crafted file must not take the machine down; no honest one comes near these. The longest video is 10 hours, and
# a second of it costs several of a processor.
_LIMITS: Final = {"RLIMIT_AS": 4 * _GIB, "RLIMIT_FSIZE": 32 * _GIB, "RLIMIT_CPU": 7 * 24 * 3600, "RLIMIT_CORE": 0}
# Seconds for what encodes nothing or little; the others may take as long as a video is long, many times over.
_PATIENCE: Final = {
    ProbeJob.name: 60,
    ThumbnailJob.name: 120,
    GifJob.name: 300,
    # these copy a video of any length, as fast as the disk is
    Mp4Job.name: 3600,
    RecordingJob.name: 3600,
}
_FULL: Final = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)
_CPU_LEAST, _CPU_PER_SECOND = 600, 200


def main(arguments: list[str]) -> int:
    """Does the job of a command line and returns the exit status."""
    end_with_parent()
    be_modest()
    try:
        job = from_arguments(arguments[:2])
        for most in arguments[2:]:
            _limit("RLIMIT_FSIZE", min(int(most), _LIMITS["RLIMIT_FSIZE"]))
        # The system ends a worker that is late, in whatever loop of a library it is.
        signal.alarm(_PATIENCE.get(job.name, 0))
        done = _run(job)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent is to know, and the log has the rest
        return fail(_meant(error))
    emit("done", **done)
    return 0


def _meant(error: Exception) -> MediaError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return MediaError(UNKNOWN, "Storage capacity exceeded: the emulator's disk has no room for it.")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, MediaError):
        return error
    traceback.print_exc()
    return MediaError(UNKNOWN, f"{type(error).__name__}: {error}")


def end_with_parent() -> None:
    """Has this process end when the other end of its input goes away: an emulator that was killed tells nobody."""
    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):

        def watch() -> None:
            os.read(0, 1)
            os._exit(FAILED)

        threading.Thread(target=watch, daemon=True).start()


def be_modest() -> None:
    """Takes little of the machine."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    os.umask(0o077)
    # Libraries close to the machine report by the thousand on broken files.
    av.logging.set_level(None)
    for name, limit in _LIMITS.items():
        _limit(name, limit)


def _limit(name: str, most: int) -> None:
    # Not every system has every limit, and one set from outside may be lower.
    with suppress(ImportError, AttributeError, ValueError, OSError):
        import resource

        resource.setrlimit(getattr(resource, name), (most, most))


def _limit_time(seconds: float) -> None:
    """Let the work on so many seconds of a video take so much and no more."""
    _limit("RLIMIT_CPU", min(_CPU_LEAST + int(_CPU_PER_SECOND * seconds), _LIMITS["RLIMIT_CPU"]))


def _run(job: Job) -> dict[str, Any]:
    match job:
        case EncodeJob():
            return _encode(job)
        case GifJob():
            animation(**attrs.asdict(job))
            return {"size": job.target.stat().st_size}
        case ThumbnailJob():
            picture = thumbnail(job.hls_dir, time=job.time, width=job.width, height=job.height, fit=job.fit)
            with whole(job.target) as part:
                part.write_bytes(picture)
            return {"size": len(picture)}
        case Mp4Job():
            to_mp4(**attrs.asdict(job))
            return {"size": job.target.stat().st_size}
        case ProbeJob():
            return attrs.asdict(probe(job.source))
        case RecordingJob():
            record(job.source, job.target)
            return {"size": job.target.stat().st_size}
        case TrackJob():
            _limit_time(job.seconds)
            return attrs.asdict(encode_track(**attrs.asdict(job)))
        case MakeJob():
            make_test_video(job.target, seconds=job.seconds)
            return {"size": job.target.stat().st_size}
        case PlayJob():
            return attrs.asdict(decode_hls(job.address))


def _encode(job: EncodeJob) -> dict[str, Any]:
    signal.alarm(_PATIENCE[ProbeJob.name])
    facts, part = probe(job.source), None
    signal.alarm(0)
    _limit_time(facts.duration)
    shown = facts
    if job.start is not None and job.end is not None:
        part = Part(start=job.start, end=job.end)
        shown = part.of(facts)
    emit("probe", **attrs.asdict(shown), has_audio=facts.has_audio)
    told = 0

    def tell(pct: float) -> None:
        nonlocal told
        if int(pct) > told:
            told = int(pct)
            emit("progress", pct=float(told))

    result = encode(
        job.source, job.out_dir, preset=job.preset, on_progress=tell, facts=facts, part=part, marks=job.marks
    )
    return attrs.asdict(result)


def fail(error: MediaError) -> int:
    """Tells the error and gives the exit status."""
    emit("error", code=error.code, text=error.text)
    return FAILED


def emit(event: str, **fields: Any) -> None:
    """Says one event to the parent."""
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
