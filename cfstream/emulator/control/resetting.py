"""A fresh start without a new process: the account is empty again, its credentials stay."""

import asyncio
import shutil
from typing import Any

from cfstream.emulator.access.tokens import Signer
from cfstream.emulator.finishing import finished
from cfstream.emulator.service import Service
from cfstream.emulator.storage import disk


async def reset(service: Service) -> None:
    """Delete everything of the account, end all work, and turn everything back to how it was at the start.

    The connections of requests that are being answered are lost; those that come meanwhile find the new account.
    Once begun it goes on to its end, also when the caller is cancelled.
    """
    async with service.sweeping:
        await finished(asyncio.create_task(_reset(service, asyncio.current_task()), name="reset"))


async def _reset(service: Service, caller: "asyncio.Task[Any] | None") -> None:
    await _end_requests(service, caller)
    await service.broadcasts.close()
    await service.jobs.close()
    await service.made.close()
    await service.sender.stop()
    library = service.library
    library.store.wipe()
    service.signer = Signer(library)
    service.jobs.resume()
    service.control.reset()
    for folder in filter(lambda path: path.is_dir(), library.root.iterdir()):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    disk.prepare(library.root)
    service.broadcasts.reopen()


async def _end_requests(service: Service, caller: "asyncio.Task[Any] | None") -> None:
    # A reset over HTTP is one of them.
    others = service.at_work - {caller}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
