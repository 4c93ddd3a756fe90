"""Every call with every keyword, sent to a server that records it: what goes over the wire is what the facts say."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import BodyPartReader, web
from contract_facts import CALLS
from contract_shapes import Call
from contract_values import BY_CALL, Way, answer, each_call, filled_path, is_given, least, method, path_values, ways
from multidict import CIMultiDict

from cfstream import RetryPolicy, Stream

ACCOUNT = "ac" * 16
TOKEN = "token-0123456789"
BASE = "/client/v4"
# What any HTTP client sends of its own accord.
EVERYDAY = {"host", "user-agent", "accept-encoding", "content-length", "transfer-encoding", "connection"}
NOT_REACHED = 521  # from the edge: any call may be repeated after it
HASTY = RetryPolicy(base=0.001, cap=0.001)

each_way = pytest.mark.parametrize("way", [way for fact in CALLS for way in ways(fact)], ids=lambda way: way.id)
KEYED = [fact for fact in CALLS if "Idempotency-Key" in fact.own_headers]


@dataclass(frozen=True)
class Part:
    """One part of a multipart body."""

    name: str | None
    filename: str | None
    kind: str | None
    data: bytes


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    headers: CIMultiDict[str]
    body: bytes
    parts: tuple[Part, ...]


class Recorder:
    """A server that keeps every request and answers with what the fact says, after the failures it is told of."""

    def __init__(self, fact: Call, *failures: int) -> None:
        self.fact = fact
        self.failures = list(failures)
        self.seen: list[Seen] = []

    async def __call__(self, request: web.Request) -> web.Response:
        headers = CIMultiDict(request.headers)
        multipart = request.content_type == "multipart/form-data"
        parts = [part async for part in _parts(request)] if multipart else []
        path, _, query = request.raw_path.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        body = b"" if multipart else await request.read()
        self.seen.append(Seen(request.method, path, pairs, headers, body, tuple(parts)))
        if self.failures:
            return web.Response(status=self.failures.pop(0))
        status, given, content = answer(self.fact)
        return web.Response(status=status, headers=given, body=content)

    @property
    def only(self) -> Seen:
        (seen,) = self.seen
        return seen


async def _parts(request: web.Request) -> AsyncIterator[Part]:
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        yield Part(part.name, part.filename, part.headers.get("Content-Type"), bytes(await part.read()))


@asynccontextmanager
async def recording(fact: Call, *failures: int, **credentials: Any) -> AsyncIterator[tuple[Recorder, Stream]]:
    recorder = Recorder(fact, *failures)
    runner = web.ServerRunner(web.Server(recorder))  # type: ignore[arg-type]  # a callable object is a handler too
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        settings = {
            "base_url": f"http://{host}:{port}{BASE}",
            "account_id": ACCOUNT,
            "retry": HASTY,
            "rate_limit": None,
        }
        async with Stream(**{"api_token": TOKEN, **settings, **credentials}) as stream:
            yield recorder, stream
    finally:
        await runner.cleanup()


async def call(stream: Stream, fact: Call, given: dict[str, Any]) -> Any:
    """Make a call the way people do: what is positional by its place, the rest by name."""
    values = path_values(fact)
    positional = [values.pop(name) for name in fact.positional]
    return await method(stream, fact)(*positional, **values, **given)


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def own_headers(seen: Seen) -> dict[str, str]:
    """Give the headers that say something about this call."""
    general = {*EVERYDAY, "authorization", "accept", "content-type"}
    return {name: value for name, value in seen.headers.items() if name.lower() not in general}


@each_way
async def test_a_call_is_sent_as_the_reference_says_and_its_answer_read(way: Way) -> None:
    fact = way.fact
    async with recording(fact) as (recorder, stream):
        got = await call(stream, fact, way.given)
    seen = recorder.only
    assert is_given(fact, got)
    assert (seen.verb, seen.path) == (fact.verb, f"{BASE}{filled_path(fact, ACCOUNT)}")
    assert sorted(seen.query) == sorted((name, text(value)) for name, value in way.wire.get("query", {}).items())
    assert own_headers(seen) == {name: text(value) for name, value in way.wire.get("header", {}).items()}
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["User-Agent"].startswith("cfstream/")
    assert seen.headers.get("Accept", "*/*") == (fact.accept or "*/*")
    match way.place:
        case "json":
            assert seen.headers["Content-Type"] == "application/json"
            assert json.loads(seen.body) == way.wire["json"]
        case "form":
            assert_form(way, seen)
        case _:
            assert seen.body == b""
            assert seen.headers.get("Content-Type", "application/octet-stream") == "application/octet-stream"


def assert_form(way: Way, seen: Seen) -> None:
    assert seen.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert seen.headers["Content-Length"].isdecimal()
    fields = dict(way.wire["form"])
    data = fields.pop("file")
    files = [part for part in seen.parts if part.name == "file"]
    assert [part.data for part in files] == [data]
    assert all(part.filename and part.kind for part in files)
    others = {part.name: part.data.decode() for part in seen.parts if part.name != "file"}
    assert others == {name: text(value) for name, value in fields.items()}
    assert len(seen.parts) == len(others) + 1
    assert all(part.filename is None for part in seen.parts if part.name != "file")


@each_call(fact for fact in CALLS if fact.keywords)
async def test_what_is_left_out_is_not_sent(fact: Call) -> None:
    given = least(fact)
    wire = {keyword.wire for keyword in fact.keywords if keyword.python in given}
    paging = {"limit"} if fact.call == "stream.list" else set()  # the walk asks for as many as a page holds
    async with recording(fact) as (recorder, stream):
        await call(stream, fact, given)
    seen = recorder.only
    sent = {name for name, _ in seen.query} | {part.name for part in seen.parts} | set(own_headers(seen))
    if seen.body:
        sent |= json.loads(seen.body).keys()
    assert sent == wire | paging | {*fact.own_headers}


with_file = each_call(fact for fact in CALLS if fact.file_max)


@with_file
async def test_a_file_by_its_path_keeps_its_name(fact: Call, tmp_path: Path) -> None:
    path = tmp_path / "My file ü.bin"
    path.write_bytes(fact.file_start + b"rest")
    async with recording(fact) as (recorder, stream):
        await call(stream, fact, {**least(fact), "file": path})
    (file,) = (part for part in recorder.only.parts if part.name == "file")
    assert (file.filename, file.data) == (path.name, fact.file_start + b"rest")


@with_file
@pytest.mark.parametrize("name", ["a\nb.bin", "a\x01b.bin", "a\udcffb.bin"])
async def test_a_file_name_that_no_header_can_hold_is_made_one_that_can(fact: Call, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(fact.file_start)
    async with recording(fact) as (recorder, stream):
        await call(stream, fact, {**least(fact), "file": path})
    (file,) = (part for part in recorder.only.parts if part.name == "file")
    assert file.filename
    assert file.filename.isprintable()


@with_file
@pytest.mark.parametrize("kind", ["path", "bytes", "object"])
async def test_a_file_is_sent_again_from_its_start(fact: Call, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(fact.file_start + b"rest")
    with path.open("rb") as opened:
        file = {"path": path, "bytes": path.read_bytes(), "object": opened}[kind]
        async with recording(fact, NOT_REACHED, NOT_REACHED) as (recorder, stream):
            await call(stream, fact, {**least(fact), "file": file})
    sent = [part.data for seen in recorder.seen for part in seen.parts if part.name == "file"]
    assert sent == [fact.file_start + b"rest"] * 3


async def test_a_key_and_an_address_go_in_headers_of_their_own() -> None:
    credentials = {"api_token": None, "api_key": "key-0123456789", "api_email": "a@example.com"}
    async with recording(BY_CALL["stream.get"], **credentials) as (recorder, stream):
        await call(stream, BY_CALL["stream.get"], {})
    headers = recorder.only.headers
    assert (headers["X-Auth-Key"], headers["X-Auth-Email"]) == ("key-0123456789", "a@example.com")
    assert "Authorization" not in headers


# --- the key of a creation ---------------------------------------------------------------------------------------


def keys(recorder: Recorder) -> list[str]:
    return [seen.headers["Idempotency-Key"] for seen in recorder.seen]


@each_call(KEYED)
async def test_two_creations_have_keys_of_their_own(fact: Call) -> None:
    async with recording(fact) as (recorder, stream):
        await call(stream, fact, {})
        await call(stream, fact, {})
    first, second = keys(recorder)
    assert first != second
    assert 16 <= len(first) <= 255


@each_call(KEYED)
@pytest.mark.parametrize("given", [{}, {"idempotency_key": "mine"}], ids=["ours", "mine"])
async def test_a_repeated_creation_has_the_key_of_the_first_attempt(fact: Call, given: dict[str, Any]) -> None:
    async with recording(fact, 503, 503) as (recorder, stream):
        await call(stream, fact, given)
    assert len(recorder.seen) == 3
    (key,) = set(keys(recorder))
    assert key == given.get("idempotency_key", key)
    assert len({seen.body for seen in recorder.seen}) == 1


@each_way
async def test_a_call_that_never_reached_the_service_is_sent_again_whole(way: Way) -> None:
    async with recording(way.fact, NOT_REACHED) as (recorder, stream):
        got = await call(stream, way.fact, way.given)
    first, second = recorder.seen
    assert is_given(way.fact, got)
    assert (first.verb, first.path, first.query, first.body) == (second.verb, second.path, second.query, second.body)
    assert first.parts == second.parts
    assert own_headers(first) == own_headers(second)
