"""Files that go with a call: byte for byte, with their name, from wherever they are, and let go of afterwards."""

import asyncio
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import cfstream
from cfstream import InvalidInputError, RetryPolicy, Stream, TransportError
from cfstream.emulator import Emulator, Fault

VTT = b"\xef\xbb\xbfWEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nGr\xc3\xbc\xc3\x9fe --boundary <&>\r\n\r\n"


@pytest.fixture
async def uid(stream: Stream) -> str:
    return (await stream.create(upload_length=1)).uid


def as_path(folder: Path) -> Path:
    path = folder / "captions.vtt"
    path.write_bytes(VTT)
    return path


def as_file(folder: Path) -> BinaryIO:
    return io.BytesIO(as_path(folder).read_bytes())


@pytest.mark.parametrize("given", [as_path, as_file, lambda _: VTT, lambda _: VTT.decode()])
async def test_captions_come_back_byte_for_byte(stream: Stream, uid: str, tmp_path: Path, given: Any) -> None:
    caption = await stream.captions.language.update("tr", identifier=uid, file=given(tmp_path))
    assert (caption.language, caption.label, caption.generated, caption.status) == ("tr", "Türkçe", False, "ready")
    assert (await stream.captions.language.vtt.get("tr", identifier=uid)).encode() == VTT


async def test_an_audio_file_is_read_from_disk_anew_for_every_attempt(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(os.urandom(300_000))
    async with emulator.stream(retry=RetryPolicy(base=0.001)) as stream:
        uid = (await stream.create(upload_length=1)).uid
        emulator.faults.add("AUDIO_TRACKS_UPLOAD", Fault.status(429, headers={"Retry-After": "0"}))
        track = await stream.audio_tracks.upload(uid, file=path, label="Deutsch")
        assert track.label == "Deutsch"
        assert [found.uid async for found in stream.audio_tracks.get(uid)] == [track.uid]
    assert emulator.requests.count("AUDIO_TRACKS_UPLOAD") == 2


async def test_a_file_is_let_go_of_by_the_time_its_upload_ends(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(os.urandom(300_000))
    async with emulator.stream(retry=RetryPolicy.none()) as stream:
        uid = (await stream.create(upload_length=1)).uid
        emulator.faults.add("AUDIO_TRACKS_UPLOAD", Fault.drop(after_bytes=100_000))
        with pytest.raises(cfstream.AmbiguousResultError):
            await stream.audio_tracks.upload(uid, file=path, label="a")
        assert path not in open_files()
        emulator.faults.add("AUDIO_TRACKS_UPLOAD", Fault.status(400))
        with pytest.raises(cfstream.BadRequestError):
            await stream.audio_tracks.upload(uid, file=path, label="a")
        assert path not in open_files()
        await stream.audio_tracks.upload(uid, file=path, label="a")
        assert path not in open_files()


async def test_a_file_is_let_go_of_though_every_thread_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(b"RIFF")
    free = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asyncio.get_running_loop().set_default_executor(pool)
        pool.submit(free.wait)
        try:
            async with Stream("t", "a", base_url="http://127.0.0.1:9", retry=RetryPolicy.none()) as nobody:
                with pytest.raises(TransportError, match="cannot connect"):
                    await nobody.audio_tracks.upload("a" * 32, file=path, label="a")
            assert path not in open_files()
        finally:
            free.set()


def open_files() -> set[Path]:
    """Give what this process holds open, where the system tells."""
    return {entry.resolve() for entry in Path("/proc/self/fd").glob("*")}


async def test_a_file_that_is_gone_when_it_is_to_be_sent_is_an_error_of_its_own(
    emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "track.wav"
    path.write_bytes(b"x")
    async with emulator.stream(hooks=cfstream.Hooks(on_request=lambda _: path.unlink())) as stream:
        with pytest.raises(InvalidInputError, match="file: cannot open"):
            await stream.audio_tracks.upload("a" * 32, file=path, label="a")
