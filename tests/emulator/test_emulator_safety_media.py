"""What is uploaded is opened by nothing but the readers of video files, within bounds, and reads no other file."""

import ast
import asyncio
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from emulator_kit import clip, form, running, site
from live_kit import key_of, live_input, on_air, playlist
from safety_kit import until

import cfstream
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import EncodeJob, Job, Mp4Job, ProbeJob, RecordingJob, TrackJob, to_arguments
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.media.segments import PLAYLIST

SECRET = b"the secret that is in another file"


def disguises(target: str, file: Path) -> dict[str, bytes]:
    """Files that make some readers open another file or address."""
    return {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n".encode(),
        "hls key": (
            f'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1,\nfile:{file}\n'
            "#EXT-X-ENDLIST\n"
        ).encode(),
        "dash": (
            f'<?xml version="1.0"?><MPD type="static"><Period><AdaptationSet><Representation>'
            f"<BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>"
        ).encode(),
        "concat": f"ffconcat version 1.0\nfile '{target}'\nfile '{file}'\n".encode(),
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{target}"/></svg>'.encode(),
        "image list": f"{file}%d.jpg".encode(),
        "text": b"just words\n" * 100,
    }


def referring(data: bytes, path: Path) -> bytes:
    """The same MP4 with its media data in another file: a data reference that is not to itself."""
    own = struct.pack(">I4sI", 12, b"url ", 1)
    assert own in data
    alias = bytearray(150)
    name = str(path).encode()
    alias += struct.pack(">hh", 2, len(name)) + name + b"\0" * (len(name) % 2) + struct.pack(">hh", -1, 0)
    entry = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + bytes(alias)
    grown = len(entry) - len(own)
    place = data.index(own)
    # Every box around it grows by as much.
    boxes = bytearray(data)
    for kind in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        at = boxes.rindex(kind, 0, place) - 4
        struct.pack_into(">I", boxes, at, struct.unpack_from(">I", boxes, at)[0] + grown)
    return bytes(boxes[:place]) + entry + bytes(boxes[place + len(own) :])


async def test_a_list_of_other_files_under_a_videos_name_ends_in_error_and_asks_nobody(tmp_path: Path) -> None:
    came: list[str] = []

    async def page(request: web.Request) -> web.Response:
        came.append(request.path)
        return web.Response(body=clip())

    other = tmp_path / "other.mp4"
    other.write_bytes(clip())
    async with site(other=page) as base, running(allow_private_fetch=True) as api:
        found = disguises(f"{base}/other", other)
        uids = {name: await api.upload(data) for name, data in found.items()}
        for name, uid in uids.items():
            video = await api.until(uid, "error")
            assert video["status"]["errorReasonCode"] == "ERR_NON_VIDEO", name
        # not as the sound of another video either
        data = form(found["hls"], "a.m4a", "audio/mp4", label="other")
        assert (await api.call("POST", f"/{uids['hls']}/audio", data=data)).status in (200, 400)
    assert came == []


async def test_media_data_in_another_file_are_not_read(tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(clip() + SECRET)
    async with running(data_dir=tmp_path / "data") as api:
        # A reader that follows the reference finds a picture.
        await api.until(await api.upload(referring(clip(), other)), "error")
        assert all(SECRET not in path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())


def test_every_file_that_is_read_by_libav_has_lists_of_what_may_be_opened() -> None:
    folder = Path(cfstream.__file__).parent
    opened = 0
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for call in filter(lambda node: isinstance(node, ast.Call), ast.walk(tree)):
            assert isinstance(call, ast.Call)
            if ast.unparse(call.func) != "av.open" or "'w'" in map(ast.unparse, call.args[1:]):
                continue
            opened += 1
            assert any(keyword.arg == "options" for keyword in call.keywords), (path, call.lineno)
            text = path.read_text(encoding="utf-8")
            assert "format_whitelist" in text, path
    assert opened > 2


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
async def test_a_worker_has_bounds_and_a_group_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[asyncio.subprocess.Process] = []
    create = asyncio.create_subprocess_exec

    async def noted(*arguments: str, **options: object) -> asyncio.subprocess.Process:
        process = await create(*arguments, **options)  # type: ignore[arg-type]  # as they came
        started.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    video = tmp_path / "source"
    os.mkfifo(video)  # it waits for a writer: time to look
    job = asyncio.create_task(run_job(ProbeJob(source=video)))
    await until(lambda: started and limits_of(started[0].pid).get("Max cpu time") == "604800")
    limits = limits_of(started[0].pid)
    assert limits["Max address space"] == str(4 * 1024**3)
    assert limits["Max file size"] == str(32 * 1024**3)
    assert limits["Max core file size"] == "0"
    assert os.getpgid(started[0].pid) == started[0].pid != os.getpgid(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert started[0].returncode in (-signal.SIGTERM, -signal.SIGKILL)


def limits_of(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {line[:26].strip(): line[26:].split()[0] for line in lines}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such pipe")
@pytest.mark.parametrize("kind", [ProbeJob, EncodeJob, Mp4Job, RecordingJob])
def test_a_worker_that_is_late_is_ended_by_the_system(tmp_path: Path, kind: type[Job]) -> None:
    rendition, out = tmp_path / "360", tmp_path / "out"
    rendition.mkdir()
    pipe = rendition / PLAYLIST
    os.mkfifo(pipe)
    jobs: list[Job] = [
        *(ProbeJob(source=pipe), EncodeJob(source=pipe, out_dir=out)),
        *(Mp4Job(hls_dir=tmp_path, target=out), RecordingJob(source=pipe, target=out)),
    ]
    (job,) = (each for each in jobs if isinstance(each, kind))
    code = (
        "import sys; from cfstream.emulator.media import worker;"
        "worker._PATIENCE = dict.fromkeys(worker._PATIENCE, 1);"
        f"sys.exit(worker.main({to_arguments(job)!r}))"
    )
    # with its input open, for it ends with that
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.wait(30) == -signal.SIGALRM


async def test_a_worker_that_needs_too_much_memory_ends_in_error_and_nothing_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("resource")
    # A limit from outside is below its own, as a container's would be.
    folder = tmp_path / "site"
    folder.mkdir()
    script = "import resource; resource.setrlimit(resource.RLIMIT_AS, (50_000_000, 50_000_000))\n"
    (folder / "sitecustomize.py").write_text(script)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    source = tmp_path / "source"
    source.write_bytes(clip())
    with pytest.raises(MediaError):
        await run_job(ProbeJob(source=source))


@pytest.mark.parametrize("kind", [EncodeJob, TrackJob])
def test_work_on_a_video_takes_time_by_its_length(tmp_path: Path, kind: Any) -> None:
    pytest.importorskip("resource")
    source, out = tmp_path / "source", tmp_path / "out"
    source.write_bytes(clip())
    job: Job = (
        EncodeJob(source=source, out_dir=out) if kind is EncodeJob else TrackJob(source=source, out_dir=out, seconds=1)
    )
    code = (
        "import resource; from cfstream.emulator.media import worker;"
        f"assert worker.main({to_arguments(job)!r}) == 0;"
        "assert resource.getrlimit(resource.RLIMIT_CPU)[0] == 800"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table of Linux")
async def test_the_worker_of_a_broadcast_has_bounds() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            (broadcast,) = api.emulator._running.broadcasts._running.values()
            process = broadcast.feed._process
            assert process is not None
            limits = limits_of(process.pid)
            assert os.getpgid(process.pid) == process.pid
            await publisher.leave()
    assert limits["Max address space"] == str(4 * 1024**3)
    assert limits["Max file size"] == str(32 * 1024**3)
