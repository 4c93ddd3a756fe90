"""Secrets stand nowhere but in the requests they are for: not in logs, errors, reports, pickles or what is shown."""

import asyncio
import copy
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_facts import MODELS
from raw_server import RawServer, answers
from unit_kit import ACCOUNT, TOKEN, UID, all_words, chain, envelope, frames, hasty, mentions, raw, refusal, video

from cfstream import (
    AccessRule,
    DecodeError,
    Hooks,
    InvalidInputError,
    Secret,
    Stream,
    StreamError,
    from_dict,
    models,
    to_dict,
)
from cfstream import sync as blocking
from cfstream._answers import failure, one
from cfstream._redact import redact
from cfstream.emulator import Emulator
from cfstream.endpoints import ROWS
from cfstream.models import Video

KEY = "CANARY-key-9876543210-CANARY"
EMAIL = "canary@mail.example"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiJDQU5BUlkiLCJleHAiOjF9.c2lnbmF0dXJlLUNBTkFSWQ"
JWK = "eyJ1c2UiOiJzaWciLCJkIjoiQ0FOQVJZ+/CANARY/+jwkQ=="
PEM = "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo/CANARY+pem=="
PEM_TEXT = "-----BEGIN RSA PRIVATE KEY-----\nCANARYCANARYCANARY\n-----END RSA PRIVATE KEY-----"
TUS_URL = "https://upload.cloudflarestream.com/tus/CANARY0123456789?tusv2=true"
WEB_RTC = f"https://customer-x.cloudflarestream.com/{UID}kCANARY9876543210CANARY/webRTC/publish"
BY_NAME = "CANARY-0123456789-by-name"
SECRETS: dict[str, dict[str, Any]] = {
    "token": {"token": JWT},
    "key": {"id": "k", "pem": PEM, "jwk": JWK},
    "key as text": {"pem": PEM_TEXT},
    "webhook": {"notificationUrl": "https://me.example", "secret": BY_NAME},
    "live input": {"rtmps": {"url": "rtmps://live.example", "streamKey": BY_NAME}, "srt": {"passphrase": BY_NAME}},
    "web rtc": {"webRTC": {"url": WEB_RTC}},
    "upload": {"uploadURL": f"https://upload.example/{BY_NAME}", "uid": "u"},
    "upload elsewhere": {"location": TUS_URL},
    "quotes in it": {"secret": f'a"b\\"{BY_NAME}'},
}


def stream_of(server: RawServer, **options: Any) -> Stream:
    return Stream(TOKEN, ACCOUNT, base_url=f"{server.url}/v4", rate_limit=None, retry=hasty(2), **options)


def clean(text: str, *secrets: str) -> None:
    assert not mentions(text, ["CANARY", *secrets])


# --- answers that carry secrets ----------------------------------------------------------------------------------


def cuts(body: bytes) -> Iterator[bytes]:
    """Give the body broken in the ways that connections and proxies break bodies."""
    for end in range(len(body) // 4, len(body), 7):
        yield body[:end]
    yield b"<html>" + body
    yield json.dumps(body.decode()).encode()
    yield json.dumps({"said": body.decode()}).encode()[:-3]


@pytest.mark.parametrize("name", SECRETS)
def test_no_broken_answer_shows_the_secret_it_carries(name: str) -> None:
    for body in cuts(envelope(SECRETS[name])):
        with pytest.raises(DecodeError) as caught:
            one(Video).read(raw(200, body))
        clean(all_words(caught.value), JWT[:40])
        clean(all_words(failure(raw(502, body))), JWT[:40])


@pytest.mark.parametrize("name", SECRETS)
def test_no_refusal_shows_the_secret_it_repeats(name: str) -> None:
    for said in (json.dumps(SECRETS[name]), f"no: {json.dumps(SECRETS[name], indent=1)}"):
        clean(all_words(failure(raw(400, refusal((10005, said))))), JWT[:40])


@pytest.mark.parametrize("name", ["SigningKey", "Webhook", "Token", "LiveInput", "DirectUpload", "Output", "TusUpload"])
def test_no_model_shows_its_secrets(name: str) -> None:

    sample = next((fact.sample for fact in MODELS if fact.name == name), {"uid": UID, "uploadURL": TUS_URL})
    made = from_dict(getattr(models, name), sample)
    hidden = list(secrets_in(made))
    assert hidden
    assert not mentions(repr(made) + str(made) + f"{made}" + repr([made]) + repr(to_dict(made)), hidden)


def secrets_in(value: Any) -> Iterator[str]:
    for name in value.__attrs_attrs__:
        inner = getattr(value, name.name)
        if isinstance(inner, Secret):
            yield str(inner)
        elif hasattr(inner, "__attrs_attrs__"):
            yield from secrets_in(inner)


@pytest.mark.parametrize("name", ["LiveInput", "SigningKey", "Webhook", "Output", "Video"])
async def test_no_report_with_local_variables_shows_an_answer_that_could_not_be_read(name: str) -> None:
    call, secret = CARRYING[name]
    for broken in ({**secret, "uid": 5, "id": 5, "notificationUrl": 5}, [secret, 5]):
        async with RawServer(answers("200 OK", envelope(broken))) as server, stream_of(server) as stream:
            with pytest.raises(DecodeError) as caught:
                await call(stream)
        clean(all_words(caught.value) + frames(caught.value))


CARRYING: dict[str, tuple[Callable[[Stream], Any], dict[str, Any]]] = {
    "LiveInput": (lambda stream: stream.live_inputs.get(UID), SECRETS["live input"]),
    "SigningKey": (lambda stream: stream.keys.create(), SECRETS["key"]),
    "Webhook": (lambda stream: stream.webhooks.get(), SECRETS["webhook"]),
    "Output": (
        lambda stream: stream.live_inputs.outputs.create(UID, url="rtmps://x.example", stream_key="k"),
        {"url": "rtmps://x.example", "streamKey": BY_NAME},
    ),
    "Video": (lambda stream: stream.list().page(), SECRETS["live input"]),
}


# --- what is given to a call -------------------------------------------------------------------------------------

GIVEN_IN_SECRET = ("pem", "stream_key", "passphrase", "secret", "jwk")
HIDDEN = [
    (name, keyword)
    for name, row in ROWS.items()
    if row.takes is not None
    for keyword in row.takes.params.__annotations__
    if keyword in GIVEN_IN_SECRET
]


@pytest.mark.parametrize(("name", "keyword"), HIDDEN)
def test_a_secret_of_the_wrong_type_is_refused_and_not_shown(name: str, keyword: str) -> None:
    row = ROWS[name]
    values = {place: UID for place in ("identifier", "live_input_identifier") if f"{{{place}}}" in row.path}
    for value in ([BY_NAME], BY_NAME.encode(), {"x": BY_NAME}):
        with pytest.raises(InvalidInputError) as caught:
            row({keyword: value}, **values)
        clean(all_words(caught.value))


def test_there_is_a_secret_to_hide() -> None:
    assert ("TOKEN_CREATE", "pem") in HIDDEN


async def test_a_token_in_place_of_a_uid_is_refused_and_not_shown() -> None:
    async with Stream(TOKEN, ACCOUNT) as stream:
        for call in (stream.get, stream.delete, stream.edit, stream.token.create):
            with pytest.raises(InvalidInputError) as caught:
                await call(JWT)
            assert not mentions(all_words(caught.value), [JWT, *JWT.split(".")])


async def test_a_token_in_a_path_of_ones_own_stays_out_of_errors_logs_and_hooks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "cfstream")
    seen: list[Any] = []
    hooks = Hooks(on_request=seen.append, on_response=seen.append, on_retry=seen.append)
    async with RawServer(answers("500 Oops")) as server, stream_of(server, hooks=hooks) as stream:
        with pytest.raises(StreamError) as caught:
            await stream.request("GET", f"/accounts/{{account_id}}/stream/{JWT}")
        assert JWT.encode() in server.requests[0]
    text = all_words(caught.value) + caplog.text + repr(seen)
    assert "GET /accounts/{account_id}/stream/***" in text
    assert not mentions(text, JWT.split("."))


async def test_a_private_key_given_to_a_call_stays_out_of_its_errors() -> None:
    async with RawServer(answers("500 Oops")) as server, stream_of(server) as stream:
        with pytest.raises(StreamError) as caught:
            await stream.token.create(UID, id="k", pem=PEM, access_rules=[AccessRule("any", "block")])
        assert PEM.encode() in server.requests[0]
    clean(all_words(caught.value))
    # the keywords stand in the frame that took them; from there on they are bytes that nothing shows
    below = [frame for frame in frames(caught.value).split("\n") if "'params':" not in frame]
    assert below
    clean("\n".join(below))


async def test_the_address_of_an_upload_stays_out_of_errors_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cfstream")
    path = "/media/CANARY0123456789"
    made = answers("201 Created", Location=path, stream_media_id=UID)
    page = answers("403 Forbidden", f"<h1>You may not write to {path}</h1>".encode(), content_type="text/html")
    async with RawServer(made, page) as server, stream_of(server) as stream:
        with pytest.raises(StreamError) as caught:
            await stream.upload(b"video")
    clean(all_words(caught.value) + frames(caught.value) + caplog.text)


# --- what is shown of a client -----------------------------------------------------------------------------------


def shown(value: Any) -> str:
    """Give everything of our own objects, and what they hold, that can be shown."""
    seen: set[int] = set()
    words: list[str] = []
    pending = [value]
    while pending:
        one_ = pending.pop()
        if id(one_) in seen:
            continue
        seen.add(id(one_))
        words.append(repr(one_))
        ours = type(one_).__module__.startswith("cfstream")
        if not isinstance(one_, str) and ours:
            words += [str(one_), f"{one_}", "%s" % one_]  # noqa: UP031  # one of the ways
            names = {*getattr(one_, "__dict__", {}), *getattr(type(one_), "__slots__", ())}
            pending += [getattr(one_, name, None) for name in names]
        elif isinstance(one_, dict):
            pending += [*one_, *one_.values()]
        elif isinstance(one_, (list, tuple, set, frozenset)):
            pending += one_
    return "\n".join(words)


@pytest.mark.parametrize(
    "credentials", [{"api_token": TOKEN}, {"api_key": KEY, "api_email": EMAIL}], ids=["token", "key"]
)
async def test_nothing_of_a_client_that_can_be_shown_holds_its_credentials(credentials: dict[str, Any]) -> None:
    async with (
        RawServer(answers("200 OK", envelope(video()))) as server,
        Stream(account_id=ACCOUNT, base_url=server.url, **credentials) as stream,
    ):
        await stream.get(UID)
        view = stream.with_options(timeout=5)
        text = shown(stream) + shown(view) + repr(vars(stream)) + repr(vars(stream._transport.session))
    assert "cfstream.Stream(" in text
    assert "Authorization" in text or "X-Auth-Key" in text
    clean(text, EMAIL)


@pytest.mark.parametrize("make", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_no_client_of_either_colour_can_be_written_down(make: Callable[[Any], Any]) -> None:
    for client in (Stream(TOKEN, ACCOUNT), blocking.Stream(TOKEN, ACCOUNT)):
        with pytest.raises(TypeError) as caught:
            make(client)
        clean(all_words(caught.value))
        clean(repr(client) + str(client))


def test_no_emulator_shows_its_token() -> None:
    emulator = Emulator(api_token=TOKEN, api_key=KEY, api_email=EMAIL)
    clean(repr(emulator) + repr(vars(emulator)))


# --- logs and errors over a whole life ---------------------------------------------------------------------------


async def test_logs_of_a_whole_life_at_debug_hold_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("cfstream", "aiohttp", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    asyncio.get_running_loop().set_debug(True)
    secrets = [TOKEN]
    async with Emulator(api_token=TOKEN) as emulator, emulator.stream() as stream:
        emulator.pause_encoding()
        made = await stream.create(upload_length=5)
        secrets.append(made.upload_url.partition("?")[0].rpartition("/")[2])
        uploaded = await stream.upload(b"not a video", name="a")
        secrets.append((await stream.token.create(uploaded.uid)).token)
        for failing in (stream.get("0" * 32), stream.captions.language.vtt.get("en", identifier=uploaded.uid)):
            with pytest.raises(StreamError) as caught:
                await failing
            assert not mentions(all_words(caught.value) + frames(caught.value), secrets)
            assert not mentions(repr(pickle.dumps(caught.value)), secrets)
        async with Stream("wrong-CANARY-token", emulator.account_id, base_url=emulator.base_url) as stranger:
            with pytest.raises(StreamError) as caught:
                await stranger.get(uploaded.uid)
    asyncio.get_running_loop().set_debug(False)
    assert [record for record in caplog.records if record.name == "cfstream"]
    lines = [record.getMessage() + repr(record.args) + str(record.exc_info) for record in caplog.records]
    text = "\n".join(lines) + all_words(caught.value)
    assert not mentions(text, secrets)
    clean(text)


async def test_what_is_logged_needs_no_redaction(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "cfstream")
    echo = answers("500 Oops", f"Bearer {TOKEN} {JWT} {PEM_TEXT}".encode())
    async with RawServer(echo, echo, answers("200 OK", envelope(video()))) as server, stream_of(server) as stream:
        with pytest.raises(StreamError):
            await stream.get(UID)
        await stream.get(UID)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("cfstream")]
    assert len(ours) >= 4
    for line in ours:
        assert redact(line, [TOKEN]) == line
        assert line.isprintable()
        assert UID not in line


async def test_no_error_is_pickled_with_a_secret() -> None:
    echo = answers("401 Unauthorized", refusal((10000, f"token {TOKEN} is not valid")))
    async with RawServer(echo) as server, stream_of(server) as stream:
        with pytest.raises(StreamError) as caught:
            await stream.get(UID)
    caught.value.add_note("seen by the test")
    for error in chain(caught.value):
        clean(repr(pickle.dumps(error)) + repr(error.__dict__))
    clean(all_words(caught.value) + frames(caught.value))
