"""Captions from the sound of a video, by a function of the user's: the emulator itself cannot listen."""

import asyncio
import inspect
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

from cfstream.emulator.answers import Refused
from cfstream.emulator.encoding import presenting, vtt
from cfstream.emulator.errors import EmulatorError
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.service import Service
from cfstream.emulator.storage.records import ERROR, READY

Transcript = str | Iterable[vtt.Cue]
"""A WebVTT file, or cues of plain text with their times in seconds."""

Transcriber = Callable[[Path, str], Transcript | Awaitable[Transcript]]
"""Takes an M4A file and a language tag such as ``en-US``; one that is not async runs in a thread, and so do cues that
are made while they are read."""

INPROGRESS: Final = "inprogress"

_NOBODY: Final = (
    "The emulator has no transcriber: start it as Emulator(transcriber=function) or with --transcriber module:function"
)
_AT_ONCE: Final = 2

_log = logging.getLogger("cfstream.emulator")


class Transcriptions:
    """What is being listened to; a caption ends here in the state ``ready`` or ``error``."""

    def __init__(self, transcriber: Transcriber | None) -> None:
        self._transcriber = transcriber
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def begin(self, service: Service, uid: str, language: str) -> None:
        """Make the captions of a video; their record is there already, in the state ``inprogress``."""
        if self._transcriber is None:
            _end(service, uid, language, _NOBODY)
            return
        key = uid, language
        task = service.jobs.start(uid, self._write(service, uid, language, self._transcriber))
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._tasks.pop(key) if self._tasks.get(key) is done else None)

    async def cancel(self, uid: str, language: str) -> None:
        """Listen no further: somebody deletes the captions, or brings others."""
        task = self._tasks.get((uid, language))
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def resume(self, service: Service) -> None:
        """Begin anew with what was in progress when the emulator ended."""
        for uid, caption in service.library.store.everywhere("caption"):
            if caption["status"] == INPROGRESS:
                self.begin(service, uid, caption["language"])

    async def _write(self, service: Service, uid: str, language: str, transcriber: Transcriber) -> None:
        async with self._slots:
            try:
                audio = await service.made.get(presenting.mp4_job(service.library, uid, sound_only=True))
                _keep(service, uid, language, await _file(transcriber, audio, language, service.limits.caption_max))
            except Refused as error:
                _end(service, uid, language, error.errors[0][1])
            except MediaError as error:
                _end(service, uid, language, f"The sound of the video cannot be listened to: {error}")
            except Exception as error:  # noqa: BLE001  # a function of the user's may fail in any way
                _log.exception("captions in %s for %s", language, uid)
                _end(service, uid, language, f"The transcriber failed: {type(error).__name__}: {error}")


async def _file(transcriber: Transcriber, audio: Path, language: str, most: int) -> bytes:
    is_async = inspect.iscoroutinefunction(transcriber) or inspect.iscoroutinefunction(type(transcriber).__call__)

    def call() -> Any:
        given = transcriber(audio, language)
        return given if inspect.isawaitable(given) else _written(given, most)

    given: Any = transcriber(audio, language) if is_async else await _in_thread(call)
    if inspect.isawaitable(given):
        transcript = await _apart(given)
        given = await _in_thread(lambda: _written(transcript, most))
    file: bytes = given
    return file


def _written(transcript: Transcript, most: int) -> bytes:
    """The file; in a thread, for cues may be made while they are read, and checking takes its time, too."""
    try:
        return vtt.check(transcript, most) if isinstance(transcript, str) else vtt.render(transcript, most)
    except (TypeError, ValueError) as error:
        raise ValueError(f"it gave neither a WebVTT file nor cues: {error}") from error


async def _apart(promised: Awaitable[Any]) -> Any:
    """Wait for what a function of the user's promises, in a task of its own, so that it cannot cancel the emulator's.

    Raises:
        RuntimeError: it was cancelled, but not by the emulator, or asked for the end of the program.
    """
    task = asyncio.create_task(_contained(promised), name="transcriber")
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        if inspect.iscoroutine(promised):
            promised.close()  # it may not have begun
        if not task.cancelled():
            # It failed while it was being ended, which is nobody's concern.
            task.exception()
        raise
    if task.cancelled():
        raise RuntimeError("it was cancelled")
    return task.result()


async def _contained(promised: Awaitable[Any]) -> Any:
    try:
        return await promised
    except (SystemExit, GeneratorExit) as error:
        # An exit out of a task would end the event loop; so does Ctrl-C, which is no fault of the function.
        raise RuntimeError(repr(error)) from error


async def _in_thread(function: Callable[[], Any]) -> Any:
    """Run a function in a thread that nobody waits for: it cannot be ended, and closing must not hang on it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():  # it was cancelled
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def run() -> None:
        value, failure = None, None
        try:
            value = function()
        except BaseException as error:  # noqa: BLE001  # it is raised again where it is waited for
            # A future takes no StopIteration, and an exit in there is not one of the emulator.
            ordinary = isinstance(error, Exception) and not isinstance(error, StopIteration)
            failure = error if ordinary else RuntimeError(repr(error))
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, value, failure)

    threading.Thread(target=run, name="cfstream-transcriber", daemon=True).start()
    return await future


def _end(service: Service, uid: str, language: str, why: str) -> None:
    _log.warning("Captions in %s for %s could not be made. %s", language, uid, why)
    _change(service, uid, language, status=ERROR, why=why)


def _keep(service: Service, uid: str, language: str, file: bytes) -> None:
    service.disk.write(service.library.caption(uid, language), file)
    _change(service, uid, language, status=READY)


def _change(service: Service, uid: str, language: str, **changes: Any) -> None:
    store = service.library.store
    caption = store.get("caption", language, parent=uid)
    if caption is not None:
        store.put("caption", language, {**caption, **changes}, parent=uid)


def load(name: str) -> Transcriber:
    """The function of that name, looked for in the current folder, too.

    Args:
        name: such as ``package.module:function``.

    Raises:
        EmulatorError: there is none.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise EmulatorError(f"--transcriber: {name!r:.80} is not of the form module:function")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise EmulatorError(f"--transcriber: {error}") from error
    if not callable(found):
        raise EmulatorError(f"--transcriber: {name!r:.80} is no function")
    return cast("Transcriber", found)
