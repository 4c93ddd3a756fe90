"""The event loop's side of a media job: starts the child process, passes on its events, ends it for sure."""

import asyncio
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Coroutine
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Any, Final, TypeVar

from cfstream.emulator.media.errors import UNKNOWN, MediaError
from cfstream.emulator.media.jobs import Job, to_arguments

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)
_WORKER: Final = "cfstream.emulator.media.worker"
_GRACE: Final = 2.0
_TAIL: Final = 4096
_FINAL: Final = ("done", "error")


async def run_job(
    job: Job, *, on_event: Callable[[dict[str, Any]], None] = lambda _: None, most: int | None = None
) -> dict[str, Any]:
    """Does a media job in a child process.

    Args:
        job: What to do.
        on_event: Called with each ``probe`` and ``progress`` event of the worker.
        most: How many bytes a file that it writes may have, where that is less than the worker's own bound.

    Returns:
        The worker's ``done`` event.

    Raises:
        MediaError: If the file is no usable video, or, as ``ERR_UNKNOWN``, if the worker crashed.
    """
    # A file and not a pipe: nobody need read it while the worker runs.
    with TemporaryFile() as complaints:
        bound = [] if most is None else [str(most)]
        process = await spawn(_WORKER, *to_arguments(job), *bound, complaints=complaints)
        try:
            last = await _follow(process, on_event)
            status = await process.wait()
        finally:
            await end(process)
        if last.get("event") == "done" and status == 0:
            return last
        if last.get("event") == "error":
            raise MediaError(last["code"], last["text"])
        _log.error("The media worker ended with status %d: %s", status, _tail(complaints))
        raise MediaError(UNKNOWN)


async def spawn(module: str, *arguments: str, complaints: IO[bytes] | int) -> Process:
    """Starts a module of ours as a child process in a group of its own, with pipes for its input and output.

    Args:
        module: What to run.
        arguments: Its command line.
        complaints: Where its standard error goes.
    """
    return await asyncio.create_subprocess_exec(
        sys.executable,
        # The child finds modules where this process does, and not in the folder it happens to be started in.
        "-P",
        "-m",
        module,
        *arguments,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
        stdin=PIPE,  # every child of ours ends when it closes
        stdout=PIPE,
        stderr=complaints,
        start_new_session=True,
    )


async def _follow(process: Process, on_event: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    last: dict[str, Any] = {}
    if process.stdout is not None:
        async for line in process.stdout:
            event = parse(line)
            if event.get("event") in _FINAL:
                last = event
            elif event:
                on_event(event)
    return last


def parse(line: bytes) -> dict[str, Any]:
    """What a child process says in a line, or nothing if it makes no sense."""
    try:
        event: dict[str, Any] = json.loads(line)
    except ValueError:
        # A library that prints, or the half line of a worker that was killed.
        _log.warning("The media worker said %r", line)
        return {}
    return event


async def end(process: Process) -> None:
    """Ends a child process and all that it started; afterwards it is gone."""
    if process.returncode is not None:
        return
    kill(process, signal.SIGTERM)
    await last_words(process, process.communicate(), _GRACE)


async def last_words(process: Process, ending: Coroutine[Any, Any, T], grace: float) -> T:
    """Waits for what a child process does in the end; it is killed if that takes too long or nobody waits any more.

    Args:
        process: The child.
        ending: Reads its output to the end, and waits for it.
        grace: Seconds that it may take.
    """
    # not asyncio.timeout: in a task that is being cancelled, as this one may be, Python 3.11.2 mistakes it for that
    ended = asyncio.ensure_future(ending)
    try:
        done, _ = await asyncio.wait({ended}, timeout=grace)
    except asyncio.CancelledError:
        kill(process)
        ended.cancel()
        raise
    if not done:
        kill(process)
    return await ended


def kill(process: Process, number: signal.Signals = signal.SIGKILL) -> None:
    """Sends a signal to a child process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _tail(complaints: IO[bytes]) -> str:
    complaints.seek(max(0, complaints.seek(0, os.SEEK_END) - _TAIL))
    return complaints.read().decode(errors="replace").strip()
