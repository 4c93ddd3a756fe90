"""Prism stands between Cloudflare's SDK and the emulator and holds what both say against the facts of the API."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cloudflare import AsyncCloudflare
from openapi_facts import document
from outsiders_kit import PATIENCE, node_package
from outsiders_sdk_kit import Both
from test_outsiders_sdk import test_every_video_call_with_every_keyword as test_video_calls_pass
from test_outsiders_sdk_access import test_every_access_call_with_every_keyword as test_access_calls_pass
from test_outsiders_sdk_live import test_every_live_call_with_every_keyword as test_live_calls_pass
from test_outsiders_sdk_media import ready
from test_outsiders_sdk_media import test_every_media_call_with_every_keyword as test_media_calls_pass

from cfstream.emulator import Emulator, Fault

__all__ = [
    "ready",
    "test_access_calls_pass",
    "test_live_calls_pass",
    "test_media_calls_pass",
    "test_video_calls_pass",
]
"""The stories that the SDK's own modules tell, told once more with Prism in the way."""

PROGRAM = "node_modules/@stoplight/prism-cli/dist/index.js"


@pytest.fixture
async def both(film: Path, tmp_path: Path) -> AsyncIterator[Both]:
    async with (
        Emulator(allow_private_fetch=True) as emulator,
        prism(emulator.base_url, tmp_path) as address,
        emulator.stream() as ours,
        AsyncCloudflare(api_token=emulator.api_token, base_url=address, max_retries=0) as sdk,
    ):
        yield Both(emulator, ours, sdk, film)


@asynccontextmanager
async def prism(upstream: str, folder: Path) -> AsyncIterator[str]:
    """Start Prism before an API; gives its address. What the facts do not allow is answered with an error."""
    facts = folder / "facts.json"
    facts.write_text(json.dumps(document()), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ("proxy", str(facts), upstream, "--errors", "--port", str(port))
    async with node_package(PROGRAM, *arguments) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while b"is listening" not in (line := await process.stdout.readline()):
                assert line, "Prism ended"
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"success": True, "errors": [], "messages": [], "result": {"uid": 3}}, "uid"),
        ({"success": True, "errors": [], "result": []}, "messages"),
    ],
    ids=["a field of another type", "no messages"],
)
async def test_an_answer_that_the_facts_do_not_allow_is_told(both: Both, answer: object, told: str) -> None:
    """Without this, a Prism that looks at nothing would pass everything above."""
    fault = Fault.status(200, headers={"Content-Type": "application/json"}, body=json.dumps(answer))
    both.emulator.faults.add("STREAM_GET", fault)
    async with httpx.AsyncClient() as client:
        address = str(both.sdk.base_url).rstrip("/")
        refused = await client.get(
            f"{address}/accounts/{both.account}/stream/{'a' * 32}",
            headers={"Authorization": f"Bearer {both.emulator.api_token}"},
        )
    assert refused.status_code == 500
    assert told in refused.text
