"""Uploads thousands of small things and tells how much memory and how many files that took; run as a process."""

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

from cfstream import Limits, Stream

AT_ONCE = 16
_MIB = 1024 * 1024
_SMALL = Limits(chunk_min=64 * 1024, chunk_default=256 * 1024, chunk_max=_MIB, chunk_multiple=64 * 1024)


def memory() -> int:
    """Give the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def main(url: str, journal: str, number: int) -> None:
    seen: list[tuple[int, int, int]] = []
    done = failed = 0
    async with Stream("t" * 20, "a" * 32, base_url=url, rate_limit=None, _limits=_SMALL) as stream:
        sources = (b"%d" % place for place in range(number))
        async for outcome in stream.upload_many(sources, journal=journal, concurrency=AT_ONCE):
            done += 1
            failed += outcome.error is not None
            if done % (number // 10) == 0:
                gc.collect()
                seen.append((done, memory(), open_files()))
        tasks = [task for task in asyncio.all_tasks() if "cfstream" in str(task.get_coro())]
    print(json.dumps({"seen": seen, "failed": failed, "tasks": len(tasks)}))  # noqa: T201  # whoever started it reads this


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
