"""A fresh start without a new process: the account is empty again, its credentials stay."""

import asyncio
import shutil

from cfstream.emulator.service import Service
from cfstream.emulator.tokens import Signer


async def reset(service: Service) -> None:
    """Delete everything of the account, end all work, and turn everything back to how it was at the start.

    The connections of requests that are being answered are lost; those that come meanwhile find the new account.
    """
    async with service.sweeping:
        await _end_requests(service)
        await service.jobs.close()
        await service.made.close()
        library = service.library
        library.store.wipe()
        service.signer = Signer(library)
        service.jobs.resume()
        service.control.reset()
        for folder in filter(lambda path: path.is_dir(), library.root.iterdir()):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def _end_requests(service: Service) -> None:
    # A reset over HTTP is one of them.
    others = service.at_work - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others)
