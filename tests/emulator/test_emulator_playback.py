"""What players get: manifests that decode, stills, a progressive MP4, and pages that cannot be turned."""

import asyncio
import io
import re
import struct
from collections.abc import AsyncGenerator
from pathlib import Path

import av
import pytest
import pytest_asyncio
from aiohttp import FormData
from emulator_kit import Api, clip, metadata, running

from cfstream.emulator.media.playback import decode_hls

NASTY = "<script>alert('x')</script>\"&"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ready() -> AsyncGenerator[tuple[Api, str]]:
    """One encoded video for the whole file."""
    async with running() as api:
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(name=NASTY)})
        await api.until(uid, "ready")
        yield api, uid


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_hls_decodes(ready: tuple[Api, str]) -> None:
    api, uid = ready
    proof = await asyncio.to_thread(decode_hls, api.emulator.url(f"/{uid}/manifest/video.m3u8"))
    assert (proof.width, proof.height) == (320, 180)
    assert proof.frames == 30
    assert proof.audio_frames > 0


async def test_manifest_types_and_openness(ready: tuple[Api, str]) -> None:
    api, uid = ready
    master = await api.media(f"/{uid}/manifest/video.m3u8", Origin="https://example.com")
    assert master.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert master.headers["Access-Control-Allow-Origin"] == "*"
    assert master.headers["Cache-Control"] == "no-store"
    assert master.headers["X-Content-Type-Options"] == "nosniff"
    assert (await api.media(f"/{uid}/manifest/video.mpd")).headers["Content-Type"] == "application/dash+xml"
    segment = await api.media(f"/{uid}/manifest/180/seg_00000.mp4")
    assert segment.headers["Content-Type"] == "video/mp4"
    assert segment.headers["Access-Control-Allow-Origin"] == "*"
    assert (await api.media(f"/{uid}/manifest/video.m3u8", "HEAD")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "nothing.m3u8",
        "../source",
        "..%2Fsource",
        "%2e%2e/source",
        "180/../../source",
        "180",
        "video.m3u8/",
        "/etc/passwd",
        "180/.hidden.mp4",
        "..%5csource",
        "%00.mp4",
        "a" * 300 + ".mp4",
    ],
)
async def test_paths_stay_inside(ready: tuple[Api, str], path: str) -> None:
    api, uid = ready
    assert (await raw_get(api, f"/{uid}/manifest/{path}")) == 404


async def raw_get(api: Api, path: str) -> int:
    """A path as it is written, which clients would tidy up."""
    host, port = api.emulator.url().removeprefix("http://").rstrip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_media_of_unknown_and_pending_videos(ready: tuple[Api, str]) -> None:
    api, _ = ready
    pending = (await api.create(2000)).headers["stream-media-id"]
    for path in ("manifest/video.m3u8", "thumbnails/thumbnail.jpg", "player/video.mp4", "captions/en.vtt"):
        assert (await api.media(f"/{pending}/{path}")).status == 404
        assert (await api.media(f"/{'0' * 32}/{path}")).status == 404
    assert (await api.media(f"/{'0' * 32}/watch")).status == 404
    page = await api.media(f"/{pending}/watch")
    assert page.status == 200
    assert b"pendingupload" in page.body
    assert b"http-equiv" in page.body


def jpeg_size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\xff\xd8")
    match = re.search(rb"\xff[\xc0-\xc2]..\x08(..)(..)", data, re.DOTALL)
    assert match is not None
    (height,), (width,) = struct.unpack(">H", match[1]), struct.unpack(">H", match[2])
    return width, height


@pytest.mark.parametrize(
    ("query", "size"),
    [
        ("", (640, 640)),
        ("?height=90&width=160", (160, 90)),
        ("?height=100&width=100&fit=clip&time=0.5s", (100, 56)),
        ("?height=100&width=100&fit=scale&time=1h2m3s", (100, 100)),
        ("?height=100&width=100&fit=fill&time=0m0s", (100, 100)),
    ],
)
async def test_thumbnails(ready: tuple[Api, str], query: str, size: tuple[int, int]) -> None:
    api, uid = ready
    answer = await api.media(f"/{uid}/thumbnails/thumbnail.jpg{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert jpeg_size(answer.body) == size


@pytest.mark.parametrize(
    ("query", "size", "count"),
    [
        ("?height=36&width=64", (64, 36), 8),
        ("?height=36&width=64&duration=0.5s&fps=4", (64, 36), 2),
        ("?height=36&width=36&fit=clip&time=0.5s&duration=30s&fps=15", (36, 20), 8),
    ],
)
async def test_animated_thumbnails(ready: tuple[Api, str], query: str, size: tuple[int, int], count: int) -> None:
    api, uid = ready
    answer = await api.media(f"/{uid}/thumbnails/thumbnail.gif{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/gif"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    with av.open(io.BytesIO(answer.body), "r") as container:
        frames = list(container.decode(video=0))
    assert len(frames) == count
    assert (frames[0].width, frames[0].height) == size
    assert bytes(frames[0].reformat(format="gray").planes[0]) != bytes(frames[-1].reformat(format="gray").planes[0])


@pytest.mark.parametrize(
    "query",
    ["duration=0s", "duration=31s", "duration=x", "fps=0", "fps=16", "fps=2.5", "width=1001", "height=101", "fit=no"],
)
async def test_animated_thumbnails_refuse(ready: tuple[Api, str], query: str) -> None:
    api, uid = ready
    assert (await api.media(f"/{uid}/thumbnails/thumbnail.gif?{query}")).status == 400


@pytest.mark.parametrize(
    "query",
    ["time=", "time=soon", "time=1d", "time=-1s", "width=0", "height=3000", "height=101", "width=x", "fit=cover"],
)
async def test_thumbnails_refuse(ready: tuple[Api, str], query: str) -> None:
    api, uid = ready
    assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg?{query}")).status == 400


async def test_a_thumbnail_is_made_once(ready: tuple[Api, str], monkeypatch: pytest.MonkeyPatch) -> None:
    from cfstream.emulator.encoding import made
    from cfstream.emulator.media import runner

    api, uid = ready
    original, jobs = runner.run_job, []

    async def counted(job: object, **options: object) -> object:
        jobs.append(job)
        return await original(job, **options)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(made, "run_job", counted)
    path = f"/{uid}/thumbnails/thumbnail.jpg?height=50&width=50"
    answers = await asyncio.gather(*(api.media(path) for _ in range(5)))
    answers.append(await api.media(path))
    assert {answer.body for answer in answers} == {answers[0].body}
    assert len(jobs) == 1


async def test_the_default_still_follows_the_setting(ready: tuple[Api, str]) -> None:
    api, uid = ready
    first = await api.media(f"/{uid}/thumbnails/thumbnail.jpg?width=100&height=100")
    await api.call("POST", f"/{uid}", json={"thumbnailTimestampPct": 0.9})
    second = await api.media(f"/{uid}/thumbnails/thumbnail.jpg?width=100&height=100")
    assert first.body != second.body


async def test_progressive_takes_ranges(ready: tuple[Api, str]) -> None:
    api, uid = ready
    whole = await api.media(f"/{uid}/player/video.mp4")
    assert whole.status == 200
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert "Access-Control-Allow-Origin" not in whole.headers
    assert whole.body[4:8] == b"ftyp"
    part = await api.media(f"/{uid}/player/video.mp4", Range="bytes=4-7")
    assert (part.status, part.body) == (206, b"ftyp")
    assert part.headers["Content-Range"] == f"bytes 4-7/{len(whole.body)}"
    beyond = await api.media(f"/{uid}/player/video.mp4", Range=f"bytes={len(whole.body)}-")
    assert beyond.status == 416


@pytest.mark.parametrize("path", ["watch", "iframe"])
async def test_player_page(ready: tuple[Api, str], path: str) -> None:
    api, uid = ready
    page = await api.media(f"/{uid}/{path}?muted=true")
    text = page.body.decode()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert 'src="manifest/video.m3u8"' in text
    assert 'src="player/video.mp4"' in text
    assert " muted" in text
    assert " autoplay" not in text
    assert "Access-Control-Allow-Origin" not in page.headers


async def test_captions_are_in_the_player(ready: tuple[Api, str]) -> None:
    api, uid = ready
    form = FormData()
    form.add_field("file", io.BytesIO(b"WEBVTT\n"), filename="x.vtt")
    await api.call("PUT", f"/{uid}/captions/de", data=form)
    text = (await api.media(f"/{uid}/watch")).body.decode()
    assert '<track kind="captions" src="captions/de.vtt" srclang="de" label="Deutsch">' in text
    track = await api.media(f"/{uid}/captions/de.vtt")
    assert (track.body, track.headers["Content-Type"]) == (b"WEBVTT\n", "text/vtt")
    assert (await api.media(f"/{uid}/captions/fr.vtt")).status == 404


async def test_pages_without_an_answer(ready: tuple[Api, str]) -> None:
    api, _ = ready
    answer = await api.media("/nowhere")
    assert (answer.status, answer.json) == (404, None)
    assert (await api.media("/", "POST")).status == 405


async def test_deleted_videos_are_not_played(ready: tuple[Api, str], tmp_path: Path) -> None:
    api, _ = ready
    uid = await api.upload(clip())
    await api.until(uid, "ready")
    assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg")).status == 200
    await api.call("DELETE", f"/{uid}")
    assert (await api.media(f"/{uid}/manifest/video.m3u8")).status == 404
    assert (await api.media(f"/{uid}/thumbnails/thumbnail.jpg")).status == 404
    assert not api.emulator._running.library.folder(uid).exists()
