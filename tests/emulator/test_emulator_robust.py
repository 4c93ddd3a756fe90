"""What odd values and odd starts do to the emulator: one refused request, and nothing afterwards."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cfstream.emulator import Emulator, EmulatorError

HEADERS = {"Tus-Resumable": "1.0.0", "Upload-Length": "10"}


async def asked(emulator: Emulator, method: str, path: str = "", **options: Any) -> tuple[int, str]:
    authorization = {"Authorization": f"Bearer {emulator.api_token}", **options.pop("headers", {})}
    url = f"{emulator.base_url}/accounts/{emulator.account_id}/stream{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=authorization, **options) as answer,
    ):
        return answer.status, answer.headers.get("stream-media-id") or await answer.text()


@pytest.mark.parametrize(
    "body",
    [
        '{"uploadExpiry": "9999-12-31T23:59:59-01:00"}',
        '{"uploadExpiry": "0001-01-01T00:00:00+14:00"}',
        '{"uploadExpiry": "9999-12-31T23:59:59.9999999Z"}',
        '{"meta": {"x": 1e999}}',
        '{"meta": ' + '{"x": ' * 900 + "1" + "}" * 901,
    ],
)
async def test_a_value_that_cannot_be_written_back_is_refused_and_the_list_stays_whole(body: str) -> None:
    async with Emulator() as emulator:
        _, uid = await asked(emulator, "POST", headers=HEADERS)
        status, text = await asked(emulator, "POST", f"/{uid}", data=body)
        assert (status, '"code":10005' in text.replace(" ", "")) == (400, True)
        status, text = await asked(emulator, "GET")
        assert status == 200
        assert "Infinity" not in text


async def test_no_key_opens_nothing_even_where_the_key_is_empty() -> None:
    async with (
        Emulator(api_key="", api_email="") as emulator,
        aiohttp.ClientSession() as session,
        session.get(f"{emulator.base_url}/accounts/{emulator.account_id}/stream") as answer,
    ):
        assert answer.status == 401


def test_a_second_with_of_the_same_emulator_leaves_the_first_its_end() -> None:
    emulator = Emulator()
    with emulator as running:
        with pytest.raises(EmulatorError, match="runs already"), emulator:
            pass
        assert running.base_url
    with pytest.raises(EmulatorError):
        _ = emulator.base_url


def test_after_its_end_the_blocking_face_says_so() -> None:
    with Emulator() as emulator:
        pass
    with pytest.raises(EmulatorError):
        emulator.pause_encoding()


def test_an_account_that_is_none_is_refused() -> None:
    with pytest.raises(EmulatorError, match="is not 32 hexadecimal digits"):
        Emulator(account_id="nope/../x")


async def test_a_database_that_cannot_be_opened_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "emulator.sqlite").mkdir()
    with pytest.raises(EmulatorError, match="cannot be opened"):
        async with Emulator(tmp_path):
            pass


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
def test_an_encoder_ends_soon_after_an_emulator_that_was_killed(tmp_path: Path) -> None:
    script = f"""
import asyncio
from pathlib import Path
from cfstream.emulator.media.jobs import EncodeJob
def tell(event):
    print(event["event"], flush=True)
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.media.testvideo import make_test_video
film = Path({str(tmp_path / "film.mp4")!r})
make_test_video(film, seconds=20, size=(1280, 720), audio=False)
job = EncodeJob(source=film, out_dir=Path({str(tmp_path / "out")!r}), preset="full")
asyncio.run(run_job(job, on_event=tell))
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline().strip() == "probe"
        (child,) = children_of(parent.pid)
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 10
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    still = running(child)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    assert not still


def children_of(pid: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
