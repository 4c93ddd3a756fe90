"""Connections end when their client is silent, too slow or too many; nothing it sends takes the emulator down."""

import asyncio
import logging
import random
import socket

import pytest
from emulator_kit import BODY_TYPE, Api, FixedClock, connected, running
from safety_kit import Raw, asked, connect, place, sent, until

from cfstream.emulator import Emulator, Fault
from cfstream.emulator.answers import API
from cfstream.emulator.serving import connections as serving
from cfstream.emulator.serving import patience


def request(emulator: Emulator, verb: str, path: str, *headers: str) -> bytes:
    own = "{}:{}".format(*place(emulator))
    token = f"Authorization: Bearer {emulator.api_token}"
    return "\r\n".join([f"{verb} {path} HTTP/1.1", f"Host: {own}", token, *headers, "", ""]).encode()


async def dripped(emulator: Emulator, begin: bytes, drop: bytes, pause: float = 0.01) -> Raw:
    """What comes back where, after a beginning, one drop follows another."""
    reader, writer = await connect(emulator)

    async def drip() -> None:
        writer.write(begin)
        while not writer.is_closing():
            writer.write(drop)
            await asyncio.sleep(pause)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(10):
            try:
                # What is sent after the answer could cost its end.
                begun = await reader.read(1)
                dripping.cancel()
                return Raw(begun + await reader.read())
            except ConnectionResetError:
                return Raw(b"")
    finally:
        dripping.cancel()
        writer.close()


async def a_file(api: Api, content: bytes) -> str:
    """The path of a file of a video that has never been encoded."""
    uid = (await api.create(2000)).headers["stream-media-id"]
    library = api.emulator._running.library
    library.hls(uid).mkdir()
    (library.hls(uid) / "video.mp4").write_bytes(content)
    library.change(uid, state="ready", ready_at=1)
    return f"/{uid}/manifest/video.mp4"


async def test_a_head_that_does_not_come_or_comes_in_drops_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "IDLE", 0.2)
    async with Emulator() as emulator:
        assert (await sent(emulator, b"")).data == b""
        assert (await sent(emulator, b"GET / HTTP/1.1\r\nHost: local")).data == b""
        assert (await dripped(emulator, b"GET / HTTP/1.1\r\nX-Long: ", b"x")).data == b""
        # one that asked and then says nothing more
        assert (await sent(emulator, request(emulator, "GET", "/_emulator"))).status == 200


@pytest.mark.parametrize("drop", [b"", b"1\r\nx\r\n"])
@pytest.mark.parametrize(
    "asking",
    [
        ("POST", "/copy", "application/json", b"1\r\n{\r\n"),
        (
            *("POST", "", "multipart/form-data; boundary=b"),
            b'38\r\n--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nabcd\r\n',
        ),
        ("PATCH", "tus", BODY_TYPE, b"1\r\nx\r\n"),
    ],
)
async def test_a_body_that_stops_or_comes_in_drops_is_given_up(
    monkeypatch: pytest.MonkeyPatch, asking: tuple[str, str, str, bytes], drop: bytes
) -> None:
    verb, tail, kind, begin = asking
    monkeypatch.setattr(patience, "SILENCE", 0.2)
    monkeypatch.setattr(serving, "LINGER", 0.2)
    async with running() as api:
        created = await api.create(100_000)
        if tail == "tus":
            path = created.headers["Location"].removeprefix(api.emulator.url().rstrip("/"))
        else:
            path = api.path(tail).removeprefix(api.emulator.url().rstrip("/"))
        extra = ["Tus-Resumable: 1.0.0", "Upload-Offset: 0"] if tail == "tus" else []
        head = request(api.emulator, verb, path, f"Content-Type: {kind}", "Transfer-Encoding: chunked", *extra)
        answer = await dripped(api.emulator, head + begin, drop)
        assert answer.status == 408, answer.data
        assert answer.header("Connection") == "close"


async def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "UNREAD", 0.3)
    made: list[serving.Connection] = []
    begin = serving.Connection.connection_made

    def noted(connection: serving.Connection, transport: asyncio.BaseTransport) -> None:
        made.append(connection)
        begin(connection, transport)

    async with running() as api:
        file = await a_file(api, bytes(64 * 1024 * 1024))
        monkeypatch.setattr(serving.Connection, "connection_made", noted)
        # one from a file, which goes out past the event loop, and one from memory, which does not
        api.emulator.faults.add(None, *[Fault.status(200, body=bytes(64 * 1024 * 1024))])
        for target in ("/", file):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.connect(place(api.emulator))
            raw.sendall(request(api.emulator, "GET", target))
            raw.setblocking(False)
            await until(lambda: made and made[-1].transport is None)
            raw.close()
            made.clear()
        assert (await api.call("GET")).status == 200


async def test_more_connections_than_there_may_be_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_most_connections", lambda: 5)
    async with Emulator() as emulator:
        held = [await connect(emulator) for _ in range(5)]
        refused = await sent(emulator, request(emulator, "GET", "/"))
        assert (refused.status, refused.header("Connection")) == (503, "close")
        held.pop()[1].close()
        async with asyncio.timeout(5):
            while (await asked(emulator, "GET", "/")).status == 503:
                pass
        for _, writer in held:
            writer.close()


async def test_there_are_fewer_connections_than_files_may_be_open() -> None:
    resource = pytest.importorskip("resource")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 0 < serving._most_connections() <= max(64, soft // 2)


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /secret-path\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBroken secret-path\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: x\r\n" * 10_000 + b"\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: \xd6secret\r\n\r\n",
        b"\x00" * 1000,
        (
            b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 6\r\n\r\nsecret"
        ),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_in_words_that_repeat_none_of_it(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Emulator() as emulator:
        answer = await sent(emulator, data)
        assert answer.status in (400, 404, 417, 421), answer.data
        shown = answer.data.decode("latin-1")
        assert not any(word in shown for word in ("secret", "Traceback", "aiohttp", "Python", "xxxx", "/root", ".py"))
        assert answer.header("Server") == "cfstream-emulator"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert (await asked(emulator, "GET", "/")).status == 200
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_answers_do_not_say_what_they_are_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfstream.emulator.storage.room.check", lambda *_, **__: 1 / 0)
    async with running() as api:
        for answer in (await api.create(10), await api.call("GET"), await api.media("/"), await api.media("/nothing")):
            assert answer.headers["Server"] == "cfstream-emulator"
        failed = await api.create(10)
        assert (failed.status, failed.json["errors"]) == (500, [{"code": 10001, "message": "Internal error"}])


async def test_many_requests_at_once_on_one_connection_are_answered_in_order() -> None:
    async with Emulator() as emulator:
        one = request(emulator, "GET", "/_emulator/requests")
        last = request(emulator, "GET", "/_emulator/requests", "Connection: close")
        answer = await sent(emulator, one * 2000 + last)
        assert answer.data.count(b"HTTP/1.1 200 OK") == 2001


async def test_a_request_hidden_behind_another_ones_body_is_not_seen() -> None:
    async with Emulator() as emulator:
        hidden = request(emulator, "GET", "/hidden")
        path = f"{API}/accounts/{emulator.account_id}/stream/copy"
        body = request(emulator, "POST", path, f"Content-Length: {len(hidden)}", "Connection: close") + hidden
        assert (await sent(emulator, body)).status == 400
        assert [record.path for record in emulator.requests] == [path]


async def test_odd_bytes_in_thousands_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chance = random.Random(5)
    async with Emulator() as emulator:
        whole = request(emulator, "POST", f"{API}/accounts/{emulator.account_id}/stream?direct_user=true")
        whole = whole[:-2] + b"Tus-Resumable: 1.0.0\r\nUpload-Length: 10\r\nConnection: close\r\n\r\n"
        for _ in range(500):
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            reader, writer = await connect(emulator)
            writer.write(bytes(data[: chance.randrange(len(data) + 1)]))
            if writer.can_write_eof():
                writer.write_eof()
            async with asyncio.timeout(10):
                try:
                    answer = Raw(await reader.read())
                except ConnectionResetError:
                    answer = Raw(b"")
            writer.close()
            assert answer.status < 500, (bytes(data), answer.data)
        async with connected(emulator) as api:
            assert (await api.call("GET")).status == 200
    assert caplog.records == []


@pytest.mark.parametrize("range_header", [None, "bytes=1000-1999", "bytes=-500"])
async def test_a_file_is_cut_after_so_many_bytes_of_what_was_asked_for(range_header: str | None) -> None:
    async with running() as api:
        file = await a_file(api, random.Random(1).randbytes(5000))
        headers = {} if range_header is None else {"Range": range_header}
        whole = await api.media(file, **headers)
        api.emulator.faults.add(None, Fault.cut(100))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        cut = await asked(api.emulator, "GET", file, *lines)
        assert cut.status == whole.status
        assert cut.header("Content-Length") == str(len(whole.body))
        assert cut.header("Content-Range") == whole.headers.get("Content-Range")
        assert cut.data.partition(b"\r\n\r\n")[2] == whole.body[:100]


@pytest.mark.parametrize("fault", [Fault.stall(), Fault.delay(1000)])
async def test_a_reset_ends_requests_that_a_fault_holds(fault: Fault) -> None:
    class Waiting(FixedClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    async with running(clock=Waiting()) as api:
        api.emulator.faults.add("STREAM_LIST", fault)
        path = f"{API}/accounts/{api.emulator.account_id}/stream"
        held = asyncio.create_task(asked(api.emulator, "GET", path))
        await until(lambda: api.emulator.faults.spent)
        await api.emulator.reset()
        assert (await held).data == b""
        assert (await api.call("GET")).result == []
