"""The uploaders, each as its users would let it send one file, or many at a time."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from bench_process import contend
from bench_upload_floor import connection, piece, send_file
from bench_upload_job import CHUNK, Job
from bench_upload_programs import become_tus_js, curl_file, missing_curl, missing_tus_js
from bench_video import ACCOUNT

CFSTREAM = "cfstream"
AIOTUS = "aiotus"
TUSPY = "tuspy"
RESUMABLE = "resumable-upload"
TUS_JS = "tus-js-client"
CURL = "curl"
FLOOR = "blocking socket (floor)"


def missing() -> Mapping[str, str]:
    """Give the contenders that cannot take part here, and why."""
    told = {TUS_JS: missing_tus_js(), CURL: missing_curl()}
    return {name: reason for name, reason in told.items() if reason}


# --- on the event loop -------------------------------------------------------------------------------------------


def _cfstream(job: Job) -> None:
    import aiohttp

    from cfstream import Stream

    async def client() -> None:
        async with AsyncExitStack() as stack:
            session = None
            if job.trusted:
                connector = aiohttp.TCPConnector(ssl=job.context())
                session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
            stream = Stream("token", ACCOUNT, base_url=job.base, rate_limit=None, session=session)
            await stack.enter_async_context(stream)
            await _by_cfstream(stream, job.warm_up, job.at_once)
            with job.measured():
                await _by_cfstream(stream, job.files, job.at_once)

    asyncio.run(client())


async def _by_cfstream(stream: Any, paths: Iterable[Path], at_once: int) -> None:
    if at_once == 1:
        for path in paths:
            await stream.upload(path, chunk_size=CHUNK)
        return
    report = await stream.upload_many(paths, concurrency=at_once, chunk_size=CHUNK).run()
    assert not report.failed, report.failed[0]


def _aiotus(job: Job) -> None:
    import aiohttp
    import aiotus

    async def client() -> None:
        connector = aiohttp.TCPConnector(ssl=job.context())
        async with aiohttp.ClientSession(connector=connector) as session:

            async def upload(path: Path) -> None:
                with path.open("rb") as file:
                    location = await aiotus.upload(job.creation, file, client_session=session, chunksize=CHUNK)
                assert location, "aiotus reports failures in its log only"

            await _gathered(upload, job.warm_up, job.at_once)
            with job.measured():
                await _gathered(upload, job.files, job.at_once)

    asyncio.run(client())


async def _gathered(upload: Callable[[Path], Awaitable[None]], paths: Iterable[Path], at_once: int) -> None:
    places = asyncio.Semaphore(at_once)

    async def one(path: Path) -> None:
        async with places:
            await upload(path)

    await asyncio.gather(*map(one, paths))


# --- in threads --------------------------------------------------------------------------------------------------


def _in_threads(job: Job, upload: Callable[[Path], object]) -> None:
    with ThreadPoolExecutor(job.at_once) as pool:
        list(pool.map(upload, job.warm_up))
        with job.measured():
            list(pool.map(upload, job.files))


def _tuspy(job: Job) -> None:
    from tusclient.client import TusClient

    if job.trusted:
        os.environ["REQUESTS_CA_BUNDLE"] = job.trusted  # the way of requests, which it uses
    client = TusClient(job.creation)

    def upload(path: Path) -> None:
        uploader = client.uploader(str(path), chunk_size=CHUNK)
        uploader.upload()
        assert uploader.offset == path.stat().st_size

    _in_threads(job, upload)


def _resumable(job: Job) -> None:
    from resumable_upload import TusClient

    if job.trusted:
        os.environ["SSL_CERT_FILE"] = job.trusted  # the way of OpenSSL, whose defaults it uses
    # the others compute no checksum either, and the service offers none
    client = TusClient(job.creation, chunk_size=CHUNK, checksum=False)
    _in_threads(job, lambda path: client.upload_file(str(path)))


def _curl(job: Job) -> None:
    _in_threads(job, lambda path: curl_file(job, path))


def _floor(job: Job) -> None:
    context = job.context() if job.trusted else None
    own = threading.local()

    def upload(path: Path) -> None:
        if not hasattr(own, "connection"):
            own.connection, own.piece = connection(job, context), piece()
        send_file(own.connection, own.piece, path)

    _in_threads(job, upload)


UPLOADERS: Mapping[str, Callable[[Job], object]] = {
    CFSTREAM: _cfstream,
    AIOTUS: _aiotus,
    TUSPY: _tuspy,
    RESUMABLE: _resumable,
    TUS_JS: become_tus_js,
    CURL: _curl,
    FLOOR: _floor,
}


def _taking_a_job(upload: Callable[[Job], object]) -> Callable[[dict[str, Any]], object]:
    return lambda settings: upload(Job(**settings))


if __name__ == "__main__":
    contend({name: _taking_a_job(upload) for name, upload in UPLOADERS.items()})
