"""Media work of the demo, in a child process that Ctrl-C can end at any moment.

``python -m cfstream.cli.media make FILE SECONDS`` or ``... play ADDRESS``; what came out is said in JSON.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

from cfstream.errors import StreamError


class MediaWorkError(StreamError):
    """The test video could not be made, or what the emulator serves could not be played."""


async def run_media(*arguments: str) -> dict[str, Any]:
    """Do the work in a child process, which does not outlive a cancelled caller.

    Raises:
        MediaWorkError: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # the child finds modules where this process does, not in the folder it happens to be started in
        "-P",
        "-m",
        "cfstream.cli.media",
        *arguments,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    try:
        out, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        reason = complaints.decode(errors="replace").strip().splitlines()
        raise MediaWorkError(f"{arguments[0]} {arguments[1]}: {reason[-1] if reason else process.returncode}")
    done: dict[str, Any] = json.loads(out)
    return done


def work(arguments: list[str]) -> dict[str, Any]:
    """Do what the arguments say, in this process."""
    import attrs
    import av.logging

    from cfstream.emulator.media.playback import decode_hls
    from cfstream.emulator.media.testvideo import make_test_video

    av.logging.set_level(None)
    match arguments:
        case ["make", file, seconds]:
            make_test_video(Path(file), seconds=float(seconds))
            return {"size": Path(file).stat().st_size}
        case ["play", address]:
            return attrs.asdict(decode_hls(address))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(sys.argv[1:])))
