"""Work that must not stop half-way, whatever becomes of who waits for it."""

import asyncio


async def finished(task: "asyncio.Task[None]") -> None:
    """Wait for a task to its end, also when the caller is cancelled meanwhile.

    Raises:
        asyncio.CancelledError: the caller was cancelled; the task has ended all the same.
        Exception: what ended the task.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
