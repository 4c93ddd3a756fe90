"""Where credentials go, what a path or a header may hold, and what the environment cannot change."""

import base64
import os
import stat
import string
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints

import aiohttp
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_server import RawServer, answers
from unit_kit import ACCOUNT, PNG, TOKEN, UID, envelope, hasty, video

from cfstream import InvalidInputError, RedirectError, Stream, StreamError, TransportError
from cfstream._tus import encode_metadata
from cfstream.emulator import Emulator
from cfstream.endpoints import ROWS, Endpoint

KEY = "CANARY-key-9876543210-CANARY"
EMAIL = "canary@mail.example"
GOOD = answers("200 OK", envelope(video(status={"state": "queued"})))
MOVED = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]


def client(server: RawServer, **options: Any) -> Stream:
    credentials = {"api_token": TOKEN} if "api_key" not in options else {}
    return Stream(
        account_id=ACCOUNT,
        base_url=f"{server.url}/client/v4",
        rate_limit=None,
        retry=hasty(),
        **{**credentials, **options},
    )


def room_at(address: str) -> Any:
    return answers("201 Created", Location=address, stream_media_id=UID)


# --- credentials go to the API alone -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "credentials", [{"api_token": TOKEN}, {"api_key": KEY, "api_email": EMAIL}], ids=["token", "key"]
)
async def test_no_request_to_a_foreign_upload_host_carries_credentials(credentials: dict[str, str]) -> None:
    cut, standing = answers("500 Oops"), answers("200 OK", Upload_Offset="0", Upload_Length="5")
    done = answers("204 No Content", Upload_Offset="5")
    async with RawServer(cut, standing, done) as foreign:
        address = f"{foreign.url}/media/x?tusv2=true"
        async with RawServer(room_at(address), GOOD) as api, client(api, **credentials) as stream:
            await stream.upload(b"bytes")
            assert all(secret.encode() in api.requests[0] for secret in credentials.values())
    assert [request.split()[0] for request in foreign.requests] == [b"PATCH", b"HEAD", b"PATCH"]
    for request in foreign.requests:
        for word in (TOKEN, KEY, EMAIL, "authorization", "x-auth", "cookie"):
            assert word.lower().encode() not in request.lower()


@pytest.mark.parametrize("name", ["Authorization", "X-Auth-Key", "X-Auth-Email", "Proxy-Authorization", "Cookie"])
async def test_a_given_session_that_adds_credentials_to_every_request_is_refused(name: str) -> None:
    async with aiohttp.ClientSession(headers={name: "CANARY-of-the-session"}) as given:
        with pytest.raises(InvalidInputError, match=r"^session: ") as caught:
            Stream(TOKEN, ACCOUNT, session=given)
    assert "CANARY" not in str(caught.value)


# --- redirects ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", MOVED)
async def test_no_redirect_within_the_same_server_is_followed(status: str) -> None:
    async with RawServer(answers(status, Location="/client/v4/other"), GOOD) as api, client(api) as stream:
        with pytest.raises(RedirectError):
            await stream.get(UID)
        assert len(api.requests) == 1


@pytest.mark.parametrize("status", MOVED)
@pytest.mark.parametrize("verb", ["PATCH", "HEAD"])
async def test_no_redirect_of_an_upload_is_followed(status: str, verb: str) -> None:
    async with RawServer(GOOD) as target:
        moved = answers(status, Location=f"{target.url}/take?{KEY}")
        first = [] if verb == "PATCH" else [answers("500 Oops")]
        async with RawServer(room_at("/media/x"), *first, moved) as api, client(api) as stream:
            with pytest.raises(RedirectError) as caught:
                await stream.upload(b"bytes")
        asked = [request.split()[0].decode() for request in api.requests]
        # nothing is left of it; that it may be whole is looked at first
        assert asked[-2:] == [verb, "DELETE" if verb == "PATCH" else "GET"]
        assert target.requests == []
    assert KEY not in str(caught.value)


# --- paths -------------------------------------------------------------------------------------------------------

HOSTILE_IDS: list[Any] = [
    *(
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "x?y",
        "x#y",
        "%2e%2e",
        "a%2fb",
        "a\0",
        "a\r\nX: 1",
        "a b",
        "ä",
        "a\\b",
        "a" * 10_000,
    ),
    *(None, 5, b"abc", [UID], 10**5000),
]
GOOD_IDS = {"language": "en", "download_type": "default"}


def path_names(row: Endpoint[Any]) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(row.path) if name and name != "account_id"]


PLACES = [(name, place) for name, row in ROWS.items() for place in path_names(row)]


@pytest.mark.parametrize(("name", "place"), PLACES, ids=[f"{name} {place}" for name, place in PLACES])
def test_no_row_takes_an_id_that_leads_elsewhere(name: str, place: str) -> None:
    row = attrs.evolve(ROWS[name], takes=None)  # the path alone, without the keywords that may be needed
    right = {other: GOOD_IDS.get(other, UID) for other in path_names(row)}
    row(**right)
    for hostile in HOSTILE_IDS:
        with pytest.raises(InvalidInputError) as caught:
            row(**{**right, place: hostile})
        assert len(str(caught.value)) < 400
        assert "\n" not in str(caught.value)


# --- headers -----------------------------------------------------------------------------------------------------

LINE_BREAKS = ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"]


def headers_of(make: Callable[[], Any]) -> dict[str, str]:
    """Give the headers that a call would send; none when it is refused."""
    try:
        return dict(make().encoded.headers or {})
    except InvalidInputError:
        return {}


TAKING = [name for name, row in ROWS.items() if row.takes is not None]


@pytest.mark.parametrize("text", LINE_BREAKS, ids=repr)
@pytest.mark.parametrize("name", TAKING)
def test_no_keyword_of_any_row_brings_a_line_break_into_a_header(name: str, text: str) -> None:
    row = ROWS[name]
    assert row.takes is not None
    params = row.takes.params
    least = dict.fromkeys(params.__required_keys__, text) | {"upload_length": 1}
    values = {place: GOOD_IDS.get(place, UID) for place in path_names(row)}
    for key in get_type_hints(params):
        given = {**{kept: least[kept] for kept in params.__required_keys__}, key: text}
        sent = headers_of(lambda given=given: row(given, **values))  # type: ignore[misc]  # bound in the loop
        assert not {value for value in sent.values() if set(value) & set("\r\n\0")}


@pytest.mark.parametrize("text", LINE_BREAKS, ids=repr)
async def test_a_file_name_with_a_line_break_stays_inside_its_part(text: str, tmp_path: Path) -> None:
    name = text.replace("\0", "\x01")  # no file system takes a null byte
    (tmp_path / name).write_bytes(PNG)
    async with RawServer(answers("200 OK", envelope({"uid": UID}))) as api, client(api) as stream:
        await stream.watermarks.create(file=tmp_path / name)
    head, _, body = api.requests[0].partition(b"\r\n\r\n")
    assert b"X-Evil" not in head
    part, _, _ = body.partition(b"\r\n\r\n")
    assert not [line for line in part.split(b"\r\n") if line.startswith((b"X-Evil", b"b"))]
    assert b"\n" not in part.replace(b"\r\n", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse names that are no text")
async def test_a_file_name_of_undecodable_bytes_can_be_sent(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(PNG)  # nobody else waits
    async with RawServer(answers("200 OK", envelope({"uid": UID}))) as api, client(api) as stream:
        await stream.watermarks.create(file=path)
    assert b"filename=" in api.requests[0]


def test_credentials_with_line_breaks_are_refused() -> None:
    for text in LINE_BREAKS:
        with pytest.raises(InvalidInputError):
            Stream(text, ACCOUNT)
        for key, email in ((text, EMAIL), (KEY, text)):
            with pytest.raises(InvalidInputError):
                Stream(account_id=ACCOUNT, api_key=key, api_email=email)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.dictionaries(st.text(st.characters(codec="ascii"), max_size=8), st.none() | st.text(), max_size=4))
def test_metadata_comes_back_as_it_was_given_or_is_refused(metadata: dict[str, str | None]) -> None:
    try:
        header = encode_metadata(metadata)
    except InvalidInputError as error:
        assert not all(key and key.isprintable() and not set(key) & set(" ,") for key in metadata)
        assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the two good ends
        return
    assert header.isascii()
    assert header.isprintable()
    read = {}
    for pair in header.split(",") if header else []:
        key, blank, value = pair.partition(" ")
        read[key] = base64.b64decode(value, validate=True).decode() if blank else None
    assert read == metadata


# --- what the environment cannot change --------------------------------------------------------------------------


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login canary password CANARY-netrc\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("netrc")
async def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(GOOD) as proxy, RawServer(GOOD) as api, client(api) as stream:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        await stream.get(UID)
        assert proxy.requests == []
        (request,) = api.requests
    assert request.startswith(b"GET /client/v4/accounts/")
    assert request.lower().count(b"authorization:") == 1
    assert f"Bearer {TOKEN}".encode() in request


async def test_a_proxy_of_the_users_own_session_sees_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(answers("403 Forbidden")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with (
            aiohttp.ClientSession(trust_env=True) as own,
            Stream(TOKEN, ACCOUNT, session=own, retry=hasty(1), rate_limit=None) as stream,
        ):
            with pytest.raises(TransportError) as caught:
                await stream.get(UID)
        assert proxy.requests
    for request in proxy.requests:
        assert request.startswith(b"CONNECT api.cloudflare.com:443 ")
        assert TOKEN.encode() not in request
        assert b"\r\nauthorization" not in request.lower()
    assert TOKEN not in str(caught.value)


# --- files -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("no_umask")
@pytest.mark.parametrize("made", ["by the emulator", "before"])
async def test_nobody_else_can_read_what_an_emulator_keeps(tmp_path: Path, made: str) -> None:
    folder = tmp_path if made == "before" else tmp_path / "data"
    async with Emulator(folder) as emulator, emulator.stream() as stream:
        emulator.pause_encoding()
        video = await stream.upload(b"not a video")
        await stream.token.create(video.uid)  # needs the private key, which is kept
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert "emulator.sqlite" in modes
    assert set(modes.values()) == {0o600}
    assert made == "before" or stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_data_folder_whose_lock_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "lock").symlink_to(elsewhere)
    with pytest.raises(StreamError):
        async with Emulator(folder):
            pass
    assert not elsewhere.exists()
