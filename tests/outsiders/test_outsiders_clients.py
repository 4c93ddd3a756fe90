"""Other people's tus clients, unchanged, upload to the emulator by the service's own limits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import aiotus
import pytest
from outsiders_kit import CHUNK, MIDDLE, SIZE, digest, proxied, told_by, write_noise
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
