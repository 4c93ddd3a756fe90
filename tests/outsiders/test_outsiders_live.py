"""An ffmpeg that is none of ours publishes to the emulator by RTMP, and plays what comes of it."""

import asyncio
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from emulator_kit import running
from live_kit import eventually, key_of, live_input, playlist, status

ffmpeg = pytest.importorskip("imageio_ffmpeg")

PATIENCE = 60
PICTURE = ("-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30")
TONE = ("-f", "lavfi", "-i", "sine=sample_rate=44100")
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "30", "-bf", "2")
AAC = ("-c:a", "aac", "-ac", "2")


async def run(*arguments: str) -> tuple[int, str]:
    """Exit status and complaints of a run."""
    quiet = ("-hide_banner", "-nostdin", "-loglevel", "error")
    process = await asyncio.create_subprocess_exec(ffmpeg.get_ffmpeg_exe(), *quiet, *arguments, stderr=PIPE)
    try:
        async with asyncio.timeout(PATIENCE):
            _, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, complaints.decode()


def address(record: dict[str, Any]) -> str:
    return f"{record['rtmps']['url']}{key_of(record)}"


async def test_it_publishes_and_plays() -> None:
    async with running() as api:
        record = await live_input(api)
        sending = asyncio.create_task(run(*PICTURE, *TONE, *H264, *AAC, "-t", "5", "-f", "flv", address(record)))
        await playlist(api, record["uid"])
        manifest = api.emulator.url(f"/{record['uid']}/manifest/video.m3u8")
        assert await run("-xerror", "-i", manifest, "-f", "null", "-") == (0, "")
        assert await sending == (0, "")
        done = await eventually(api, record["uid"], "ready")
        assert (done["duration"], done["input"]) == (pytest.approx(5.0, abs=0.2), {"width": 320, "height": 180})
        recording = api.emulator.url(f"/{done['uid']}/manifest/video.m3u8")
        assert await run("-xerror", "-i", recording, "-f", "null", "-") == (0, "")


async def test_it_is_told_that_its_key_is_wrong() -> None:
    async with running() as api:
        record = await live_input(api)
        code, complaints = await run(*PICTURE, *H264, "-t", "1", "-f", "flv", f"{record['rtmps']['url']}wrong")
        assert code != 0
        assert "Invalid stream key" in complaints


async def test_it_is_told_that_its_codec_is_not_taken() -> None:
    async with running() as api:
        record = await live_input(api)
        code, _ = await run(*PICTURE, "-c:v", "flv1", "-t", "3", "-f", "flv", address(record))
        assert code != 0
        assert (await status(api, record["uid"]))["current"]["reason"] == "ERR_UNSUPPORTED_VIDEO_CODEC"
