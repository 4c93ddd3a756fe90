"""Files out: downloads and captions land whole or not at all, whatever the media host does."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from emulator_kit import clip
from raw_server import Behaviour, RawServer, http, resets_after, says, says_in_turn, silence
from unit_kit import ACCOUNT, TOKEN, UID, all_words, envelope, frames, hasty
from virtual_clock import VirtualClock

from cfstream import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    DecodeError,
    EncodingFailedError,
    Hooks,
    InternalServerError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    RedirectError,
    Secret,
    Stream,
    StreamError,
    TransportError,
    WaitTimeoutError,
)
from cfstream.emulator import Emulator, Fault
from cfstream.models import DownloadProgress
from cfstream.saving import part

VTT = b"\xef\xbb\xbfWEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nGr\xc3\xbc\xc3\x9fe\r\n\r\n"
DATA = bytes(range(256)) * 40
TAG = '"v1"'
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
LAST_CHANGE = "Mon, 02 Feb 2026 03:04:05 GMT"


# --- over the emulator, with real media --------------------------------------------------------------------------


@pytest.fixture
async def service() -> AsyncIterator[Emulator]:
    async with Emulator() as running:
        yield running


@pytest.fixture
async def stream(service: Emulator) -> AsyncIterator[Stream]:
    async with service.stream(_clock=VirtualClock()) as client:
        yield client


@pytest.fixture
async def real(service: Emulator) -> AsyncIterator[Stream]:
    """A client whose waits are real, for what the emulator needs time to make."""
    async with service.stream() as client:
        yield client


async def ready(stream: Stream, **options: Any) -> str:
    uid = (await stream.upload(clip(), **options)).uid
    await stream.wait_until_ready(uid)
    return uid


async def test_a_download_is_made_waited_for_and_saved(real: Stream, tmp_path: Path) -> None:
    uid = await ready(real)
    assert (await real.downloads.get(uid)).default is None
    events: list[DownloadProgress] = []

    async def note(event: DownloadProgress) -> None:
        events.append(event)

    saved = await real.downloads.save(uid, tmp_path / "talk.mp4", on_progress=note)
    assert saved == tmp_path / "talk.mp4"
    content = as_written(saved)
    assert content[4:8] == b"ftyp"
    assert names(tmp_path) == ["talk.mp4"]
    last = events[-1]
    assert (last.uid, last.path, last.bytes, last.total) == (uid, str(saved), len(content), len(content))
    assert (events[0].bytes, events[0].attempt) == (0, 1)
    assert [event.bytes for event in events] == sorted(event.bytes for event in events)


def as_written(path: Path) -> bytes:
    """Give what is in a file, which has the permissions of any file."""
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_in_a_folder_a_file_has_the_name_of_its_video(real: Stream, tmp_path: Path) -> None:
    uid = await ready(real)
    both = [
        await real.downloads.save(uid, tmp_path),
        await real.downloads.save(uid, str(tmp_path), download_type="audio"),
    ]
    assert both == [tmp_path / f"{uid}.mp4", tmp_path / f"{uid}.m4a"]
    assert names(tmp_path) == sorted(path.name for path in both)
    assert all(path.read_bytes()[4:8] == b"ftyp" for path in both)


async def test_a_private_video_is_saved_with_a_token_for_downloads(real: Stream, tmp_path: Path) -> None:
    uid = await ready(real, require_signed_urls=True)
    with pytest.raises(AuthenticationError, match="for a video with signed URLs give token=, made with downloadable"):
        await real.downloads.save(uid, tmp_path)
    plain = (await real.token.create(uid)).token
    with pytest.raises(PermissionDeniedError, match="refuses the token") as caught:
        await real.downloads.save(uid, tmp_path, token=plain)
    assert plain not in all_words(caught.value)
    assert names(tmp_path) == []
    token = (await real.token.create(uid, downloadable=True)).token
    saved = await real.downloads.save(uid, tmp_path, token=token)
    assert saved == tmp_path / f"{uid}.mp4"


async def test_faults_of_the_api_on_the_way_are_overcome(service: Emulator, tmp_path: Path) -> None:
    async with service.stream(retry=hasty()) as client:
        uid = await ready(client)
        service.faults.add("DOWNLOADS_GET", Fault.status(503), Fault.drop())
        service.faults.add("DOWNLOADS_CREATE_TYPE", Fault.drop(after_commit=True))
        assert (await client.downloads.save(uid, tmp_path)).exists()
        assert service.faults.pending == ()


async def test_only_a_ready_video_can_be_saved(service: Emulator, stream: Stream, tmp_path: Path) -> None:
    service.pause_encoding()
    uid = (await stream.upload(clip())).uid
    with pytest.raises(BadRequestError, match="not ready"):
        await stream.downloads.save(uid, tmp_path)
    with pytest.raises(NotFoundError):
        await stream.downloads.save(UID, tmp_path)
    assert names(tmp_path) == []


def test_the_blocking_twin_saves_too(tmp_path: Path) -> None:
    events: list[DownloadProgress] = []
    with Emulator() as emulator, emulator.stream() as stream:
        uid = stream.upload(clip()).uid
        stream.wait_until_ready(uid)
        saved = stream.downloads.save(uid, tmp_path, on_progress=events.append)
        assert (saved.stat().st_size, events[-1].total) == (events[-1].bytes, saved.stat().st_size)
        stream.captions.language.update("en", identifier=uid, file=VTT)
        assert stream.captions.language.vtt.save("en", tmp_path, identifier=uid).read_bytes() == VTT


# --- captions ----------------------------------------------------------------------------------------------------


async def test_captions_are_saved_byte_for_byte(stream: Stream, tmp_path: Path) -> None:
    uid = (await stream.create(upload_length=1)).uid
    await stream.captions.language.update("tr", identifier=uid, file=VTT)
    vtt = stream.captions.language.vtt
    assert await vtt.save("tr", tmp_path, identifier=uid) == tmp_path / f"{uid}.tr.vtt"
    named = await vtt.save("tr", tmp_path / "a.vtt", identifier=uid)
    assert as_written(named) == VTT
    named.write_text("mine")
    with pytest.raises(InvalidInputError, match=r"a\.vtt' is there already; overwrite=True replaces it"):
        await vtt.save("tr", named, identifier=uid)
    assert named.read_text() == "mine"
    assert (await vtt.save("tr", named, identifier=uid, overwrite=True)).read_bytes() == VTT
    with pytest.raises(NotFoundError):
        await vtt.save("de", tmp_path / "b.vtt", identifier=uid)
    assert names(tmp_path) == sorted([f"{uid}.tr.vtt", "a.vtt"])


async def test_captions_that_cannot_be_written_leave_nothing(stream: Stream, tmp_path: Path) -> None:
    uid = (await stream.create(upload_length=1)).uid
    await stream.captions.language.update("tr", identifier=uid, file=VTT)
    with pytest.raises(OSError, match="File name too long"):
        await stream.captions.language.vtt.save("tr", tmp_path / ("a" * 300), identifier=uid)
    assert names(tmp_path) == []


async def test_a_caption_file_that_comes_into_being_meanwhile_is_kept(stream: Stream, tmp_path: Path) -> None:
    uid = (await stream.create(upload_length=1)).uid
    await stream.captions.language.update("tr", identifier=uid, file=VTT)
    view = stream.with_options(hooks=Hooks(on_response=lambda _: (tmp_path / "a.vtt").write_text("mine")))
    with pytest.raises(StreamError, match="has come into being meanwhile and is kept"):
        await view.captions.language.vtt.save("tr", tmp_path / "a.vtt", identifier=uid)
    assert (tmp_path / "a.vtt").read_text() == "mine"
    assert names(tmp_path) == ["a.vtt"]


async def test_the_emulator_sees_no_credentials_with_media(service: Emulator, tmp_path: Path) -> None:
    rows: list[str] = []
    async with service.stream(hooks=Hooks(on_request=lambda event: rows.append(event.row))) as client:
        uid = await ready(client)
        await client.downloads.save(uid, tmp_path)
    sent = [request for request in service.requests if "/downloads/default.mp4" in request.path]
    assert sent
    assert all("authorization" not in {name.lower() for name in request.headers} for request in sent)
    assert rows[-1] == "GET {download_url}"


# --- a media host that misbehaves --------------------------------------------------------------------------------


def serves(
    data: bytes = DATA, tag: str | None = TAG, *, cut: int | None = None, date: str | None = None, **headers: str
) -> Behaviour:
    """Serve a file, or the rest of it where a Range with the right If-Range is asked for; may fall silent early."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        asked = fields(head)
        shown = {name: value for name, value in (("ETag", tag), ("Last_Modified", date)) if value} | headers
        status, body = "200 OK", data
        if "range" in asked and asked.get("if-range") in (tag, date):
            start = int(asked["range"].removeprefix("bytes=").removesuffix("-"))
            status, body = "206 Partial Content", data[start:]
            shown["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        answer = http(status, body, content_type="video/mp4", **shown)
        writer.write(answer if cut is None else answer[: len(answer) - len(body) + cut])
        await writer.drain()
        if cut is not None:  # silent rather than closed, because what was sent is read for certain before a silence
            await silence(server, head, writer)
        writer.close()

    return behave


def fields(head: bytes) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
    return {name.lower(): value for name, value in pairs}


def page(status: str, body: bytes = b"<html>no</html>", content_type: str = "text/html", **headers: str) -> Behaviour:
    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, body, content_type=content_type, **headers))
        await writer.drain()
        writer.close()

    return behave


@attrs.define
class Setting:
    """An API and a media host, each on a port of its own, and a client whose waits take no time."""

    api: RawServer
    media: RawServer
    stream: Stream
    clock: VirtualClock
    folder: Path

    async def save(self, **options: Any) -> Path:
        return await self.stream.downloads.save(UID, self.folder / "a.mp4", **options)

    @property
    def asked(self) -> list[dict[str, str]]:
        return [fields(request) for request in self.media.requests]

    def left(self) -> list[str]:
        return names(self.folder)


def told(*states: dict[str, Any]) -> list[Behaviour]:
    return [page("200 OK", envelope({"default": state} if state else {}), "application/json") for state in states]


Scene = Callable[..., Awaitable[Setting]]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Give a function that sets the scene: a media host with these behaviours, the last of which repeats."""
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:

        async def set_up(*behaviours: Behaviour, states: list[dict[str, Any]] | None = None, **options: Any) -> Setting:
            media = await stack.enter_async_context(RawServer(*(behaviours or (serves(),))))
            url = f"{media.url}/{UID}/downloads/default.mp4"
            known = [{"url": url, **state} if state else {} for state in states or [{"status": "ready"}]]
            api = await stack.enter_async_context(RawServer(*told(*known)))
            clock = VirtualClock()
            settings = {"retry": hasty(), "rate_limit": None, "_clock": clock, "base_url": f"{api.url}/client/v4"}
            client = await stack.enter_async_context(Stream(TOKEN, ACCOUNT, **(settings | options)))
            return Setting(api, media, client, clock, tmp_path)

        yield set_up


async def test_a_lost_connection_is_taken_up_where_the_file_ends(scene: Scene) -> None:
    setting = await scene(serves(cut=1000), serves(cut=3000), serves())
    events: list[DownloadProgress] = []
    saved = await setting.save(on_progress=events.append)
    assert saved.read_bytes() == DATA
    assert [asked.get("range") for asked in setting.asked] == [None, "bytes=1000-", "bytes=4000-"]
    assert [asked.get("if-range") for asked in setting.asked] == [None, TAG, TAG]
    assert {asked["accept-encoding"] for asked in setting.asked} == {"identity"}
    assert (events[-1].bytes, events[-1].total, events[-1].attempt) == (len(DATA), len(DATA), 3)
    assert setting.left() == ["a.mp4"]


async def test_what_is_larger_than_a_piece_arrives_in_order(scene: Scene) -> None:
    large = b"".join(number.to_bytes(4, "big") for number in range(1_000_000))
    setting = await scene(serves(large, cut=2_500_000), serves(large))
    assert (await setting.save()).read_bytes() == large
    assert setting.asked[1]["range"] == "bytes=2500000-"


@pytest.mark.parametrize("broken", [resets_after, says], ids=["reset", "closed"])
@pytest.mark.parametrize("count", [0, 40, 150, 5000])
async def test_a_connection_that_breaks_anywhere_is_made_anew(
    scene: Scene, broken: Callable[[bytes], Behaviour], count: int
) -> None:
    answer = http("200 OK", DATA, content_type="video/mp4", ETag=TAG)
    setting = await scene(broken(answer[:count]), serves())
    assert (await setting.save()).read_bytes() == DATA
    assert len(setting.asked) == 2


async def test_a_date_serves_where_there_is_no_strong_tag(scene: Scene) -> None:
    setting = await scene(serves(tag='W/"v1"', date=LAST_CHANGE, cut=1000), serves(tag=None, date=LAST_CHANGE))
    assert (await setting.save()).read_bytes() == DATA
    assert setting.asked[1]["if-range"] == LAST_CHANGE


async def test_without_a_version_every_attempt_begins_anew(scene: Scene) -> None:
    setting = await scene(serves(tag=None, cut=1000), serves(tag=None))
    assert (await setting.save()).read_bytes() == DATA
    assert "range" not in setting.asked[1]


async def test_a_file_that_changes_in_between_is_fetched_from_its_beginning(scene: Scene) -> None:
    other = bytes(reversed(DATA)) + b"more"
    events: list[DownloadProgress] = []
    setting = await scene(serves(cut=1000), serves(other, '"v2"'))
    assert (await setting.save(on_progress=events.append)).read_bytes() == other
    assert [asked.get("if-range") for asked in setting.asked] == [None, TAG]
    assert events[-1].total == len(other)


def part_of(data: bytes, start: int, total: int | None = None, tag: str = TAG) -> Behaviour:
    """Answer with this part whatever was asked for."""
    shown = f"bytes {start}-{start + len(data) - 1}/{'*' if total is None else total}"
    return page("206 Partial Content", data, "video/mp4", Content_Range=shown, ETag=tag)


@pytest.mark.parametrize(
    "wrong",
    [
        part_of(DATA[1000:], 1000, len(DATA), '"v2"'),
        part_of(DATA[900:], 900, len(DATA)),
        part_of(DATA[1000:], 1000, len(DATA) + 1),
        part_of(DATA[1000:], 1000),
        page("206 Partial Content", DATA[1000:], "video/mp4"),
        page("416 Range Not Satisfiable"),
    ],
)
async def test_a_part_that_does_not_fit_is_never_joined(scene: Scene, wrong: Behaviour) -> None:
    setting = await scene(serves(cut=1000), wrong, serves())
    assert (await setting.save()).read_bytes() == DATA
    assert [asked.get("range") for asked in setting.asked] == [None, "bytes=1000-", None]


async def test_an_answer_with_less_than_was_asked_for_is_gone_on_from(scene: Scene) -> None:
    setting = await scene(serves(cut=1000), part_of(DATA[1000:1500], 1000, len(DATA)), serves())
    assert (await setting.save()).read_bytes() == DATA
    assert setting.asked[2]["range"] == "bytes=1500-"


async def test_more_bytes_than_the_file_has_are_refused(scene: Scene) -> None:
    setting = await scene(serves(cut=1000), part_of(DATA[1000:] + b"more", 1000, len(DATA)))
    with pytest.raises(DecodeError, match="more bytes than the file has; nothing was saved"):
        await setting.save()
    assert setting.left() == []


def chunked(*, end: bool, **headers: str) -> Behaviour:
    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        shown = {"Content-Type": "video/mp4", "Transfer-Encoding": "chunked", **headers}
        lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in shown.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        writer.write(f"{len(DATA):x}\r\n".encode() + DATA + b"\r\n" + (b"0\r\n\r\n" if end else b""))
        await writer.drain()
        if not end:
            await silence(server, head, writer)
        writer.close()

    return behave


async def test_a_length_that_is_told_at_the_end_will_do(scene: Scene) -> None:
    events: list[DownloadProgress] = []
    setting = await scene(chunked(end=False), chunked(end=True))
    assert (await setting.save(on_progress=events.append)).read_bytes() == DATA
    assert len(setting.asked) == 2
    assert {event.total for event in events} == {None}


async def test_a_length_that_only_a_later_answer_tells_will_do(scene: Scene) -> None:
    events: list[DownloadProgress] = []
    setting = await scene(chunked(end=False, ETag=TAG), serves(DATA + b"more"))
    assert (await setting.save(on_progress=events.append)).read_bytes() == DATA + b"more"
    assert setting.asked[1]["range"] == f"bytes={len(DATA)}-"
    assert events[-1].total == len(DATA) + 4


async def test_a_file_that_cannot_be_written_is_an_os_error(scene: Scene) -> None:
    setting = await scene()
    with pytest.raises(OSError, match="File name too long"):
        await setting.stream.downloads.save(UID, setting.folder / ("a" * 251))
    (setting.folder / "a.mp4.part.json").mkdir()
    with pytest.raises(IsADirectoryError):
        await setting.save()
    assert setting.left() == ["a.mp4.part.json"]


async def test_a_chunk_of_no_size_does_not_hang_it(scene: Scene) -> None:
    # aiohttp's C parser forgets the body then: neither its limit for silence nor the end of the connection wakes it
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nTransfer-Encoding: chunked\r\n\r\n"
    setting = await scene(says_in_turn(head, b"zz\r\nabc\r\n"), serves())
    assert (await asyncio.wait_for(setting.save(), 10)).read_bytes() == DATA


async def test_a_file_of_which_nobody_says_how_long_it_is_is_refused(scene: Scene) -> None:
    bare = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n" + DATA

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(bare)
        writer.close()

    setting = await scene(behave)
    with pytest.raises(DecodeError, match="does not say how long the file is"):
        await setting.save()
    assert setting.left() == []


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (page("200 OK"), DecodeError, "gave text/html for a file"),
        (page("200 OK", b"{}", "application/json"), DecodeError, "gave application/json for a file"),
        (page("200 OK", DATA, ""), DecodeError, "gave no content type for a file"),
        (page("200 OK", DATA, "video/mp4", Content_Encoding="gzip"), DecodeError, "encoded as gzip"),
        (page("200 OK", b"", "video/mp4"), DecodeError, "an empty file"),
        (page("204 No Content", b""), DecodeError, "status 204"),
        (part_of(DATA, 0, len(DATA)), DecodeError, "status 206"),
        (page("404 Not Found"), NotFoundError, "404 Not Found: <html>no</html>"),
        (page("401 Unauthorized"), AuthenticationError, "401: the media host wants a token"),
        (page("403 Forbidden"), PermissionDeniedError, "403: the media host wants a token"),
        (page("424 Failed Dependency"), EncodingFailedError, f"video {UID} could not be encoded, so there is no file"),
        (page("410 Gone"), APIError, "410 Gone"),
    ],
)
async def test_what_is_no_file_is_not_saved(scene: Scene, answer: Behaviour, kind: type[Exception], told: str) -> None:
    setting = await scene(answer)
    with pytest.raises(kind, match=told) as caught:
        await setting.save()
    assert isinstance(caught.value, StreamError)
    assert caught.value.request == "GET {download_url}"
    assert len(setting.asked) == 1
    assert setting.left() == []


async def test_a_host_that_fails_for_a_while_is_asked_again(scene: Scene) -> None:
    setting = await scene(page("503 Service Unavailable", Retry_After="17"), page("500 Oops"), silence, serves())
    assert (await setting.save()).read_bytes() == DATA
    assert setting.clock.slept[0] == 17


async def test_attempts_without_progress_come_to_an_end(scene: Scene) -> None:
    setting = await scene(serves(cut=1000), page("500 Internal Server Error"))
    with pytest.raises(TransportError, match="no progress after 8 attempts at byte 1000 of 10240: 500 Inter") as caught:
        await setting.save()
    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, InternalServerError)
    assert len(setting.asked) == 8
    assert setting.left() == []


async def test_a_wait_that_is_asked_for_and_too_long_ends_it(scene: Scene) -> None:
    setting = await scene(page("429 Too Many Requests", Retry_After="300"))
    with pytest.raises(TransportError, match="no progress after 3 attempts"):
        await setting.save()
    assert setting.clock.slept == [300, 300]


async def test_a_file_that_always_changes_comes_to_an_end(scene: Scene) -> None:
    setting = await scene(*(serves(tag=f'"v{number}"', cut=500) for number in range(40)))
    with pytest.raises(TransportError, match="no progress after 8 attempts"):
        await setting.save()
    assert len(setting.asked) < 12


# --- who is asked, and with what ---------------------------------------------------------------------------------


async def test_a_token_stands_in_the_address_and_nowhere_else(scene: Scene) -> None:
    setting = await scene(serves())
    await setting.save(token=JWT)
    assert setting.media.requests[0].startswith(f"GET /{JWT}/downloads/default.mp4 HTTP/1.1".encode())
    assert all(JWT.encode() not in request for request in setting.api.requests)
    setting = await scene(page("500 Oops", f"no {JWT}".encode()))
    with pytest.raises(TransportError) as caught:
        await setting.save(token=Secret(JWT), overwrite=True)
    assert JWT not in all_words(caught.value)
    assert JWT not in frames(caught.value)


async def test_redirects_are_followed_without_credentials(scene: Scene) -> None:
    elsewhere = await scene(
        page("302 Found", Location="/second"), page("307 Temporary", Location="third?a=b%2Fc"), serves()
    )
    setting = await scene(page("301 Moved", Location=f"{elsewhere.media.url}/first"))
    assert (await setting.save()).read_bytes() == DATA
    sent = setting.media.requests + elsewhere.media.requests
    assert [request.split(b" ")[1] for request in elsewhere.media.requests] == [
        b"/first",
        b"/second",
        b"/third?a=b%2Fc",
    ]
    assert all(b"authorization" not in request.lower() and TOKEN.encode() not in request for request in sent)
    assert all(TOKEN.encode() in request for request in setting.api.requests)


async def test_not_even_the_api_itself_gets_credentials_with_media(scene: Scene) -> None:
    setting = await scene()
    ready_there = {"status": "ready", "url": f"{setting.media.url}/{UID}/default.mp4"}
    setting.api._behaviours[:] = [*told(ready_there), serves()]
    setting.media._behaviours[:] = [page("302 Found", Location=f"{setting.api.url}/client/v4/file")]
    assert (await setting.save()).read_bytes() == DATA
    asked, fetched = setting.api.requests
    assert TOKEN.encode() in asked
    assert fetched.startswith(b"GET /client/v4/file ")
    assert TOKEN.encode() not in fetched


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("", "cannot be read or is without TLS"),
        ("ftp://elsewhere.example/a", "cannot be read or is without TLS"),
        ("https://user:password@elsewhere.example/a", "cannot be read or is without TLS"),
        ("http://[", "cannot be read or is without TLS"),
        ("/again", "redirects more than 5 times"),
    ],
)
async def test_redirects_that_lead_nowhere_good(scene: Scene, location: str, told: str) -> None:
    setting = await scene(page("302 Found", Location=location))
    with pytest.raises(RedirectError, match=told) as caught:
        await setting.save()
    assert "password" not in all_words(caught.value)
    assert len(setting.asked) <= 6


async def test_an_address_without_tls_is_refused_where_the_api_has_tls(scene: Scene, tmp_path: Path) -> None:
    async with Stream(TOKEN, ACCOUNT, base_url="https://api.example/v4") as client:
        session = client._transport.session
        assert session.is_safe("https://media.example/a")
        assert not session.is_safe("http://media.example/a")
        assert not session.is_safe("")
    setting = await scene(states=[{"status": "ready", "url": "file:///etc/passwd"}])
    with pytest.raises(DecodeError, match="the address of the default download cannot be read or is without TLS"):
        await setting.save()


async def test_an_address_that_does_not_name_the_video_has_no_place_for_a_token(scene: Scene) -> None:
    setting = await scene(states=[{"status": "ready", "url": "http://127.0.0.1:9/other/default.mp4"}])
    with pytest.raises(DecodeError, match="no place for the token"):
        await setting.save(token=JWT)


# --- until the file is made --------------------------------------------------------------------------------------


async def test_a_download_that_failed_before_is_asked_for_once_more(scene: Scene) -> None:
    states = [{"status": status} for status in ("error", "inprogress", "inprogress", "ready")]
    setting = await scene(states=states)
    await setting.save()
    verbs = [request.split(b" ")[0] for request in setting.api.requests]
    assert verbs == [b"GET", b"POST", b"GET", b"GET"]
    assert b"/downloads/default " in setting.api.requests[1]
    setting = await scene(states=[{"status": "error"}])
    with pytest.raises(StreamError, match=f"could not make the default download of video {UID}"):
        await setting.save(overwrite=True)


async def test_waiting_ends_after_an_hour_without_progress(scene: Scene) -> None:
    made = [{"status": "inprogress", "percentComplete": min(number, 300) / 3} for number in range(301)]
    setting = await scene(states=[{}, *made])
    with pytest.raises(WaitTimeoutError, match="made no progress for 3600 s") as caught:
        await setting.save()
    assert (caught.value.uid, caught.value.state) == (UID, "inprogress")
    assert max(setting.clock.slept) == 15
    assert setting.clock.now > 3600 + 250 * 15
    assert setting.left() == []


# --- the place of the file ---------------------------------------------------------------------------------------


async def test_what_is_there_is_kept_unless_it_is_to_be_replaced(scene: Scene) -> None:
    setting = await scene()
    mine = setting.folder / "a.mp4"
    mine.write_text("mine")
    with pytest.raises(InvalidInputError, match=r"a\.mp4' is there already; overwrite=True replaces it"):
        await setting.save()
    assert setting.api.requests == []
    assert mine.read_text() == "mine"
    assert (await setting.save(overwrite=True)).read_bytes() == DATA


async def test_a_file_that_fails_to_come_leaves_the_one_that_is_there(scene: Scene) -> None:
    setting = await scene(page("404 Not Found"))
    (setting.folder / "a.mp4").write_text("mine")
    with pytest.raises(NotFoundError):
        await setting.save(overwrite=True)
    assert (setting.folder / "a.mp4").read_text() == "mine"
    assert setting.left() == ["a.mp4"]


async def test_a_file_that_comes_into_being_meanwhile_is_kept(scene: Scene) -> None:
    setting = await scene()

    def appear(event: DownloadProgress) -> None:
        (setting.folder / "a.mp4").write_text("mine")

    with pytest.raises(StreamError, match="has come into being meanwhile and is kept"):
        await setting.save(on_progress=appear)
    assert (setting.folder / "a.mp4").read_text() == "mine"
    assert setting.left() == ["a.mp4"]


async def test_a_file_system_without_links_does_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    setting = await scene()
    assert (await setting.save()).read_bytes() == DATA
    (setting.folder / "a.mp4").unlink()

    def appear(event: DownloadProgress) -> None:
        (setting.folder / "a.mp4").write_text("mine")

    with pytest.raises(StreamError, match="has come into being meanwhile"):
        await setting.save(on_progress=appear)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"path": "{folder}/none/a.mp4"}, "there is no folder"),
        ({"path": "{folder}/none/"}, "there is no folder"),
        ({"path": ""}, "expected the path"),
        ({"path": "a\0b"}, "expected the path"),
        ({"path": b"a"}, "expected the path"),
        ({"path": None}, "expected the path"),
        ({"path": "/dev/null", "overwrite": True}, "not a regular file"),
        ({"identifier": "../x"}, "cannot stand in a path"),
        ({"download_type": "gif"}, "expected default or audio"),
        ({"token": "a/b"}, "token: expected a signed token"),
        ({"token": 5}, "token: expected a signed token"),
        ({"on_progress": 5}, "on_progress: expected a function, got int"),
    ],
)
async def test_arguments_are_refused_before_anything_is_asked_for(
    scene: Scene, wrong: dict[str, Any], told: str
) -> None:
    setting = await scene()
    given: dict[str, Any] = {"identifier": UID, "path": setting.folder} | wrong
    if isinstance(given["path"], str):
        given["path"] = given["path"].format(folder=setting.folder)
    with pytest.raises(InvalidInputError, match=told):
        await setting.stream.downloads.save(**given)
    assert setting.api.requests == []
    assert setting.left() == []


# --- what stays of a download that ends early --------------------------------------------------------------------


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "_BLOCK", 1024)


def hangs(asked: asyncio.Event) -> Behaviour:
    """Never answer, and say when the request is there."""

    async def behave(server: RawServer, head: bytes, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await silence(server, head, writer)

    return behave


async def stopped(setting: Setting, asked: asyncio.Event) -> None:
    """Cancel a download once the media host has been asked for what it does not give."""
    task = asyncio.create_task(setting.save())
    await asyncio.wait_for(asked.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_later_call_goes_on_from_the_last_whole_block(scene: Scene, small_blocks: None) -> None:
    asked = asyncio.Event()
    setting = await scene(serves(cut=2500), hangs(asked), serves())
    await stopped(setting, asked)
    assert setting.left() == ["a.mp4.part", "a.mp4.part.json"]
    assert (await setting.save()).read_bytes() == DATA
    assert (setting.asked[-1]["range"], setting.asked[-1]["if-range"]) == ("bytes=2048-", TAG)
    assert setting.left() == ["a.mp4"]


async def test_of_a_file_that_changed_before_the_later_call_nothing_is_kept(scene: Scene, small_blocks: None) -> None:
    other = bytes(reversed(DATA))
    asked = asyncio.Event()
    setting = await scene(serves(cut=2500), hangs(asked), serves(other, '"v2"'))
    await stopped(setting, asked)
    assert "a.mp4.part" in setting.left()
    assert (await setting.save()).read_bytes() == other


@pytest.mark.parametrize(
    "note",
    [
        "",
        "[]",
        "{}",
        json.dumps({"video": "f" * 32, "type": "default", "validator": TAG, "total": len(DATA)}),
        json.dumps({"video": UID, "type": "audio", "validator": TAG, "total": len(DATA)}),
        json.dumps({"video": UID, "type": "default", "validator": None, "total": len(DATA)}),
        json.dumps({"video": UID, "type": "default", "validator": TAG, "total": 2048}),
    ],
)
async def test_what_is_not_the_beginning_of_this_file_is_not_gone_on_from(
    scene: Scene, small_blocks: None, note: str
) -> None:
    setting = await scene(serves())
    (setting.folder / "a.mp4.part").write_bytes(bytes(2500))
    (setting.folder / "a.mp4.part.json").write_text(note)
    assert (await setting.save()).read_bytes() == DATA
    assert "range" not in setting.asked[0]
    assert setting.left() == ["a.mp4"]


async def test_what_a_killed_run_wrote_behind_its_last_whole_block_is_not_trusted(
    scene: Scene, small_blocks: None
) -> None:
    setting = await scene(serves())
    note = {"video": UID, "type": "default", "validator": TAG, "total": len(DATA)}
    (setting.folder / "a.mp4.part").write_bytes(DATA[:2048] + bytes(400))
    (setting.folder / "a.mp4.part.json").write_text(json.dumps(note))
    assert (await setting.save()).read_bytes() == DATA
    assert setting.asked[0]["range"] == "bytes=2048-"


async def test_blocks_and_the_whole_are_on_the_disk_before_what_follows_them(
    scene: Scene, small_blocks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    sync, write, link = os.fsync, os.pwrite, Path.hardlink_to

    def note_sync(descriptor: int) -> None:
        done.append("sync")
        sync(descriptor)

    def note_write(descriptor: int, data: bytes, offset: int) -> int:
        done.append("write")
        return write(descriptor, data, offset)

    def note_link(self: Path, target: Path) -> None:
        done.append("name")
        link(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "pwrite", note_write)
    monkeypatch.setattr(Path, "hardlink_to", note_link)
    setting = await scene(serves(DATA[:2500]))
    await setting.save()
    note, folder = ["sync"], ["sync"]
    assert done == [*note, "write", "sync", "write", "sync", "write", "sync", "name", *folder]


async def test_less_than_a_block_is_removed(scene: Scene) -> None:
    asked = asyncio.Event()
    setting = await scene(serves(cut=2500), hangs(asked), serves())
    await stopped(setting, asked)
    assert setting.left() == []


async def test_another_programs_unfinished_file_is_kept(scene: Scene) -> None:
    setting = await scene()
    foreign = setting.folder / "a.mp4.part"
    foreign.write_text("a browser's")
    with pytest.raises(InvalidInputError, match=r"a\.mp4.part' is in the way and not ours"):
        await setting.save()
    assert foreign.read_text() == "a browser's"
    foreign.unlink()
    foreign.symlink_to(setting.folder / "elsewhere")
    for overwrite in (False, True):
        with pytest.raises(InvalidInputError, match="is in the way and is not a regular file"):
            await setting.save(overwrite=overwrite)
    assert setting.api.requests == []
    foreign.unlink()
    foreign.write_text("a browser's")
    assert (await setting.save(overwrite=True)).read_bytes() == DATA


async def test_two_downloads_do_not_write_to_one_file(scene: Scene) -> None:
    asked = asyncio.Event()
    setting = await scene(hangs(asked))
    first = asyncio.create_task(setting.save())
    await asyncio.wait_for(asked.wait(), 5)
    with pytest.raises(StreamError, match="another download is writing to"):
        await setting.save()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert setting.left() == []


async def test_closing_the_client_ends_it(scene: Scene) -> None:
    asked = asyncio.Event()
    setting = await scene(hangs(asked))
    task = asyncio.create_task(setting.save())
    await asyncio.wait_for(asked.wait(), 5)
    await setting.stream.close()
    with pytest.raises(ClientClosedError):
        await task
    assert setting.left() == []
