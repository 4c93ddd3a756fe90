"""Encoding held back, let through one by one, and seeding: an account in the state that a test wants."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from emulator_kit import Api, clip, running

from cfstream.emulator import Emulator, EmulatorError


async def paused(api: Api, count: int) -> list[str]:
    api.emulator.pause_encoding()
    return [await api.upload(clip()) for _ in range(count)]


def states(emulator: Emulator) -> dict[str, str]:
    return {uid: video.state for uid, video in emulator.videos.items()}


async def test_a_step_lets_exactly_one_video_through_in_their_order() -> None:
    async with running() as api:
        waiting = await paused(api, 3)
        for done, uid in enumerate(waiting, 1):
            api.emulator.step_encoding()
            await api.until(uid, "ready")
            assert list(states(api.emulator).values()).count("ready") == done
        api.emulator.step_encoding()  # kept for the next that comes
        await api.until(await api.upload(clip()), "ready")
        held = await api.upload(clip())
        await asyncio.sleep(0.05)  # one that would get in does so at once
        assert states(api.emulator)[held] == "queued"


async def test_resuming_forgets_the_steps() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        api.emulator.step_encoding()
        api.emulator.resume_encoding()
        api.emulator.pause_encoding()
        held = await api.upload(clip())
        await asyncio.sleep(0.05)
        assert states(api.emulator)[held] == "queued"
        api.emulator.resume_encoding()
        await api.until(held, "ready")


async def test_a_video_deleted_while_it_waits_gives_its_turn_to_the_next() -> None:
    async with running() as api:
        first, second = await paused(api, 2)
        await api.call("DELETE", f"/{first}")
        api.emulator.step_encoding()
        await api.until(second, "ready")


async def test_encoding_over_http() -> None:
    async with running() as api:
        url = api.emulator.url("/_emulator/encoding")
        assert (await api.call("POST", url, json={"do": "pause"})).result["encoding"] == {"paused": True}
        uid = await api.upload(clip())
        assert (await api.call("POST", url, json={"do": "step"})).result["encoding"] == {"paused": True}
        await api.until(uid, "ready")
        assert (await api.call("POST", url, json={"do": "resume"})).result["encoding"] == {"paused": False}
        for body in ({}, {"do": "stop"}, {"do": ["step"]}, {"done": 1}):
            answer = await api.call("POST", url, json=body)
            assert (answer.status, answer.codes) == (400, [10005])


async def test_videos_tells_what_is_in_the_account() -> None:
    async with running() as api:
        assert dict(api.emulator.videos) == {}
        ready = await api.upload(
            clip(2, 320, 180), **{"Upload-Creator": "anna", "Upload-Metadata": "requiresignedurls"}
        )
        await api.until(ready, "ready")
        broken = await api.upload(b"No video. " * 300)
        await api.until(broken, "error")
        videos = api.emulator.videos
        assert list(videos) == [broken, ready]  # the newest first
        assert (videos[broken].error_code, videos[broken].playable, videos[broken].duration) == (
            "ERR_NON_VIDEO",
            False,
            -1,
        )
        shown = videos[ready]
        assert (shown.state, shown.playable, shown.private, shown.creator) == ("ready", True, True, "anna")
        assert (shown.width, shown.height, shown.size) == (320, 180, len(clip(2, 320, 180)))
        assert shown.duration == pytest.approx(2, abs=0.1)
        with pytest.raises(TypeError):
            videos[ready] = shown  # type: ignore[index]  # it is for reading
        over_http = (await api.call("GET", api.emulator.url("/_emulator/videos"))).result
        assert [video["uid"] for video in over_http] == [broken, ready]
        assert over_http[1]["meta"] == dict(shown.meta)


def folder(root: Path) -> Path:
    (root / "talk.mp4").write_bytes(clip())
    (root / "talk.json").write_text(json.dumps({"name": "The talk", "room": 3}))
    (root / "Phone.MOV").write_bytes(clip(1, 180, 320))
    (root / "notes.txt").write_text("no video")
    (root / "inner.mp4").mkdir(exist_ok=True)
    return root


async def test_the_media_files_of_a_folder_become_ready_videos(tmp_path: Path) -> None:
    async with Emulator() as emulator:
        uids = await emulator.seed(folder(tmp_path))
        assert sorted(uids) == ["Phone.MOV", "talk.mp4"]
        videos = emulator.videos
        assert set(videos) == set(uids.values())
        assert {video.state for video in videos.values()} == {"ready"}
        assert videos[uids["talk.mp4"]].meta == {"name": "The talk", "room": 3}
        assert videos[uids["Phone.MOV"]].name == "Phone.MOV"
        assert videos[uids["Phone.MOV"]].size == len(clip(1, 180, 320))
        (tmp_path / "more.webm").write_bytes(clip())
        again = await emulator.seed(tmp_path)
        assert {name: again[name] for name in uids} == uids
        assert len(emulator.videos) == 3


async def test_a_seeded_account_is_not_seeded_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    source = tmp_path / "source"
    source.mkdir()
    folder(source)
    async with Emulator(data, seed=source) as emulator:
        before = set(emulator.videos)
        assert {video.state for video in emulator.videos.values()} == {"ready"}
    async with Emulator(data, seed=source) as emulator, emulator.stream() as stream:
        assert set(emulator.videos) == before
        await stream.delete(next(iter(before)))
        await emulator.seed(source)
        assert len(emulator.videos) == 2


async def test_two_who_seed_at_once_seed_once(tmp_path: Path) -> None:
    async with Emulator() as emulator:
        one, other = await asyncio.gather(emulator.seed(folder(tmp_path)), emulator.seed(tmp_path))
        assert one == other
        assert set(emulator.videos) == set(one.values())


def test_seeding_blocks_in_the_blocking_face(tmp_path: Path) -> None:
    with Emulator(seed=folder(tmp_path)) as emulator:
        assert len(emulator.videos) == 2
        (tmp_path / "more.webm").write_bytes(clip())
        uids = emulator.seed(tmp_path)
        assert emulator.videos[uids["more.webm"]].state == "ready"
        emulator.pause_encoding()
        emulator.step_encoding()
        emulator.resume_encoding()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bad.mp4", b"no video", "bad.mp4 cannot be seeded: it is error ERR_"),
        ("talk.json", b"{", "talk.json cannot be read as JSON"),
        ("talk.json", b"[]", "talk.json must hold a JSON object"),
        ("talk.json", b'{"a": NaN}', "talk.json cannot be read as JSON: NaN is not JSON"),
        ("talk.json", b'{"a": "\xff"}', "talk.json cannot be read as JSON: "),
        ("talk.json", b'{"a":' * 3000 + b"1" + b"}" * 3000, "talk.json cannot be read as JSON: it is nested too deep"),
        ("talk.json", b'{"a":' * 300 + b"1" + b"}" * 300, "talk.json cannot be read as JSON: it is nested too deep"),
    ],
)
async def test_what_cannot_be_seeded_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EmulatorError, match=message):
        async with Emulator(seed=tmp_path):
            pytest.fail("it must not start")
    async with Emulator() as emulator:
        with pytest.raises(EmulatorError, match=message):
            await emulator.seed(tmp_path)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    async with Emulator() as emulator:
        with pytest.raises(EmulatorError, match="cannot be read: No such file or directory"):
            await emulator.seed(tmp_path / "nowhere")
    with pytest.raises(EmulatorError, match="not running"):
        await emulator.seed(tmp_path)


async def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    broken, beside = tmp_path / "broken", tmp_path / "beside"
    broken.mkdir()
    (broken / "mem.mp4").symlink_to("/proc/self/mem")  # its first bytes cannot be read
    beside.mkdir()
    (beside / "talk.mp4").write_bytes(clip())
    (beside / "talk.json").mkdir()
    async with Emulator() as emulator:
        with pytest.raises(EmulatorError, match=r"^mem\.mp4 cannot be seeded: Input/output error$"):
            await emulator.seed(broken)
        with pytest.raises(EmulatorError, match=r"talk\.json cannot be read: Is a directory$"):
            await emulator.seed(beside)
        assert len(emulator.videos) == 0


async def test_a_folder_that_does_not_fit_is_told(tmp_path: Path) -> None:
    async with Emulator(disk_quota=1000) as emulator:
        with pytest.raises(EmulatorError, match=r"^\S+ cannot be seeded: Storage capacity exceeded"):
            await emulator.seed(folder(tmp_path))
        assert len(emulator.videos) == 0


async def test_names_that_are_no_text_can_be_shown(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.mp4")).write_bytes(clip())
    (tmp_path / "talk.mp4").write_bytes(clip())
    (tmp_path / "talk.json").write_text('{"name": "\\ud800", "room": 3}')
    async with running(seed=tmp_path) as api:
        listed = (await api.call("GET")).result
        assert {video["meta"]["name"] for video in listed} == {"\ufffd", "\ufffd.mp4"}
        assert set(await api.emulator.seed(tmp_path)) == {os.fsdecode(b"\xff.mp4"), "talk.mp4"}
        assert len(api.emulator.videos) == 2


async def test_a_file_that_was_repaired_is_taken_anew(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "source" / "talk.mp4"
    file.parent.mkdir()
    file.write_bytes(b"no video")
    for _ in range(2):
        with pytest.raises(EmulatorError, match=r"talk\.mp4 cannot be seeded"):
            await Emulator(data, seed=file.parent).start()
    file.write_bytes(clip())
    async with Emulator(data, seed=file.parent) as emulator:
        assert list(states(emulator).values()) == ["ready"]


async def test_the_video_of_a_changed_file_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "talk.mp4"
    file.write_bytes(clip())
    async with Emulator() as emulator:
        before = await emulator.seed(tmp_path)
        assert await emulator.seed(tmp_path) == before
        file.write_bytes(clip(1, 180, 320))
        changed = await emulator.seed(tmp_path)
        assert changed != before
        assert states(emulator) == {changed[file.name]: "ready"}
        os.utime(file, ns=(0, 0))
        touched = await emulator.seed(tmp_path)
        assert touched != changed
        assert states(emulator) == {touched[file.name]: "ready"}


KILLED = """
import asyncio, os, sys
from cfstream.emulator import Emulator
data, folder = sys.argv[1:]
file = os.path.join(folder, "talk.mp4")
sys.addaudithook(lambda event, args: os._exit(9) if event == "open" and str(args[0]) == file else None)
asyncio.run(Emulator(data, seed=folder).start())
"""


async def test_a_kill_during_the_copy_leaves_nothing(tmp_path: Path) -> None:
    data, source = tmp_path / "data", tmp_path / "source"
    source.mkdir()
    (source / "talk.mp4").write_bytes(clip())
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, data, source)
    assert await killed.wait() == 9
    async with Emulator(data, seed=source) as emulator:
        assert list(states(emulator).values()) == ["ready"]
        (uid,) = emulator.videos
        assert (data / "videos" / uid / "source").stat().st_mode & 0o777 == 0o600
        assert list((data / "incoming").iterdir()) == []


async def seeding_held(emulator: Emulator, root: Path) -> "asyncio.Task[dict[str, str]]":
    """A folder that is being seeded, with its videos in the queue."""
    emulator.pause_encoding()
    task = asyncio.create_task(emulator.seed(folder(root)))
    async with asyncio.timeout(10):
        while len(emulator.videos) < 2:  # noqa: ASYNC110  # nothing tells of a new video
            await asyncio.sleep(0.01)
    return task


async def test_closing_or_a_reset_ends_the_seeding_and_says_so(tmp_path: Path) -> None:
    async with running() as api:
        emulator = api.emulator
        task = await seeding_held(emulator, tmp_path)
        await emulator.reset()
        with pytest.raises(EmulatorError, match="was reset while it took in a folder"):
            await task
        assert len(emulator.videos) == 0
        task = await seeding_held(emulator, tmp_path)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        task = asyncio.create_task(emulator.seed(tmp_path))
        await asyncio.sleep(0)
        await emulator.close()
        with pytest.raises(EmulatorError, match="not running"):
            await task
