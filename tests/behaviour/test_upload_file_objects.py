"""File objects are given back as they were taken, and serve one upload at a time."""

import asyncio
import io
import os
import threading

import pytest
from sources_kit import reading_threads
from upload_kit import KIB, quick, stored, walked

from cfstream import InvalidInputError, StreamError, Uploaded, UploadFailed, UploadJob
from cfstream.emulator import Emulator, Fault

DATA = os.urandom(900 * KIB + 17)


class Gated(io.BytesIO):
    """A file whose bytes come when the gate is opened, or after some seconds for whoever waits for them."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.gate = threading.Event()
        self.reading = threading.Event()
        self.given = False

    def read(self, size: int | None = -1, /) -> bytes:
        if size:
            self.reading.set()
            self.gate.wait(5)
            self.given = True
        return super().read(size)


async def begun(file: Gated) -> None:
    assert await asyncio.to_thread(file.reading.wait, 5)


async def rested() -> None:
    """Wait until no thread reads any more."""
    async with asyncio.timeout(5):
        while reading_threads():  # noqa: ASYNC110  # nothing tells when they have ended
            await asyncio.sleep(0)


async def test_a_file_object_of_a_failed_upload_can_be_sent_again(emulator: Emulator) -> None:
    file = io.BytesIO(b"head:" + DATA)
    file.seek(5)
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.status(413))
    async with quick(emulator) as stream:
        with pytest.raises(StreamError, match="413"):
            await stream.upload(file)
        assert file.tell() == 5
        video = await stream.upload(file)
    assert stored(emulator, video.uid) == DATA
    assert not file.closed


async def test_a_read_that_outlives_its_upload_puts_the_file_object_back(emulator: Emulator) -> None:
    file = Gated(DATA)
    async with quick(emulator) as stream:
        task = asyncio.create_task(stream.upload(file))
        await begun(file)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(InvalidInputError, match="is being uploaded already"):
            await stream.upload(file)
        file.gate.set()
        await rested()
        assert file.tell() == 0
        video = await stream.upload(file)
    assert stored(emulator, video.uid) == DATA


async def test_of_two_uploads_of_one_file_object_the_second_is_refused(emulator: Emulator) -> None:
    file = Gated(DATA)
    async with quick(emulator) as stream:
        first = asyncio.create_task(stream.upload(file))
        await begun(file)
        with pytest.raises(InvalidInputError, match="this file object is being uploaded already; open the file once m"):
            await stream.upload(file)
        file.gate.set()
        assert stored(emulator, (await first).uid) == DATA
        assert stored(emulator, (await stream.upload(file)).uid) == DATA


async def test_a_file_object_that_is_given_twice_in_one_run_is_uploaded_whole_or_refused(emulator: Emulator) -> None:
    file = Gated(DATA)
    async with quick(emulator) as stream, stream.upload_many([file, UploadJob(file, creator="b")]) as uploads:
        refused = await anext(uploads)
        assert isinstance(refused, UploadFailed)
        assert "is being uploaded already" in str(refused.error)
        file.gate.set()
        (done,) = await walked(uploads)
    assert isinstance(done, Uploaded)
    assert stored(emulator, done.uid) == DATA


def test_a_slow_read_does_not_hold_up_the_end_of_the_program() -> None:
    file = Gated(DATA)

    async def main() -> None:
        async with Emulator() as emulator, emulator.stream() as stream:
            task = asyncio.create_task(stream.upload(file))
            await begun(file)
            task.cancel()
            await asyncio.wait({task})

    asyncio.run(main())
    try:
        assert not file.given
    finally:
        file.gate.set()
        for thread in reading_threads():
            thread.join(5)
