"""Other people's tus clients, unchanged, upload to the emulator by the service's own limits."""

import asyncio
import shutil
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import aiotus
import pytest
from outsiders_kit import CHUNK, MIDDLE, SIZE, digest, proxied, told_by, write_noise
from resumable_upload import TusClient as ResumableUploadClient
from tusclient.client import TusClient

from cfstream.emulator import Emulator

NAME = "Grüße, 世界"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as running:
        running.pause_encoding()  # noise is no video
        yield running


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    return write_noise(tmp_path)


def creation(emulator: Emulator, base_url: str | None = None) -> str:
    return f"{base_url or emulator.base_url}/accounts/{emulator.account_id}/stream"


def credentials(emulator: Emulator) -> dict[str, str]:
    return {"Authorization": f"Bearer {emulator.api_token}"}


async def arrived(emulator: Emulator, address: str, noise: Path, *, name: str | None = NAME) -> None:
    """Hold that the upload at an address is complete: as the API tells it, and byte for byte."""
    uid = address.partition("?")[0].rpartition("/")[2]
    async with emulator.stream() as stream:
        video = await stream.get(uid)
    assert (video.status.state, video.size, video.name) == ("queued", SIZE, name)
    assert digest(emulator._running.library.source(uid)) == digest(noise)


async def test_tus_js_client_gives_up_in_the_middle_and_resumes(emulator: Emulator, noise: Path) -> None:
    async with proxied(emulator.base_url, budget=MIDDLE, hold=True) as (proxy, base_url):
        options: dict[str, Any] = {"file": str(noise), "headers": credentials(emulator), "chunkSize": CHUNK}
        begun = await told_by(
            "client.js",
            **options,
            endpoint=creation(emulator, base_url),
            metadata={"name": NAME},
            stop=proxy.hit,
        )
        assert begun["answers"] == [["POST", 201, 0], ["PATCH", 204, CHUNK]]
        resumed = await told_by("client.js", **options, uploadUrl=begun["url"])
    (verb, status, offset), *rest = resumed["answers"]
    assert (verb, status) == ("HEAD", 200)
    assert CHUNK < offset < MIDDLE  # what came of the chunk that was broken off is kept
    assert rest == [["PATCH", 204, offset + CHUNK], ["PATCH", 204, SIZE]]
    await arrived(emulator, begun["url"], noise)


async def test_tus_js_client_uploads_for_an_end_user_without_credentials(emulator: Emulator, noise: Path) -> None:
    async with emulator.stream() as stream:
        upload = await stream.create(upload_length=SIZE, direct_user=True)
    done = await told_by("client.js", file=str(noise), uploadUrl=str(upload.upload_url), chunkSize=CHUNK)
    assert done["answers"][-1] == ["PATCH", 204, SIZE]
    await arrived(emulator, str(upload.upload_url), noise, name=None)


async def test_tuspy_uploads(emulator: Emulator, noise: Path) -> None:
    client = TusClient(creation(emulator), headers=credentials(emulator))
    with noise.open("rb") as file:
        uploader = client.uploader(file_stream=file, chunk_size=CHUNK, metadata={"name": NAME})
        await asyncio.to_thread(uploader.upload)
    await arrived(emulator, str(uploader.url), noise)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp's advice to aiotus
async def test_aiotus_uploads_through_a_lost_connection(emulator: Emulator, noise: Path) -> None:
    headers = credentials(emulator)
    async with (
        proxied(emulator.base_url, budget=MIDDLE) as (proxy, base_url),
        aiohttp.ClientSession() as session,
    ):
        with noise.open("rb") as file:
            address = await aiotus.upload(
                creation(emulator, base_url),
                file,
                {"name": NAME.encode()},
                client_session=session,
                config=aiotus.RetryConfiguration(retry_attempts=3, max_retry_period_seconds=1),
                headers=headers,
                chunksize=CHUNK,
            )
        assert address is not None  # it tells the reason to its log only
        assert proxy.hit.is_set()
        assert await aiotus.metadata(address, client_session=session, headers=headers) == {"name": NAME.encode()}
    await arrived(emulator, str(address), noise)


async def test_resumable_upload_uploads(emulator: Emulator, noise: Path) -> None:
    client = ResumableUploadClient(creation(emulator), chunk_size=CHUNK, headers=credentials(emulator))
    address = await asyncio.to_thread(client.upload_file, str(noise), metadata={"name": NAME})
    await arrived(emulator, address, noise)


async def test_curl_uploads_piece_by_piece(emulator: Emulator, noise: Path, tmp_path: Path) -> None:
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is not on this machine")

    async def curl(*arguments: str) -> dict[str, str]:
        """Give the headers of the answer, by names in lower case."""
        always = ("--silent", "--fail", "--dump-header", "-", "--header", "Tus-Resumable: 1.0.0")
        token = ("--header", f"Authorization: Bearer {emulator.api_token}")
        process = await asyncio.create_subprocess_exec(program, *always, *token, *arguments, stdout=PIPE)
        output, _ = await process.communicate()
        assert process.returncode == 0
        lines = [line.partition(": ") for line in output.decode().splitlines()]
        return {name.lower(): value for name, _, value in lines}

    created = await curl("--request", "POST", "--header", f"Upload-Length: {SIZE}", creation(emulator))
    address, offset = created["location"], 0
    assert created["stream-media-id"] in address
    for piece in cut(noise, tmp_path):
        told = ("--header", f"Upload-Offset: {offset}", "--header", "Content-Type: application/offset+octet-stream")
        answer = await curl("--request", "PATCH", *told, "--data-binary", f"@{piece}", address)
        offset = int(answer["upload-offset"])
    assert offset == SIZE
    await arrived(emulator, address, noise, name=None)


def cut(file: Path, folder: Path) -> Iterator[Path]:
    """Write each chunk of a file into a file of its own."""
    data = file.read_bytes()
    for start in range(0, len(data), CHUNK):
        piece = folder / f"piece-{start}"
        piece.write_bytes(data[start : start + CHUNK])
        yield piece
