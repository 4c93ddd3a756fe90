"""Starting, stopping and starting again, in both faces."""

import asyncio
import contextlib
import importlib.util
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from emulator_kit import SMALL, clip, connected, metadata, png, running

from cfstream._limits import LIMITS
from cfstream.emulator import BlockingEmulator, Emulator, EmulatorError
from cfstream.errors import StreamError

pytest_plugins = ["pytester"]


START_AND_CLOSE = """
import asyncio, cfstream.emulator
async def main():
    async with cfstream.emulator.Emulator(): pass
asyncio.run(main())
"""


def children() -> set[int]:
    listing = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for file in listing for pid in file.read_text().split()}


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = clip(20.0, 640, 360)
    before = children()
    async with running() as api:
        uid = await api.upload(data)
        await api.until(uid, "inprogress")
        assert len(children() - before) == 1
        assert len(entries(tmp_path)) == 1
        address = api.emulator.base_url
    assert children() == before
    assert entries(tmp_path) == []
    host, port = address.removeprefix("http://").removesuffix("/client/v4").split(":")
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(host, int(port))


async def test_cancelling_cleans_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    started = asyncio.Event()

    async def serve() -> None:
        async with running() as api:
            await api.upload(clip())
            started.set()
            await asyncio.Event().wait()

    before = children()
    task = asyncio.create_task(serve())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    # Once more while it closes.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before
    assert entries(tmp_path) == []


async def test_starting_and_closing_are_quick() -> None:
    async with Emulator():
        pass
    start = time.perf_counter()
    async with Emulator():
        pass
    assert time.perf_counter() - start < 0.3


async def test_outside_of_its_life() -> None:
    emulator = Emulator()
    with pytest.raises(EmulatorError, match="not running"):
        _ = emulator.base_url
    await emulator.close()
    await emulator.wait_closed()
    async with emulator:
        with pytest.raises(EmulatorError, match="runs already"):
            await emulator.start()
        first = emulator.url("/x")
        assert first.startswith("http://127.0.0.1:")
        waiter = asyncio.create_task(emulator.wait_closed())
        await asyncio.sleep(0)
        assert not waiter.done()
    await waiter
    await emulator.close()
    assert repr(emulator) == "cfstream.emulator.Emulator(not running)"
    async with emulator:
        assert emulator.url("x").endswith("/x")


async def starting(root: Path, emulator: Emulator) -> "asyncio.Task[None]":
    """A start that encodes the video of a folder."""
    (root / "talk.mp4").write_bytes(clip(20.0, 640, 360))
    before = children()
    task = asyncio.create_task(emulator.start())
    async with asyncio.timeout(10):
        while children() == before:  # noqa: ASYNC110  # nothing tells of a new process
            await asyncio.sleep(0.01)
    return task


async def test_closing_ends_a_start_that_is_under_way(tmp_path: Path) -> None:
    before, emulator = children(), Emulator(seed=tmp_path)
    task = await starting(tmp_path, emulator)
    with pytest.raises(EmulatorError, match="runs already"):
        await emulator.start()
    await asyncio.gather(emulator.close(), emulator.close())
    assert children() == before
    with pytest.raises(EmulatorError, match="closed while it started"):
        await task
    assert repr(emulator) == "cfstream.emulator.Emulator(not running)"


async def test_a_start_that_is_cancelled_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    before, emulator = children(), Emulator(tmp_path / "data", seed=tmp_path)
    task = await starting(tmp_path, emulator)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == before
    (tmp_path / "talk.mp4").unlink()
    async with emulator:
        assert len(emulator.videos) == 1


def test_closing_ends_a_start_of_the_blocking_face(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(clip(20.0, 640, 360))
    before, emulator = children(), BlockingEmulator(Emulator(seed=tmp_path))
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(emulator.start)
        while children() == before and not start.done():
            time.sleep(0.01)
        emulator.close()
        with pytest.raises(EmulatorError, match="closed while it started"):
            start.result(5)
    assert children() == before


async def test_a_port_in_use() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"cannot listen on 127.0.0.1:{port}"):
            await Emulator(port=port).start()


async def test_a_given_port(unused_tcp_port: int) -> None:
    async with Emulator(port=unused_tcp_port) as emulator:
        assert emulator.base_url == f"http://127.0.0.1:{unused_tcp_port}/client/v4"


async def test_data_outlives_the_emulator(tmp_path: Path) -> None:
    data, folder = clip(), tmp_path / "data"
    async with running(data_dir=folder) as api:
        ready = await api.upload(data, **{"Upload-Metadata": metadata(name="kept", requiresignedurls=None)})
        await api.until(ready, "ready")
        token = (await api.call("POST", f"/{ready}/token")).result["token"]
        api.emulator.pause_encoding()
        queued = await api.upload(data)
        pending = await api.create(len(data))
        location = pending.headers["Location"]
        await api.patch(location, 0, data[:2048])
        before = (await api.call("GET", f"/{ready}")).result
        port = api.emulator.base_url
    async with running(data_dir=folder) as api:
        after = (await api.call("GET", f"/{ready}")).result
        assert after == {**after, **{name: before[name] for name in ("uid", "created", "meta", "duration", "status")}}
        assert after["preview"] == api.emulator.url(f"/{ready}/watch")
        assert (await api.media(f"/{token}/manifest/video.m3u8")).status == 200
        again = (await api.call("POST", f"/{ready}/token")).result["token"]
        assert again.split(".")[0] == token.split(".")[0], "the same key"
        await api.until(queued, "ready")
        moved = location.replace(port, api.emulator.base_url)
        assert (await api.head(moved)).headers["Upload-Offset"] == "2048"
        assert (await api.patch(moved, 2048, data[2048:])).status == 204
        await api.until(pending.headers["stream-media-id"], "ready")


async def test_an_interrupted_encoding_begins_anew(tmp_path: Path) -> None:
    async with running(data_dir=tmp_path) as api:
        uid = await api.upload(clip(20.0, 640, 360))
        await api.until(uid, "inprogress")
        # A last byte that came just before the end has not been followed up.
        complete = await api.create(2000)
        api.emulator._running.library.source(complete.headers["stream-media-id"]).write_bytes(b"x" * 2000)
    async with Emulator(tmp_path) as emulator, connected(emulator) as api:
        video = (await api.call("GET", f"/{uid}")).result
        assert video["status"]["state"] in ("queued", "inprogress")
        assert (await api.call("DELETE", f"/{uid}")).status == 200
        await api.until(complete.headers["stream-media-id"], "error")


async def test_a_data_folder_has_one_owner(tmp_path: Path) -> None:
    async with Emulator(tmp_path):
        with pytest.raises(EmulatorError, match="in use by another emulator"):
            await Emulator(tmp_path).start()
    async with Emulator(tmp_path):
        pass


async def test_data_folders_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(EmulatorError, match="cannot be used"):
        await Emulator(file).start()
    async with Emulator(tmp_path / "later"):
        pass
    with contextlib.closing(sqlite3.connect(tmp_path / "later" / "emulator.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(EmulatorError, match="another version"):
        await Emulator(tmp_path / "later").start()
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "emulator.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(EmulatorError, match="not a database"):
        await Emulator(strange).start()


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "av" else find(name))
    with pytest.raises(EmulatorError) as caught:
        await Emulator().start()
    assert str(caught.value) == 'The emulator needs av: run pip install "cfstream[emulator]"'
    assert isinstance(caught.value, StreamError)
    with pytest.raises(EmulatorError), Emulator():
        pass


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import cfstream.emulator", ("aiohttp", "av", "jwt")),
        ("import cfstream.pytest_plugin", ("aiohttp", "av", "jwt", "cfstream.emulator")),
        (
            START_AND_CLOSE,
            ("av", "jwt", "cryptography"),
        ),
    ],
)
def test_imports_stay_light(statement: str, absent: tuple[str, ...]) -> None:
    code = f"{statement}\nimport sys\nprint([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_the_packages_names() -> None:
    import cfstream.emulator as package

    assert dir(package) == [
        "BlockingEmulator",
        "BlockingPublisher",
        "Emulator",
        "EmulatorError",
        "Fault",
        "Publisher",
    ]
    assert [getattr(package, name).__name__ for name in dir(package)] == dir(package)
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = package.nothing_such


def test_blocking_face(tmp_path: Path) -> None:
    with Emulator(tmp_path / "data", limits=SMALL) as emulator:
        assert isinstance(emulator, BlockingEmulator)
        assert repr(emulator) == f"cfstream.emulator.BlockingEmulator({emulator.url().rstrip('/')})"
        assert emulator.account_id == "cf57ea11000000000000000000000000"
        emulator.pause_encoding()
        emulator.resume_encoding()
        request = urllib.request.Request(
            f"{emulator.base_url}/accounts/{emulator.account_id}/stream",
            headers={"Authorization": f"Bearer {emulator.api_token}"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cfstream-emulator")]
    with pytest.raises(EmulatorError, match="not running"):
        _ = emulator.base_url


def test_blocking_face_encodes(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip())
    with Emulator() as emulator, emulator.stream() as stream:
        video = stream.upload(path)
        video = stream.wait_until_ready(video.uid)
        assert video.status.state == "ready"


async def test_stream_gives_a_client() -> None:
    async with Emulator() as emulator, emulator.stream() as stream:
        assert await stream.list(limit=5) is not None


async def test_options_go_to_the_client() -> None:
    emulator = Emulator(api_key="k", api_email="e@example.com")
    async with emulator:
        options: dict[str, Any] = emulator.client_options({"timeout": 5})
        assert options == {
            "_limits": LIMITS,
            "api_token": emulator.api_token,
            "account_id": emulator.account_id,
            "base_url": emulator.base_url,
            "rate_limit": None,
            "timeout": 5,
        }
        assert "api_token" not in emulator.client_options({"api_key": "k", "api_email": "e@example.com"})


def test_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_it(cfstream_emulator, cfstream_stream):
            assert (await cfstream_stream.list(limit=1)).items == []
            assert cfstream_emulator.base_url.endswith("/client/v4")
        """
    )
    scope = ("-o", "asyncio_default_fixture_loop_scope=function")
    for mode in ("auto", "strict"):
        result = pytester.runpytest_subprocess("-q", "-W", "error", "-o", f"asyncio_mode={mode}", *scope)
        result.assert_outcomes(passed=1)


def test_png_is_one() -> None:
    assert png().startswith(b"\x89PNG")
