"""What the killed processes run: one `upload_many` that SIGKILL ends at a named moment, or that tells how it was.

The moments are put into the client here, from outside; the library knows nothing of them.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import attrs

import cfstream.sync
from cfstream import CopyJob, Limits, RetryPolicy, Stream, endpoints
from cfstream._transport import Transport
from cfstream.errors import StreamError
from cfstream.uploads.journal import JournalWriter

QUICK = RetryPolicy(base=0.001, cap=0.002)
_ROWS = (
    "COPY_CREATE",
    "STREAM_CREATE",
    "STREAM_DELETE",
    "STREAM_GET",
    "STREAM_LIST",
    "TUS_HEAD",
    "TUS_PATCH",
)


@attrs.frozen(kw_only=True)
class Errand:
    """What a process is to do."""

    client: dict[str, Any]
    """Credentials and address."""
    limits: Limits
    files: tuple[Path, ...]
    copies: tuple[str, ...] = ()
    journal: Path
    concurrency: int = 8
    moment: str = ""
    """Where it is killed, such as ``TUS_PATCH.before``."""
    nth: int = 1
    """How often the moment passes before."""
    answers_take: float = 0.0
    """Seconds that the answers to creates are on their way."""
    queued_for: float = 0.0
    """Seconds that a create waits between its intent and its request, as behind a full encoder."""
    gate: Path | None = None
    """A FIFO; the first source is given only when it is opened for writing."""
    blocking: bool = False
    """Whether the blocking twin does it."""
    cancelled_by_sigterm: bool = False


@attrs.frozen(kw_only=True)
class Told:
    """How a process ended that was not killed."""

    error: str | None = None
    """The class and the line."""
    done: int = 0
    failed: tuple[str, ...] = ()
    pending: int = 0


def run(errand: Errand, out: Connection) -> None:
    """Do the errand and tell."""
    # whoever starts the tests in the background may have it ignored, which children take over
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _plant(errand)
    try:
        told = _blocking(errand) if errand.blocking else asyncio.run(_async(errand))
    except StreamError as error:
        told = Told(error=f"{type(error).__name__}: {error}")
    except (KeyboardInterrupt, asyncio.CancelledError) as error:
        told = Told(error=type(error).__name__)
    out.send(told)


def _options(errand: Errand) -> dict[str, Any]:
    return {**errand.client, "rate_limit": None, "retry": QUICK, "_limits": errand.limits}


async def _async(errand: Errand) -> Told:
    task = asyncio.current_task()
    if errand.cancelled_by_sigterm and task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with Stream(**_options(errand)) as stream:
        uploads = stream.upload_many(_sources(errand), journal=errand.journal, concurrency=errand.concurrency)
        return _told(await uploads.run())


def _blocking(errand: Errand) -> Told:
    with cfstream.sync.Stream(**_options(errand)) as stream:
        jobs: list[Any] = [*errand.files, *map(CopyJob, errand.copies)]
        return _told(stream.upload_many(jobs, journal=errand.journal, concurrency=errand.concurrency).run())


async def _sources(errand: Errand) -> AsyncIterator[Any]:
    if errand.gate is not None:
        await asyncio.to_thread(errand.gate.read_bytes)
    for number, path in enumerate(errand.files):
        yield path
        if number < len(errand.copies):
            yield CopyJob(errand.copies[number])
    for url in errand.copies[len(errand.files) :]:
        yield CopyJob(url)


def _told(report: Any) -> Told:
    failed = tuple(f"{entry.source}: {entry.reason}" for entry in report.failed)
    return Told(done=report.done, failed=failed, pending=report.pending)


# --- moments -----------------------------------------------------------------------------------------------------


def _plant(errand: Errand) -> None:
    passed = 0

    def reach(moment: str) -> None:
        nonlocal passed
        if moment == errand.moment:
            passed += 1
            if passed == errand.nth:
                os.kill(os.getpid(), signal.SIGKILL)

    for name in ("creating", "created", "settled", "write"):
        _around_commit(name, reach)
    _around_exchange(errand, reach)


def _around_commit(name: str, reach: Callable[[str], None]) -> None:
    commit: Callable[..., Awaitable[None]] = getattr(JournalWriter, name)

    async def watched(self: JournalWriter, *arguments: Any) -> None:
        # a call that commits nothing is no moment
        moment = f"{name}.done" if getattr(arguments[0], "state", "") == "done" else name
        moment = moment if arguments[0] else ""
        reach(f"{moment}.before")
        await commit(self, *arguments)
        reach(f"{moment}.after")

    setattr(JournalWriter, name, watched)


def _around_exchange(errand: Errand, reach: Callable[[str], None]) -> None:
    exchange = Transport.exchange

    async def watched(self: Transport, request: Any, call: Any, **options: Any) -> Any:
        row = next(name for name in _ROWS if getattr(endpoints, name) is request.endpoint)
        creates = row in {"STREAM_CREATE", "COPY_CREATE"}
        if creates and errand.queued_for:
            await asyncio.sleep(errand.queued_for)
        reach(f"{row}.before")
        if options.get("body") is not None:
            options["body"] = _body(options["body"], row, reach)
        response = await exchange(self, request, call, **options)
        if creates:
            await asyncio.sleep(errand.answers_take)
        reach(f"{row}.after")
        return response

    Transport.exchange = watched  # type: ignore[method-assign]  # the moments come from outside


async def _body(body: Any, row: str, reach: Callable[[str], None]) -> AsyncIterator[Any]:
    async with contextlib.aclosing(body):
        async for piece in body:
            half = len(piece) // 2
            yield piece[:half]
            reach(f"{row}.inside")
            yield piece[half:]
