"""Async work under a command: Ctrl-C and the polite signals cancel it, and it cleans up before the command ends."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_POLITE = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_SIGNAL_CODES = 128  # shells add the signal's number


class StoppedError(Exception):
    """A signal ended the command."""

    def __init__(self, number: int, further: str = "") -> None:
        name = signal.Signals(number).name
        super().__init__(("interrupted" if number == signal.SIGINT else f"stopped by {name}") + further)
        self.number = number
        self.code = _SIGNAL_CODES + number


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run async work to its end.

    Raises:
        StoppedError: Ctrl-C or another signal, after the work has cleaned up.
    """
    try:
        return asyncio.run(_until_signal(work))
    except KeyboardInterrupt as error:
        raise StoppedError(signal.SIGINT) from error


async def _until_signal(work: Coroutine[Any, Any, T]) -> T:
    # asyncio.run itself does for Ctrl-C what this does for the others
    loop, main, task = asyncio.get_running_loop(), asyncio.current_task(), asyncio.ensure_future(work)
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        task.cancel()

    # what nohup and the like ignore stays ignored
    numbers = [number for number in _POLITE if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except BaseException as error:
        # what goes wrong while everything is torn down is not what the user is to hear about
        if received:
            raise StoppedError(received[0]) from error
        if main is not None and main.cancelling():
            raise asyncio.CancelledError from error
        raise
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
