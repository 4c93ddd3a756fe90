"""Who gets in, what an unknown address answers, and that every row has a handler."""

import asyncio
import io
import logging
from collections import defaultdict
from urllib.parse import urlsplit

import pytest
from emulator_kit import Api, running
from yarl import URL

from cfstream.emulator import Emulator
from cfstream.emulator.handlers import HANDLERS
from cfstream.endpoints import ROWS

UNKNOWN = "0123456789abcdef0123456789abcdef"


def test_every_row_has_a_handler() -> None:
    assert set(HANDLERS) == set(ROWS)


async def test_every_row_is_routed() -> None:
    async with running() as api:
        for row in ROWS.values():
            values = defaultdict(lambda: UNKNOWN, account_id=api.emulator.account_id, language="en")
            path = row.path.format_map(values)
            answer = await api.call(row.verb, f"{api.emulator.base_url}{path}")
            assert answer.status not in (405, 500)
            if answer.status == 404:
                assert answer.codes == [10003]


@pytest.mark.parametrize("token", ["wrong", "wröng"])
async def test_wrong_token(token: str) -> None:
    async with running() as api:
        answer = await api.call("GET", token=token)
    assert (answer.status, answer.codes) == (401, [10000])
    assert answer.json["messages"] == []
    assert answer.headers["cf-ray"]


async def test_no_credentials() -> None:
    async with running() as api:
        assert (await api.call("GET", token=None)).status == 401
        assert (await api.call("GET", f"{api.emulator.base_url}/nowhere", token=None)).status == 401


async def test_key_and_email() -> None:
    async with running(api_key="k3y", api_email="a@example.com") as api:
        good = {"X-Auth-Key": "k3y", "X-Auth-Email": "a@example.com"}
        assert (await api.call("GET", token=None, headers=good)).status == 200
        assert (await api.call("GET", token=None, headers={**good, "X-Auth-Email": "b@example.com"})).status == 401
        assert (await api.call("GET", token=None, headers={**good, "X-Auth-Key": ""})).status == 401
    async with running() as api:
        assert (await api.call("GET", token=None, headers={"X-Auth-Key": "", "X-Auth-Email": ""})).status == 401


async def test_another_account() -> None:
    async with running() as api:
        path = f"/accounts/{UNKNOWN}/stream"
        answer = await api.call("GET", f"{api.emulator.base_url}{path}")
    assert (answer.status, answer.codes) == (404, [7003, 7000])
    assert answer.json["errors"][0]["message"] == (
        f"Could not route to {path}, perhaps your object identifier is invalid?"
    )
    assert answer.json["errors"][1]["message"] == "No route for that URI"


async def test_unknown_route_and_method() -> None:
    async with running() as api:
        answer = await api.call("GET", f"{api.emulator.base_url}/path/not/found")
        assert (answer.status, answer.codes) == (404, [7003, 7000])
        answer = await api.call("PUT")
        assert (answer.status, answer.codes) == (405, [7001])


async def test_unknown_video() -> None:
    async with running() as api:
        for uid in (UNKNOWN, "short", "a" * 300):
            answer = await api.call("GET", f"/{uid}")
            assert (answer.status, answer.codes) == (404, [10003])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""])
async def test_other_hosts_are_refused(host: str) -> None:
    async with running() as api:
        assert (await api.call("GET", headers={"Host": host})).status == 421
        assert (await api.media("/", Host=host)).status == 421


async def test_own_hosts() -> None:
    async with running() as api:
        for host in ("localhost", "LOCALHOST:8787", "127.0.0.1:1", "[::1]:80"):
            assert (await api.call("GET", headers={"Host": host})).status == 200


async def test_the_api_is_not_open_to_web_pages() -> None:
    async with running() as api:
        answer = await api.call("GET", headers={"Origin": "https://example.com"})
        assert "Access-Control-Allow-Origin" not in answer.headers
        preflight = await api.call("OPTIONS", token=None, headers={"Origin": "https://example.com"})
        assert preflight.status == 401


async def test_a_fault_shows_no_stack(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    async with running() as api:
        monkeypatch.setattr("cfstream.emulator.storage.store.Store.videos", broken)
        with caplog.at_level(logging.ERROR, logger="cfstream.emulator"):
            answer = await api.call("GET")
    assert answer.status == 500
    assert answer.codes == [10001]
    assert b"secret" not in answer.body
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"\xff", b"null", b'{"meta": {"x": NaN}}', b"[" * 100_000, b'{"meta": ' + b"9" * 5000 + b"}"]
)
async def test_bodies_that_are_no_object(body: bytes) -> None:
    async with running() as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        answer = await api.call("POST", f"/{uid}", data=body)
        assert (answer.status, answer.codes) == (400, [10005])


async def test_a_body_that_is_too_large() -> None:
    async with running() as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        assert (await api.call("POST", f"/{uid}", data=io.BytesIO(b" " * 2_000_000))).status == 413


async def raw_status(api: Api, headers: bytes) -> int:
    parts = urlsplit(api.path(""))
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    start = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
    writer.write(start.encode() + headers + b"\r\n")
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_bytes_that_are_no_text() -> None:
    async with running() as api:
        create = f"Authorization: Bearer {api.emulator.api_token}\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 2000\r\n"
        assert await raw_status(api, b"Authorization: Bearer \xff\r\n") == 401
        assert await raw_status(api, create.encode()) == 201
        assert await raw_status(api, create.encode() + b"Upload-Creator: \xff\r\n") == 400
        assert await raw_status(api, create.encode() + b"Upload-Metadata: \xff eA==\r\n") == 400
        for query in ("?creator=%FF", "?search=%ED%A0%80", "?name=%00", "/%FF", "/storage-usage?creator=%FF"):
            answer = await api.call("GET", URL(api.path(query), encoded=True))
            assert answer.status in (200, 400, 404)


def test_token_is_new_each_time_and_hidden() -> None:
    first, second = Emulator(), Emulator()
    assert first.api_token != second.api_token
    assert first.api_token not in repr(first)
    assert Emulator(api_token="mine").api_token == "mine"
