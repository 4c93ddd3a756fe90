"""Uploading: one large file to a server that forgets it, against other tus clients and a plain socket as the floor."""

import asyncio
import os
import re
import socket
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench_process import MIB, Meter, Plan, Sample, Server, contend, forget_peak, in_turn, memory, once, tell
from bench_report import Report, Target, ratios
from bench_video import ACCOUNT

CFSTREAM = "cfstream"
AIOTUS = "aiotus"
TUSPY = "tuspy"
FLOOR = "blocking socket (floor)"
CHUNK = 50 * MIB
_PIECE = MIB
_OFFSET = re.compile(rb"\r\nUpload-Offset: (\d+)")
_LOCATION = re.compile(rb"\r\nLocation: http://[^/]+(\S+)")


def run(plan: Plan) -> Report:
    size = 256 if plan.quick else 1024
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    with Server() as server, _files(size * MIB) as (large, small):
        for name in in_turn(list(CONTENDERS), plan.rounds):
            files = {"large": str(large), "small": str(small), "size": size}
            samples[name].append(once("bench_upload.py", name, port=server.port, **files))
    return Report(
        title=f"upload {size} MiB in chunks of {CHUNK // MIB} MiB",
        measures={"MiB/s": "MiB/s", "cpu": "CPU s/GiB", "peak": "peak MiB"},
        samples=samples,
        targets=_targets(samples),
        notes=["Peak is the highest memory during the upload above that of the idle client."],
    )


@contextmanager
def _files(size: int) -> Iterator[tuple[Path, Path]]:
    """Make a large file and a small one, without blocks on disk and in memory where there is a place for that."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        large, small = Path(folder, "large.mp4"), Path(folder, "small.mp4")
        for path, length in ((large, size), (small, MIB)):
            with path.open("wb") as file:
                file.truncate(length)
        yield large, small


def _targets(samples: Mapping[str, list[Sample]]) -> list[Target]:
    return [
        Target(f"{CFSTREAM} / {AIOTUS}, MiB/s", ratios(samples, "MiB/s", CFSTREAM, AIOTUS), ">=", 2.5),
        Target(f"{CFSTREAM} / {TUSPY}, MiB/s", ratios(samples, "MiB/s", CFSTREAM, TUSPY), ">=", 1.7),
        Target(f"{CFSTREAM}, peak above idle in MiB", [sample["peak"] for sample in samples[CFSTREAM]], "<=", 16),
    ]


# --- the contenders ----------------------------------------------------------------------------------------------


async def _measured(upload: Callable[[Path], Awaitable[object]], settings: dict[str, Any]) -> None:
    """Upload a small file to have everything loaded and connected, then the large one."""
    large, small = Path(settings["large"]), Path(settings["small"])
    await upload(small)
    forget_peak()
    idle = memory("VmRSS")
    with Meter() as meter:
        await upload(large)
    size = settings["size"]
    tell({"MiB/s": size / meter.wall, "cpu": meter.cpu * 1024 / size, "peak": memory("VmHWM") - idle})


def _blocking(upload: Callable[[Path], object], settings: dict[str, Any]) -> None:
    async def at_once(path: Path) -> None:
        upload(path)

    asyncio.run(_measured(at_once, settings))


def _base(settings: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{settings['port']}/client/v4"


def _creation(settings: dict[str, Any]) -> str:
    return f"{_base(settings)}/accounts/{ACCOUNT}/stream"


def _cfstream(settings: dict[str, Any]) -> None:
    from cfstream import Stream

    async def client() -> None:
        async with Stream("token", ACCOUNT, base_url=_base(settings), rate_limit=None) as stream:
            await _measured(lambda path: stream.upload(path, chunk_size=CHUNK), settings)

    asyncio.run(client())


def _aiotus(settings: dict[str, Any]) -> None:
    import aiohttp
    import aiotus

    async def client() -> None:
        async with aiohttp.ClientSession() as session:

            async def upload(path: Path) -> None:
                with path.open("rb") as file:
                    location = await aiotus.upload(_creation(settings), file, client_session=session, chunksize=CHUNK)
                assert location, "aiotus reports failures in its log only"

            await _measured(upload, settings)

    asyncio.run(client())


def _tuspy(settings: dict[str, Any]) -> None:
    from tusclient.client import TusClient

    def upload(path: Path) -> None:
        uploader = TusClient(_creation(settings)).uploader(str(path), chunk_size=CHUNK)
        uploader.upload()
        assert uploader.offset == path.stat().st_size

    _blocking(upload, settings)


def _floor(settings: dict[str, Any]) -> None:
    with socket.create_connection(("127.0.0.1", settings["port"])) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _blocking(lambda path: _send_file(connection, path), settings)


def _send_file(connection: socket.socket, path: Path) -> None:
    size = path.stat().st_size
    host = b"Host: 127.0.0.1\r\nTus-Resumable: 1.0.0\r\n"
    connection.sendall(b"POST / HTTP/1.1\r\n" + host + b"Upload-Length: %d\r\nContent-Length: 0\r\n\r\n" % size)
    location = _found(_LOCATION, connection.recv(4096))
    offset, piece = 0, memoryview(bytearray(_PIECE))
    with path.open("rb", buffering=0) as file:
        while offset < size:
            length = min(CHUNK, size - offset)
            told = b"Upload-Offset: %d\r\nContent-Length: %d\r\n\r\n" % (offset, length)
            connection.sendall(b"PATCH " + location + b" HTTP/1.1\r\n" + host + told)
            for start in range(offset, offset + length, _PIECE):
                count = os.preadv(file.fileno(), [piece[: min(_PIECE, offset + length - start)]], start)
                connection.sendall(piece[:count])
            offset = int(_found(_OFFSET, connection.recv(4096)))


def _found(pattern: re.Pattern[bytes], answer: bytes) -> bytes:
    match = pattern.search(answer)
    assert match, answer
    return match[1]


CONTENDERS = {CFSTREAM: _cfstream, AIOTUS: _aiotus, TUSPY: _tuspy, FLOOR: _floor}

if __name__ == "__main__":
    contend(CONTENDERS)
