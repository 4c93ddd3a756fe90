"""Media jobs in child processes: what they say, how they end, and that nothing of them stays behind."""

import asyncio
import json
import os
import subprocess
import sys
import time
from asyncio.subprocess import Process
from pathlib import Path
from typing import Any

import pytest
from media_samples import make

from cfstream.emulator.media import runner
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import (
    EncodeJob,
    GifJob,
    Mark,
    Mp4Job,
    ProbeJob,
    ThumbnailJob,
    from_arguments,
    to_arguments,
)
from cfstream.emulator.media.runner import run_job


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Process]:
    """All child processes that the runner starts."""
    started: list[Process] = []
    start = asyncio.create_subprocess_exec

    async def remember(*arguments: Any, **options: Any) -> Process:
        process = await start(*arguments, **options)
        started.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    return started


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a script of the test's own in the worker's place."""

    def put(script: str) -> None:
        (tmp_path / "stand_in_worker.py").write_text(script)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(runner, "_WORKER", "stand_in_worker")

    return put


def is_gone(process: Process) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_jobs_travel(tmp_path: Path) -> None:
    for job in (
        EncodeJob(source=tmp_path, out_dir=tmp_path, preset="fast", marks=(Mark(image=tmp_path, position="center"),)),
        ThumbnailJob(hls_dir=tmp_path, target=tmp_path, time=1.5, width=10, height=20, fit="fill"),
        GifJob(hls_dir=tmp_path, target=tmp_path, fps=2),
        Mp4Job(hls_dir=tmp_path, target=tmp_path),
    ):
        assert from_arguments(to_arguments(job)) == job


def test_lines_of_the_worker(tmp_path: Path) -> None:
    job = EncodeJob(source=make(tmp_path / "a.mp4", audio="aac"), out_dir=tmp_path / "out", preset="fast")
    worker = [sys.executable, "-m", "cfstream.emulator.media.worker", *to_arguments(job)]
    done = subprocess.run(worker, capture_output=True, check=True, text=True)

    first, *progress, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == ""
    assert first["event"] == "probe"
    assert (first["width"], first["height"], first["has_audio"]) == (160, 90, True)
    assert {each["event"] for each in progress} == {"progress"}
    shares = [each["pct"] for each in progress]
    assert shares == sorted(set(shares))
    assert last["event"] == "done"
    assert last["renditions"] == [{"name": "90", "width": 160, "height": 90}]


def test_worker_reports_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    job = EncodeJob(source=tmp_path / "a.mp4", out_dir=tmp_path / "out")
    worker = [sys.executable, "-m", "cfstream.emulator.media.worker", *to_arguments(job)]
    done = subprocess.run(worker, capture_output=True, check=False, text=True)

    assert done.returncode == 3
    assert done.stderr == ""
    assert json.loads(done.stdout) == {
        "event": "error",
        "code": "ERR_NON_VIDEO",
        "text": "The file was not recognized as a valid video file.",
    }


@pytest.mark.parametrize(("module", "heavy"), [("worker", "aiohttp"), ("worker", "asyncio"), ("runner", "av")])
def test_light_imports(module: str, heavy: str) -> None:
    script = f"import sys, cfstream.emulator.media.{module}; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


async def test_encode(tmp_path: Path, processes: list[Process]) -> None:
    events: list[dict[str, Any]] = []
    job = EncodeJob(source=make(tmp_path / "a.mp4"), out_dir=tmp_path / "out", preset="fast")

    done = await run_job(job, on_event=events.append)

    assert done["frames"] == 60
    assert events[0]["event"] == "probe"
    assert {each["event"] for each in events[1:]} == {"progress"}
    assert (tmp_path / "out" / "video.m3u8").exists()
    assert is_gone(processes[0])


async def test_thumbnails_and_download(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", seconds=0.5)
    await run_job(EncodeJob(source=source, out_dir=tmp_path / "hls", preset="fast"))

    await asyncio.gather(
        run_job(ThumbnailJob(hls_dir=tmp_path / "hls", target=tmp_path / "t.jpg", width=64, height=64)),
        run_job(GifJob(hls_dir=tmp_path / "hls", target=tmp_path / "t.gif", width=64, height=64)),
        run_job(Mp4Job(hls_dir=tmp_path / "hls", target=tmp_path / "v.mp4")),
    )

    assert (tmp_path / "t.jpg").read_bytes().startswith(b"\xff\xd8")
    assert (tmp_path / "t.gif").read_bytes().startswith(b"GIF89a")
    assert (tmp_path / "v.mp4").read_bytes()[4:8] == b"ftyp"


async def test_works_in_a_folder_full_of_misleading_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("av.py", "json.py", "attrs.py"):
        (tmp_path / name).write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    await run_job(ProbeJob(source=make(tmp_path / "a.mp4", seconds=0.5)))


async def test_error_becomes_an_exception(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError) as caught:
        await run_job(ProbeJob(source=tmp_path / "a.mp4"))
    assert caught.value.code == "ERR_NON_VIDEO"
    assert caught.value.text == "The file was not recognized as a valid video file."


async def test_unforeseen_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="ERR_UNKNOWN: FileNotFoundError"):
        await run_job(ThumbnailJob(hls_dir=tmp_path / "none", target=tmp_path / "t.jpg"))


@pytest.mark.parametrize(
    "end", ["import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "raise SystemExit(7)", "raise RuntimeError"]
)
async def test_crash(tmp_path: Path, stand_in: Any, end: str, caplog: pytest.LogCaptureFixture) -> None:
    stand_in(f"""print('{{"event": "progress", "pct": 1.0}}', flush=True); {end}""")
    with pytest.raises(MediaError) as caught:
        await run_job(Mp4Job(hls_dir=tmp_path, target=tmp_path))
    assert caught.value.code == "ERR_UNKNOWN"
    assert "ended with status" in caplog.text


async def test_other_output_does_no_harm(tmp_path: Path, stand_in: Any) -> None:
    stand_in("""print('a library talks'); print('{"event": "done", "size": 1}'); print('{"event": "pro', end='')""")
    done = await run_job(Mp4Job(hls_dir=tmp_path, target=tmp_path))
    assert done == {"event": "done", "size": 1}


async def test_cancelled_job_is_gone_at_once(tmp_path: Path, processes: list[Process]) -> None:
    source = make(tmp_path / "a.mp4", size=(640, 360), seconds=6, fps=60)
    begun = asyncio.Event()
    job = EncodeJob(source=source, out_dir=tmp_path / "out")
    task = asyncio.create_task(run_job(job, on_event=lambda _: begun.set()))
    async with asyncio.timeout(30):
        await begun.wait()

    beginning = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert time.monotonic() - beginning < 1.0
    assert is_gone(processes[0])


async def test_deaf_worker_is_killed(
    tmp_path: Path, stand_in: Any, processes: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_GRACE", 0.2)
    stand_in(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        """print('{"event": "progress", "pct": 1.0}', flush=True)\n"""
        "time.sleep(60)\n"
    )
    begun = asyncio.Event()
    task = asyncio.create_task(run_job(Mp4Job(hls_dir=tmp_path, target=tmp_path), on_event=lambda _: begun.set()))
    async with asyncio.timeout(30):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert processes[0].returncode == -9
    assert is_gone(processes[0])


async def test_impatient_canceller(tmp_path: Path, stand_in: Any, processes: list[Process]) -> None:
    stand_in(
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        """print('{"event": "progress", "pct": 1.0}', flush=True)\n"""
        "time.sleep(60)\n"
    )
    begun = asyncio.Event()
    task = asyncio.create_task(run_job(Mp4Job(hls_dir=tmp_path, target=tmp_path), on_event=lambda _: begun.set()))
    async with asyncio.timeout(30):
        await begun.wait()
    task.cancel()
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await processes[0].communicate()
    assert processes[0].returncode == -9


async def test_a_listener_that_fails_ends_the_worker(tmp_path: Path, processes: list[Process]) -> None:
    def fail(_: dict[str, Any]) -> None:
        raise ZeroDivisionError

    job = EncodeJob(source=make(tmp_path / "a.mp4"), out_dir=tmp_path / "out", preset="fast")
    with pytest.raises(ZeroDivisionError):
        await run_job(job, on_event=fail)
    assert is_gone(processes[0])
