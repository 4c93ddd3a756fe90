"""A fresh start without a new process: the account is empty again, its credentials stay."""

import asyncio
import shutil

from cfstream.emulator.records import PENDING
from cfstream.emulator.service import Service
from cfstream.emulator.store import VideoFilter
from cfstream.emulator.tokens import Signer


async def reset(service: Service) -> None:
    """Delete everything of the account, end all work, and turn everything back to how it was at the start."""
    library = service.library
    for video in library.store.videos(VideoFilter(status=PENDING)):
        await service.writers.stop(video.uid)
    await service.jobs.close()
    await service.made.close()
    library.store.wipe()
    service.signer = Signer(library)
    service.jobs.resume()
    service.control.reset()
    for folder in filter(lambda path: path.is_dir(), library.root.iterdir()):
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
