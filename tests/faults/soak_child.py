"""Uploads thousands of small things and tells what memory, files and threads that took; run as a process."""

import asyncio
import gc
import json
import os
import sys
import threading
from pathlib import Path

import attrs

from cfstream import Limits, RetryPolicy, Stream

AT_ONCE = 16
_MIB = 1024 * 1024
_QUICK = RetryPolicy(base=0.001, cap=0.002)
_SMALL = Limits(chunk_min=64 * 1024, chunk_default=256 * 1024, chunk_max=_MIB, chunk_multiple=64 * 1024)


def memory() -> int:
    """Give the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@attrs.frozen
class Seen:
    """What the process holds at a moment."""

    done: int
    memory: int = attrs.field(factory=memory)
    open_files: int = attrs.field(factory=open_files)
    threads: int = attrs.field(factory=threading.active_count)


async def main(url: str, journal: str, number: int) -> None:
    seen: list[Seen] = []
    done = failed = 0
    async with Stream("t" * 20, "a" * 32, base_url=url, rate_limit=None, retry=_QUICK, _limits=_SMALL) as stream:
        sources = (b"%d" % place for place in range(number))
        async for outcome in stream.upload_many(sources, journal=journal, concurrency=AT_ONCE):
            done += 1
            failed += outcome.error is not None
            if done % (number // 10) == 0:
                gc.collect()
                seen.append(Seen(done))
        tasks = len(asyncio.all_tasks())
    told = {"seen": [attrs.asdict(one) for one in seen], "failed": failed, "tasks": tasks}
    print(json.dumps(told))  # noqa: T201  # whoever started it reads this


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
