"""What is fetched for somebody comes from the open internet alone, in bounded size and time."""

import asyncio
import gzip
import ipaddress
import socket
from typing import Any

import attrs
import pytest
from aiohttp import web
from emulator_kit import SMALL, Api, file, png, running, site

from cfstream.emulator.serving import fetch, reach

PLACES = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "[::1]", "[::]"),
    *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]"),
    *("[2002:7f00:1::]", "[2001:0:53aa:64c:0:0:80ff:fffe]", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]"),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.0.1", "198.18.0.1", "203.0.113.1", "240.0.0.1"),
    *("224.0.0.1", "255.255.255.255", "[ff02::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "127.0.0.1.", "①②⑦.0.0.1"),
)


async def refused(api: Api, url: str) -> str:
    """Why a copy is not made."""
    answer = await api.call("POST", "/copy", json={"input": url})
    if answer.status == 400:
        return str(answer.json["errors"][0]["message"])
    status = (await api.until(answer.result["uid"], "error"))["status"]
    assert status["errorReasonCode"] == "ERR_FETCH_ORIGIN_ERROR"
    return str(status["errorReasonText"])


class Listener:
    """A server that counts who comes."""

    def __init__(self) -> None:
        self.came = 0

    async def page(self, _: web.Request) -> web.Response:
        self.came += 1
        return web.Response(body=b"secret")


async def test_no_spelling_of_an_address_of_this_machine_or_its_network_is_fetched() -> None:
    listener = Listener()
    async with site(secret=listener.page) as base, running() as api:
        port = base.rpartition(":")[2]
        for place in PLACES:
            assert await refused(api, f"http://{place}:{port}/secret"), place
    assert listener.came == 0


@pytest.mark.parametrize(
    "scheme", ["file", "ftp", "gopher", "data", "unix", "dict", "javascript", "concat", "HTTP+unix"]
)
async def test_no_other_scheme_is_fetched(scheme: str) -> None:
    async with running() as api:
        for url in (f"{scheme}:///etc/passwd", f"{scheme}://example.com/", f"{scheme}:x"):
            answer = await api.call("POST", "/copy", json={"input": url})
            assert (answer.status, answer.codes) == (400, [10010])
        assert (await api.call("GET")).result == []


async def test_a_name_that_leads_elsewhere_when_it_is_connected_to_is_not_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, asked, listener = socket.getaddrinfo, list[str](), Listener()

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        if host != "rebind.example":
            return real(host, *arguments, **options)
        asked.append(host)
        return real("127.0.0.1", *arguments, **options)

    async with site(secret=listener.page) as base, running() as api:
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        url = f"{base}/secret".replace("127.0.0.1", "rebind.example")
        text = await refused(api, url)
        mark = await api.call("POST", "/watermarks", json={"url": url})
        assert (mark.status, mark.codes) == (400, [10010])
    assert asked
    assert "not public" in text or "could not be fetched" in text
    assert listener.came == 0


async def test_a_redirect_leads_to_no_place_that_could_not_be_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # The first server is public here, the second is not.
    monkeypatch.setattr(reach, "is_public", lambda place: place == "127.0.0.1")
    listener, targets = Listener(), list[str]()

    async def away(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": targets[-1]})

    async with site(away=away, secret=listener.page) as base, running() as api:
        port = base.rpartition(":")[2]
        for target in (f"http://127.0.0.2:{port}/secret", f"http://[::1]:{port}/secret", "file:///etc/passwd", "//0/"):
            targets.append(target)
            assert await refused(api, f"{base}/away")
        assert listener.came == 0
        targets.append("/secret")
        answer = await api.call("POST", "/copy", json={"input": f"{base}/away"})
        await api.until(answer.result["uid"], "error")
    assert listener.came == 1


async def test_packed_bytes_are_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    limits = attrs.evolve(SMALL, file_max=100_000, watermark_max=100_000)
    async with site(bomb=page) as base, running(limits=limits, allow_private_fetch=True) as api:
        answer = await api.call("POST", "/copy", json={"input": f"{base}/bomb"})
        assert (await api.until(answer.result["uid"], "error"))["size"] == len(bomb)
        assert (await api.call("POST", "/watermarks", json={"url": f"{base}/bomb"})).status == 400


async def test_a_server_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_SILENCE", 0.2)

    async def silent(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"x")
        await asyncio.Event().wait()
        return answer

    async with site(silent=silent) as base, running(allow_private_fetch=True) as api:
        assert await refused(api, f"{base}/silent")


async def test_what_is_sent_with_a_fetch_says_nothing_of_the_account() -> None:
    seen: list[dict[str, str]] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return web.Response(status=302, headers={"Location": "/next", "Set-Cookie": "a=b"})

    async with site(first=page, next=page) as base, running(allow_private_fetch=True) as api:
        await refused(api, f"{base}/first")
        token = api.emulator.api_token
    assert len(seen) > 1
    assert all(set(headers) <= {"Host", "Accept", "Accept-Encoding", "User-Agent"} for headers in seen)
    assert token not in str(seen)


def test_how_far_each_kind_of_connection_reaches() -> None:
    public, own, near = "93.184.216.34", ("127.0.0.1", "::1", "::ffff:127.0.0.1"), ("10.0.0.1", "169.254.169.254")
    for kind, within in (("public", (public,)), ("loopback", (public, *own)), ("everything", (public, *own, *near))):
        for place in (public, *own, *near, "fe80::1%eth0"):
            expected = place in within or kind == "everything"
            assert reach.is_within(place, kind) is expected, (place, kind)  # type: ignore[arg-type]  # it is one of them
    assert ipaddress.ip_address(public).is_global


async def test_a_picture_of_another_machine_is_no_way_round() -> None:
    async with site(mark=file(png())) as base, running() as api:
        answer = await api.call("POST", "/watermarks", json={"url": f"{base}/mark"})
        assert (answer.status, answer.codes) == (400, [10010])
