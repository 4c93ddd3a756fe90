"""cfstream uploads to a tus server that other people wrote: `@tus/server`, with a little of Cloudflare around it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from outsiders_kit import CHUNK, MIDDLE, SIZE, digest, node, proxied, write_noise

from cfstream import Stream
from cfstream.models import UploadProgress

ACCOUNT = "a" * 32


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


@pytest.fixture
async def base_url(kept: Path) -> AsyncIterator[str]:
    path = f"/client/v4/accounts/{ACCOUNT}/stream"
    async with node("server.js", folder=str(kept), path=path) as process:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}/client/v4"


@pytest.mark.parametrize("budget", [None, CHUNK // 2, MIDDLE, SIZE - 1000], ids=["whole", "first", "second", "last"])
async def test_every_byte_arrives(base_url: str, kept: Path, tmp_path: Path, budget: int | None) -> None:
    """`budget` says in which chunk the connection is lost."""
    noise = write_noise(tmp_path)
    attempts: set[int] = set()

    def note(progress: UploadProgress) -> None:
        attempts.add(progress.attempt)

    async with (
        proxied(base_url, budget=budget or 2 * SIZE) as (proxy, through),
        Stream("token", ACCOUNT, base_url=through) as stream,
    ):
        video = await stream.upload(noise, name="Grüße", require_signed_urls=True, chunk_size=CHUNK, on_progress=note)
    assert (video.status.state, video.size) == ("queued", SIZE)
    assert digest(kept / video.uid) == digest(noise)
    assert proxy.hit.is_set() is (budget is not None)
    assert max(attempts) == (1 if budget is None else 2)
