"""The child process that does one media job and says on standard output, in lines of JSON, how it goes.

The lines are ``{"event": "probe", ...}`` and ``{"event": "progress", "pct": 30.0}`` while it works, then
``{"event": "done", ...}``, or ``{"event": "error", "code": "ERR_...", "text": "..."}`` with exit status 3.
"""

import json
import os
import stat
import sys
import threading
import traceback
from contextlib import suppress
from typing import Any, Final

import attrs
import av.logging

from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.files import whole
from cfstream.emulator.media.jobs import EncodeJob, Job, Mp4Job, ProbeJob, SoundJob, ThumbnailJob, from_arguments
from cfstream.emulator.media.part import Part
from cfstream.emulator.media.probe import probe
from cfstream.emulator.media.remux import to_mp4
from cfstream.emulator.media.sound import check_sound
from cfstream.emulator.media.thumbnail import thumbnail

FAILED: Final = 3
_GIB: Final = 1024**3
_NICENESS: Final = 5
# A crafted file must not take the machine down; no honest one comes near these. The longest video is 10 hours, and
# a second of it costs several of a processor.
_LIMITS: Final = {"RLIMIT_AS": 4 * _GIB, "RLIMIT_FSIZE": 32 * _GIB, "RLIMIT_CPU": 7 * 24 * 3600, "RLIMIT_CORE": 0}


def main(arguments: list[str]) -> int:
    """Does the job of a command line and returns the exit status."""
    _end_with_parent()
    _be_modest()
    try:
        done = _run(from_arguments(arguments))
    except MediaError as error:
        return _fail(error)
    except Exception as error:  # noqa: BLE001  # whatever it is, the parent is to know, and the log has the rest
        traceback.print_exc()
        return _fail(MediaError(UNKNOWN, f"{type(error).__name__}: {error}"))
    _emit("done", **done)
    return 0


def _end_with_parent() -> None:
    """Has this process end when the other end of its input goes away: an emulator that was killed tells nobody."""
    kind = os.fstat(0).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind):

        def watch() -> None:
            os.read(0, 1)
            os._exit(FAILED)

        threading.Thread(target=watch, daemon=True).start()


def _be_modest() -> None:
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Libraries close to the machine report by the thousand on broken files.
    av.logging.set_level(None)
    with suppress(ImportError):
        import resource

        for name, limit in _LIMITS.items():
            # Not every system has every limit, and one set from outside may be lower.
            with suppress(AttributeError, ValueError, OSError):
                resource.setrlimit(getattr(resource, name), (limit, limit))


def _run(job: Job) -> dict[str, Any]:
    match job:
        case EncodeJob():
            return _encode(job)
        case ThumbnailJob():
            picture = thumbnail(job.source, time=job.time, width=job.width, height=job.height, fit=job.fit)
            with whole(job.target) as part:
                part.write_bytes(picture)
            return {"size": len(picture)}
        case Mp4Job():
            to_mp4(job.hls_dir, job.target, sound_only=job.sound_only)
            return {"size": job.target.stat().st_size}
        case ProbeJob():
            return attrs.asdict(probe(job.source))
        case SoundJob():
            check_sound(job.source)
            return {}


def _encode(job: EncodeJob) -> dict[str, Any]:
    facts, part = probe(job.source), None
    shown = facts
    if job.start is not None and job.end is not None:
        part = Part(start=job.start, end=job.end)
        shown = part.of(facts)
    _emit("probe", **attrs.asdict(shown), has_audio=facts.has_audio)
    told = 0

    def tell(pct: float) -> None:
        nonlocal told
        if int(pct) > told:
            told = int(pct)
            _emit("progress", pct=float(told))

    result = encode(job.source, job.out_dir, preset=job.preset, on_progress=tell, facts=facts, part=part)
    return attrs.asdict(result)


def _fail(error: MediaError) -> int:
    _emit("error", code=error.code, text=error.text)
    return FAILED


def _emit(event: str, **fields: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
