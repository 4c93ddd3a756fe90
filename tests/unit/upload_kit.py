"""What tests of uploads at their edges share: a hasty client, and looks at the service and into a journal."""

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

from virtual_clock import VirtualClock

from cfstream import RetryPolicy, Stream
from cfstream.emulator import Emulator

KIB = 1024


def quick(emulator: Emulator, clock: VirtualClock | None = None, **options: Any) -> Stream:
    """Give a client whose waits take no time."""
    waits = RetryPolicy(base=0.001, cap=0.002)
    return emulator.stream(**{"retry": waits, "_clock": clock or VirtualClock(epoch=time.time()), **options})


def stored(emulator: Emulator, uid: str) -> bytes:
    """Give the bytes that the service has of a video."""
    return emulator._running.library.source(uid).read_bytes()


async def there(emulator: Emulator) -> list[bytes]:
    """Give the bytes of every video on the service."""
    return [stored(emulator, uid) for uid in await uids(emulator)]


async def uids(emulator: Emulator) -> list[str]:
    """Give the uid of every video on the service."""
    async with emulator.stream() as client:
        return [video.uid async for video in client.list()]


async def walked(outcomes: AsyncIterable[Any]) -> list[Any]:
    """Give all outcomes."""
    return [outcome async for outcome in outcomes]


def unknown(journal: Path) -> int:
    """Count the attempts of which the journal does not know what they made."""
    with contextlib.closing(sqlite3.connect(journal)) as database:
        (count,) = database.execute("SELECT count(*) FROM creations WHERE uid IS NULL").fetchone()
        return int(count)
