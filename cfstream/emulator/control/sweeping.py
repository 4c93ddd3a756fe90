"""What falls due: uploads that expire and deletions that were scheduled, done when somebody looks."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from cfstream.emulator.service import Service


async def sweep(service: Service) -> None:
    """Delete what is due by the emulator's clock; an upload that expired is deleted, too."""
    due = service.library.store.due
    # Whoever comes while files are being removed waits until they are gone.
    if due(service.library.now()) or service.sweeping.locked():
        async with service.sweeping:
            for uid in due(service.library.now()):
                await service.delete_video(uid)


@contextlib.asynccontextmanager
async def on_moves(service: Service) -> AsyncGenerator[None]:
    """Sweep whenever the clock is put forward, from whatever thread."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def begin() -> None:
        task = loop.create_task(sweep(service), name="sweep")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def moved() -> None:
        loop.call_soon_threadsafe(begin)

    try:
        with service.control.clock.told(moved):
            yield
    finally:
        await asyncio.sleep(0)  # what was asked for until now begins
        await asyncio.gather(*tasks)
