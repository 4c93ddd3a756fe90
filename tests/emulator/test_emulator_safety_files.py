"""The data folder: names that the server made, for its owner only, nothing outside touched, and of bounded size."""

import asyncio
import errno
import gc
import hashlib
import os
import shutil
import stat
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from emulator_kit import Answer, Api, clip, form, metadata, png, running
from yarl import URL

from cfstream.emulator import Emulator, EmulatorError
from cfstream.emulator.storage.disk import Disk

UID = "0" * 32
TRACK = {"label": "one", "default": False, "status": "queued", "url": None}
UP = "../../../outside"
NAMES = (
    *("..", "../", "../..", UP, f"/{UP}", "..%2f..%2foutside", "%2e%2e%2f%2e%2e%2foutside", "%252e%252e%252foutside"),
    *("..%5c..%5coutside", "..\\outside", "....//outside", "..;/outside", "%00", "a%00.mp4", "%0a", "%c0%ae%c0%ae"),
    *("%e0%80%ae%e0%80%ae/", "CON", "NUL.mp4", "COM1", "aux.vtt", "x:stream", "~", "~root", "-rf", "*", "?", "|id"),
    *("$(id)", "`id`", "a" * 5000, ".", "./source", "source", "../source", "hls/../source", "hls%2f..%2fsource"),
    *("%ef%bc%8e%ef%bc%8e", "lock", "../../lock", "../../emulator.sqlite", "..%2f..%2femulator.sqlite", "%ff"),
    "file:%2f%2f%2fetc%2fpasswd",
)


def state_of(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_no_name_in_a_path_a_query_or_a_body_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "video.mp4").write_bytes(b"secret")
    (outside / "en.vtt").write_bytes(b"WEBVTT secret")
    before = state_of(outside)
    async with running(data_dir=tmp_path / "data") as api:
        api.emulator.pause_encoding()
        uid = (await api.create(2000)).headers["stream-media-id"]
        api.emulator._running.library.change(uid, state="ready", ready_at=1)
        here = f"/accounts/{api.emulator.account_id}/stream"
        for name in NAMES:
            api_paths: tuple[str, ...] = (
                f"/{name}",
                f"/{uid}/captions/{name}/vtt",
                f"/{uid}/downloads/{name}",
                f"/watermarks/{name}",
            )
            api_paths += (f"/{uid}/audio/{name}", f"/live_inputs/{name}", f"/keys/{name}")
            paths = [f"/{uid}/manifest/{name}", f"/{uid}/downloads/{name}", f"/{uid}/captions/{name}.vtt"]
            paths += [
                f"/{name}/watch",
                f"/{name}/manifest/video.m3u8",
                f"/tus/{name}",
                f"/_pages/{name}",
                f"/{uid}/thumbnails/{name}",
            ]
            for path in (*(f"/client/v4{here}{each}" for each in api_paths), *paths):
                for verb in ("GET", "DELETE", "PUT", "POST"):
                    url = URL(api.emulator.url().rstrip("/") + path, encoded=True)
                    answer = await api.call(verb, url)
                    assert answer.status < 500, (verb, path)
                    assert b"secret" not in answer.body
            created = await api.create(10, **{"Upload-Metadata": metadata(name=name, filename=name, filetype=name)})
            assert created.status in (201, 400), name
            sent = form(b"WEBVTT", name.replace("\n", ""), "text/vtt", label="x", uid=name)
            assert (await api.call("PUT", f"/{uid}/captions/en", data=sent)).status < 500
        folders = names_in(tmp_path / "data" / "videos")
        assert all(len(folder) == 32 and folder.isalnum() for folder in folders)
    assert state_of(outside) == before
    assert names_in(tmp_path) == ["data", "outside"]


@pytest.mark.parametrize("name", ["videos", "watermarks", "incoming", "emulator.sqlite", "lock"])
async def test_a_link_in_place_of_what_the_folder_holds_is_refused(tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    data = tmp_path / "data"
    data.mkdir()
    (data / name).symlink_to(outside / "x" if "." in name or name == "lock" else outside)
    with pytest.raises(EmulatorError, match="cannot be used"):
        await Emulator(data).start()
    assert list(outside.iterdir()) == []


async def test_a_link_further_in_is_neither_read_nor_written(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    async with running(data_dir=tmp_path / "data") as api:
        created = await api.create(2000)
        uid = created.headers["stream-media-id"]
        source = api.emulator._running.library.source(uid)
        source.unlink()
        source.symlink_to(secret)
        assert (await api.patch(created.headers["Location"], 6, b"x" * 1994)).status >= 400
        hls = api.emulator._running.library.hls(uid)
        hls.mkdir()
        (hls / "video.mp4").symlink_to(secret)
        api.emulator._running.library.change(uid, state="ready", ready_at=1)
        assert (await api.media(f"/{uid}/manifest/video.mp4")).status == 404
        shutil.rmtree(hls)
        hls.symlink_to(tmp_path)
        (tmp_path / "video.mp4").write_bytes(b"secret")
        assert (await api.media(f"/{uid}/manifest/video.mp4")).status == 404
        assert (await api.call("DELETE", f"/{uid}")).status == 200
        await api.emulator.reset()
    assert secret.read_bytes() == (tmp_path / "video.mp4").read_bytes() == b"secret"


async def test_nobody_else_reads_what_is_kept(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    mask = os.umask(0)
    try:
        async with running(data_dir=data) as api:
            created = await api.create(2000)
            await api.patch(created.headers["Location"], 0, b"x" * 2000)
            await api.call("POST", "/watermarks", data=form(png(), "l.png", "image/png"))
            await api.call("POST", "", data=form(clip(), "a.mp4", "video/mp4"))
            await api.emulator.reset()
            await api.upload(clip())
            for path in data.iterdir():
                assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
            for path in data.rglob("source"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(mask)


async def test_the_quota_is_held_before_during_and_after(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running(data_dir=data) as api:
        await api.create(10)
        used = Disk(data, 10**9)
        empty = 10**9 - used.room()
    async with running(data_dir=data, disk_quota=empty + 400_000) as api:
        api.emulator.pause_encoding()
        refused = await api.create(500_000)
        assert (refused.status, refused.codes) == (413, [10011])
        # Two that would fit, each alone.
        locations = [(await api.create(300_032)).headers["Location"] for _ in range(2)]
        assert (await api.patch(locations[0], 0, bytes(300_032))).status == 204
        second = await api.patch(locations[1], 0, bytes(300_032))
        assert (second.status, second.codes) == (413, [10011])
        kept = int((await api.head(locations[1])).headers["Upload-Offset"])
        assert kept <= 100_000
        for answer in (
            await api.call("POST", "", data=form(bytes(300_000), "a.mp4", "video/mp4")),
            await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 10}),
        ):
            assert answer.status in (200, 413), answer.body
        full = await api.call("POST", "", data=form(bytes(300_000), "a.mp4", "video/mp4"))
        assert (full.status, full.codes) == (413, [10011])
        # Deleting makes room.
        assert (await api.call("DELETE", f"/{locations[0].rpartition('/')[2].partition('?')[0]}")).status == 200
        assert (await api.patch(locations[1], kept, bytes(300_032 - kept))).status == 204


async def test_the_quota_holds_for_what_is_made_of_videos(tmp_path: Path) -> None:
    def used() -> int:
        return 10**9 - Disk(tmp_path, 10**9).room()

    picture = "thumbnails/thumbnail.gif?width=200&height=200&duration=1s&fps=15"
    async with running(data_dir=tmp_path) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        assert (await api.media(f"/{uid}/{picture}")).status == 200
        moving = next(api.emulator._running.library.folder(uid).rglob("*.gif"))
        large = moving.stat().st_size
        moving.unlink()
    quota = used() + large // 2
    async with running(data_dir=tmp_path, disk_quota=quota) as api:
        refused = await api.media(f"/{uid}/{picture}")
        assert refused.status == 424
        assert b"Storage capacity exceeded" in refused.body
        assert used() <= quota
    async with running(data_dir=tmp_path) as api:
        # It can come, but not be encoded.
        api.emulator.pause_encoding()
        second = await api.upload(clip())
        api.emulator._running.disk.quota = used() + 30_000
        api.emulator.resume_encoding()
        video = await api.until(second, "error")
        assert "Storage capacity exceeded" in video["status"]["errorReasonText"]
        assert not api.emulator._running.library.hls(second).exists()
    async with running(data_dir=tmp_path, disk_quota=1) as api:
        for path in (picture, "thumbnails/thumbnail.jpg", "player/video.mp4"):
            refused = await api.media(f"/{uid}/{path}")
            assert refused.status == 424
            assert b"the emulator's disk quota has 0 bytes left" in refused.body


CREATIONS: dict[str, Callable[[Api, str], Coroutine[Any, Any, Answer]]] = {
    "tus": lambda api, _: api.create(10),
    "form": lambda api, _: api.call("POST", "", data=form(clip(), "a.mp4", "video/mp4")),
    "direct": lambda api, _: api.call("POST", "/direct_upload", json={"maxDurationSeconds": 10}),
    "copy": lambda api, _: api.call("POST", "/copy", json={"url": "http://127.0.0.1:9/x.mp4"}),
    "clip": lambda api, uid: api.call(
        "POST", "/clip", json={"clippedFromVideoUID": uid, "startTimeSeconds": 0, "endTimeSeconds": 1}
    ),
}


@pytest.mark.parametrize("kind", CREATIONS)
async def test_others_are_served_while_the_files_are_counted_for_a_new_video(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun, served = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    walk = os.walk

    def slow(folder: Path) -> Iterator[Any]:
        loop.call_soon_threadsafe(begun.set)
        assert served.wait(5), "nobody was served meanwhile"
        return walk(folder)

    async with running(disk_quota=10**9) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        api.emulator.pause_encoding()
        monkeypatch.setattr(os, "walk", slow)
        creation = asyncio.create_task(CREATIONS[kind](api, uid))
        await begun.wait()
        assert (await api.call("GET")).status == 200
        served.set()
        assert (await creation).status in (200, 201)


@pytest.mark.parametrize("kind", CREATIONS)
async def test_no_video_is_made_where_the_quota_is_used_up(kind: str) -> None:
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        api.emulator._running.disk.quota = 1
        refused = await CREATIONS[kind](api, uid)
        assert (refused.status, refused.codes) == (413, [10011])
        assert len((await api.call("GET")).result) == 1


async def test_a_track_is_not_encoded_where_there_is_no_room(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        library = api.emulator._running.library
        library.audio_track(uid, UID).mkdir(parents=True)
        library.audio_source(uid, UID).write_bytes(clip())
        library.store.put("audio", UID, {**TRACK, "uid": UID}, parent=uid)
    async with running(data_dir=tmp_path, disk_quota=1) as api:
        await api.emulator._running.jobs.settled(uid)
        (track,) = (await api.call("GET", f"/{uid}/audio")).result["audio"]
        assert track["status"] == "error"
        assert not api.emulator._running.library.audio_segments(uid, UID).exists()


async def test_a_video_keeps_its_last_pictures_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfstream.emulator.encoding.made._KEPT", 3)
    async with running(data_dir=tmp_path) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        for number in range(6):
            answer = await api.media(f"/{uid}/thumbnails/thumbnail.jpg?width=32&height=32&time=0.{number}s")
            assert answer.status == 200
        folder = api.emulator._running.library.still(uid, "")
        assert {name.split("-")[0] for name in names_in(folder)} == {"0.3", "0.4", "0.5"}


@pytest.mark.parametrize("quota", [-1])
def test_a_quota_is_a_number_of_bytes(quota: int) -> None:
    with pytest.raises(EmulatorError, match="disk_quota"):
        Emulator(disk_quota=quota)


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def usage(*, free: int) -> Callable[[Path], Usage]:
    return lambda _: Usage(100_000_000, 100_000_000 - free, free)


async def test_something_is_left_free_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as api:
        monkeypatch.setattr(shutil, "disk_usage", usage(free=4_000_000))
        answer = await api.create(10)
        assert (answer.status, answer.codes) == (413, [10011])
        # what is left is as much as a file of that size may have
        monkeypatch.setattr(shutil, "disk_usage", usage(free=10_000_000))
        assert (await api.create(6_000_000)).status == 413
        assert (await api.create(4_000_000)).status == 201


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_keeps_what_came_and_the_upload_goes_on_later(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    data = clip()

    def full(descriptor: int, block: Any) -> int:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name != "source":
            return write(descriptor, block)
        if os.fstat(descriptor).st_size >= 2048:
            raise OSError(number, os.strerror(number))
        return write(descriptor, block[: 2048 - os.fstat(descriptor).st_size])

    async with running(data_dir=tmp_path) as api:
        created = await api.create(len(data))
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        monkeypatch.setattr(os, "write", full)
        answer = await api.patch(location, 0, data)
        assert (answer.status, answer.codes) == (507, [10001])
        assert (await api.head(location)).headers["Upload-Offset"] == "2048"
        place = api.emulator.url()
    monkeypatch.setattr(os, "write", write)
    async with running(data_dir=tmp_path) as api:
        moved = location.replace(place, api.emulator.url())
        assert (await api.head(moved)).headers["Upload-Offset"] == "2048"
        assert (await api.patch(moved, 2048, data[2048:])).status == 204
        await api.until(uid, "ready")


async def test_thousands_of_uploads_that_never_come_take_no_room_worth_speaking_of(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        assert await uploads_of(api, 100) == 100  # what the first of a kind takes is taken once
        before = memory()
        assert await uploads_of(api, 10_000) == 10_000
        assert memory() - before < 100 * 1024**2
        assert 10**9 - Disk(tmp_path, 10**9).room() < 32_000_000


async def uploads_of(api: Api, count: int) -> int:
    headers = {"Upload-Metadata": metadata(maxdurationseconds="1")}
    return [(await api.create(10**9, **headers)).status for _ in range(count)].count(201)


def memory() -> int:
    """Bytes of this process, in which the emulator runs; 0 where the system does not tell."""
    file = Path("/proc/self/statm")
    if not file.exists():
        return 0
    gc.collect()
    return int(file.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_what_is_made_of_one_video_leaves_less_for_the_next(tmp_path: Path) -> None:
    def used() -> int:
        return 10**9 - Disk(tmp_path, 10**9).room()

    async with running(data_dir=tmp_path) as api:
        address = (await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 9})).result["uploadURL"]
        disk = api.emulator._running.disk
        disk.quota = used() + 10_000_000
        await api.until(await api.upload(clip()), "ready")
        disk.quota = used() + 50_000
        data = clip() + struct.pack(">I4s", 500_000, b"free") + bytes(500_000 - 8)
        refused = await api.call("POST", address, token=None, data=form(data, "a.mp4", "video/mp4"))
        assert refused.status == 413
        assert used() <= disk.quota


async def test_the_quota_holds_for_captions_and_watermarks(tmp_path: Path) -> None:
    def used() -> int:
        return 10**9 - Disk(tmp_path, 10**9).room()

    async with running(data_dir=tmp_path) as api:
        uid = (await api.create(10)).headers["stream-media-id"]
        quota = used() + 100_000
        api.emulator._running.disk.quota = quota
        file = form(b"WEBVTT\n\n" + b"x" * 200_000)
        refused = await api.call("PUT", f"/{uid}/captions/en", data=file)
        assert (refused.status, refused.codes) == (413, [10011])
        refused = await api.call("POST", "/watermarks", data=form(png() + bytes(200_000), "l.png", "image/png"))
        assert (refused.status, refused.codes) == (413, [10011])
        assert used() <= quota
        assert (await api.call("GET", f"/{uid}/captions")).result == []


async def test_a_link_in_place_of_captions_is_neither_read_nor_written(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    async with running(data_dir=tmp_path / "data") as api:
        uid = (await api.create(10)).headers["stream-media-id"]
        for _ in range(2):
            assert (await api.call("PUT", f"/{uid}/captions/en", data=form(b"WEBVTT\n"))).status == 200
            assert (await api.call("GET", f"/{uid}/captions/en/vtt")).body == b"WEBVTT\n"
            assert secret.read_bytes() == b"secret"
            file = api.emulator._running.library.caption(uid, "en")
            file.unlink()
            file.symlink_to(secret)
        assert (await api.call("GET", f"/{uid}/captions/en/vtt")).status == 404


async def test_a_language_is_no_longer_than_a_name_of_a_file_may_be() -> None:
    long = "en" + "-aaaaaaaa" * 40
    async with running() as api:
        uid = (await api.create(10)).headers["stream-media-id"]
        api.emulator._running.library.change(uid, state="ready", ready_at=1)
        assert (await api.call("PUT", f"/{uid}/captions/{long}", data=form(b"WEBVTT\n"))).status == 400
        assert (await api.media(f"/{uid}/captions/{long}.vtt")).status == 404
