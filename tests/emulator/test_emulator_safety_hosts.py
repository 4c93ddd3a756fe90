"""Who reaches the emulator: this machine alone, unless more is asked for, and nobody by a name of their own."""

import logging
import socket
import sys
from itertools import product

import pytest
from emulator_kit import running
from safety_kit import asked, place, sent

from cfstream.emulator import Emulator, EmulatorError
from cfstream.emulator.answers import API

TOKEN = "a-token-of-some-length"
UID = "0" * 32
EVERYWHERE = (
    *("/", f"{API}/accounts/x/stream", f"{API}/graphql", "/_emulator", "/_emulator/requests", f"/tus/{UID}"),
    *(f"/{UID}/watch", f"/{UID}/iframe", f"/{UID}/manifest/video.m3u8", f"/{UID}/downloads/default.mp4", f"/{UID}"),
    *("/nothing", "/_pages/dashboard.js"),
)
FOREIGN = (
    *("evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "localhost."),
    *(
        "LOCALHOST@x",
        "127.0.0.1@evil.example",
        "localhost:x",
        "localhost:1:2",
        "0.0.0.0",
        "127.0.0.2",
        "[::2]",
        "2130706433",
        "[",
        "",
    ),
    *("localhost, evil.example", "localhost evil.example", "\x7f", "l\u00f6calhost", "a" * 300),
)


async def test_by_default_no_other_address_of_the_machine_is_listened_on() -> None:
    async with Emulator() as emulator:
        assert place(emulator)[0] == "127.0.0.1"
        if sys.platform == "linux":
            with pytest.raises(ConnectionRefusedError):
                await asked(emulator, "GET", "/", to="127.0.0.2")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "[2001:db8::1]"])
@pytest.mark.parametrize("token", [None, "", "short", "x" * 15])
def test_an_address_that_others_reach_needs_a_token_that_was_chosen(host: str, token: str | None) -> None:
    with pytest.raises(EmulatorError, match="needs an api_token of at least 16 characters") as caught:
        Emulator(host=host, api_token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("host", ["", "example.com", "0.0.0.0:80", "127.0.0.1/8", "\n"])
def test_what_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(EmulatorError, match="is not an IP address"):
        Emulator(host=host)


async def test_an_open_address_is_warned_of_and_answers_by_the_address_it_was_reached_by(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Emulator(host="0.0.0.0", api_token=TOKEN) as emulator:
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert "other machines can reach it" in record.getMessage()
        assert TOKEN not in record.getMessage()
        port = place(emulator)[1]
        assert emulator.url() == f"http://127.0.0.1:{port}/"
        paths = f"{API}/accounts/{emulator.account_id}/stream"
        if sys.platform == "linux":
            reached = await asked(emulator, "GET", paths, host="127.0.0.2", to="127.0.0.2")
            assert reached.status == 401
            assert (await asked(emulator, "GET", paths, host="127.0.0.3", to="127.0.0.2")).status == 421
        assert (await asked(emulator, "GET", paths, host="evil.example")).status == 421


async def test_nothing_is_warned_of_on_loopback(caplog: pytest.LogCaptureFixture) -> None:
    async with Emulator():
        pass
    assert caplog.records == []


async def test_ipv6_serves_and_is_named_as_it_should_be() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with running(host="::1") as api:
        assert api.emulator.base_url.startswith("http://[::1]:")
        created = await api.create(2000)
        assert created.headers["Location"].startswith("http://[::1]:")
        assert (await api.head(created.headers["Location"])).status == 200


async def test_a_request_to_another_name_is_refused_whatever_it_asks_for() -> None:
    async with Emulator() as emulator:
        token = f"Authorization: Bearer {emulator.api_token}"
        for host, path in product(FOREIGN, EVERYWHERE):
            answer = await asked(emulator, "GET", path, token, host=host)
            assert answer.status in (400, 421), (host, path, answer.data)
        assert emulator.requests.count() == 0


async def test_a_request_line_that_names_a_server_has_the_last_word() -> None:
    async with Emulator() as emulator:
        own = "{}:{}".format(*place(emulator))
        token = f"Authorization: Bearer {emulator.api_token}"
        for target in ("http://evil.example/_emulator", "https://evil.example:80/", f"http://{own}@evil.example/"):
            assert (await asked(emulator, "GET", target, token, host=own)).status in (400, 421), target
        assert (await asked(emulator, "GET", f"http://{own}/_emulator", token, host="evil.example")).status == 421
        assert (await asked(emulator, "GET", f"http://{own}/_emulator", token, host=own)).status == 200


async def test_one_name_and_no_more_is_given() -> None:
    async with Emulator() as emulator:
        for head in (b"", b"Host: localhost\r\nHost: evil.example\r\n", b"Host: evil.example\r\nHost: localhost\r\n"):
            answer = await sent(emulator, b"GET / HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")
            assert answer.status in (400, 421), head
        forwarded = await asked(emulator, "GET", "/", "X-Forwarded-Host: localhost", host="evil.example")
        assert forwarded.status == 421


async def test_names_that_are_allowed_are_answered_and_named_in_addresses() -> None:
    async with running(allowed_hosts=["Stream.Test", "192.0.2.7", "2001:db8::7"]) as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        for host in ("stream.test", "STREAM.test:8787", "192.0.2.7:1", "[2001:db8::7]"):
            video = await api.call("GET", f"/{uid}", headers={"Host": host})
            assert video.result["preview"] == f"http://{host}/{uid}/watch"
        assert (await api.call("GET", f"/{uid}")).result["preview"] == api.emulator.url(f"/{uid}/watch")
        assert (await api.call("GET", f"/{uid}", headers={"Host": "other.test"})).status == 421


@pytest.mark.parametrize("names", ["stream.test", ["*"], ["stream.test:80"], ["http://stream.test"], [""], ["a b"]])
def test_names_that_are_none_are_refused(names: list[str]) -> None:
    with pytest.raises(EmulatorError, match="allowed_hosts"):
        Emulator(allowed_hosts=names)
