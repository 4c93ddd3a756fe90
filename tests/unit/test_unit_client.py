"""``client``: credentials and settings, views, and what a client shows of itself."""

import copy
import gc
import inspect
import pickle
import warnings
from typing import Any

import aiohttp
import pytest
from aioresponses_shim import mocked_http
from unit_kit import ACCOUNT, API, TOKEN, UID, VIDEO_URL, all_words, client, envelope, video

from cfstream import ClientClosedError, Hooks, InvalidInputError, RateLimit, RetryPolicy, Stream, StreamError
from cfstream._types import ABSENT

VARIABLES = ("API_TOKEN", "ACCOUNT_ID", "API_KEY", "EMAIL", "BASE_URL")
PASSWORD = "CANARY-password-CANARY"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"CLOUDFLARE_{name}", raising=False)


def set_up(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"CLOUDFLARE_{name}", value)


def sends(stream: Stream) -> dict[str, str]:
    """Give the credentials that the client's requests carry."""
    headers = stream._transport.session.headers_for(None)
    return {name: value for name, value in headers.items() if name != "User-Agent"}


BEARER = {"Authorization": "Bearer tok"}
KEY = {"X-Auth-Key": "key", "X-Auth-Email": "me@x.example"}
TOKEN_ENV = {"API_TOKEN": "tok"}
KEY_ENV = {"API_KEY": "key", "EMAIL": "me@x.example"}


@pytest.mark.parametrize(
    ("given", "environment", "sent"),
    [
        ({"api_token": "tok"}, {}, BEARER),
        ({}, TOKEN_ENV, BEARER),
        ({"api_token": "tok"}, {"API_TOKEN": "other"}, BEARER),
        ({"api_token": "tok"}, KEY_ENV, BEARER),
        ({}, {**TOKEN_ENV, **KEY_ENV}, BEARER),
        ({"api_key": "key", "api_email": "me@x.example"}, {}, KEY),
        ({"api_key": "key", "api_email": "me@x.example"}, TOKEN_ENV, KEY),
        ({}, KEY_ENV, KEY),
        ({"api_key": "key"}, {"EMAIL": "me@x.example"}, KEY),
        ({"api_email": "me@x.example"}, {"API_KEY": "key"}, KEY),
    ],
)
def test_where_the_credentials_come_from(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], environment: dict[str, str], sent: dict[str, str]
) -> None:
    set_up(monkeypatch, environment)
    assert sends(Stream(account_id=ACCOUNT, **given)) == sent


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ({}, {}),
        ({"api_token": ""}, {}),
        ({"api_token": ""}, TOKEN_ENV),
        ({"api_token": ""}, KEY_ENV),
        ({}, {"API_TOKEN": ""}),
        ({"api_key": "key"}, {}),
        ({"api_email": "me@x.example"}, {}),
        ({"api_key": "", "api_email": "me@x.example"}, {}),
        ({"api_key": "", "api_email": ""}, {**TOKEN_ENV, **KEY_ENV}),
        ({}, {"API_KEY": "key"}),
        ({}, {"EMAIL": "me@x.example"}),
    ],
)
def test_no_or_empty_credentials_are_an_error_that_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], environment: dict[str, str]
) -> None:
    set_up(monkeypatch, environment)
    with pytest.raises(
        InvalidInputError, match="no credentials: pass api_token= or set CLOUDFLARE_API_TOKEN"
    ) as caught:
        Stream(account_id=ACCOUNT, **given)
    assert "CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL" in str(caught.value)


@pytest.mark.parametrize("other", [{"api_key": "k"}, {"api_email": "e"}, {"api_key": "k", "api_email": "e"}])
def test_a_token_and_a_key_both_given_are_an_error(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="both api_token and api_key/api_email were given"):
        Stream("tok", ACCOUNT, **other)


@pytest.mark.parametrize("value", ["has blank", "line\n", "line\r\nX-Evil: 1", "umlaut-ä", "\0", "tab\t"])
@pytest.mark.parametrize("name", ["api_token", "api_key", "api_email"])
def test_credentials_that_cannot_stand_in_a_header_are_refused_and_not_shown(name: str, value: str) -> None:
    given: dict[str, Any] = {"api_key": "k", "api_email": "e"} if name != "api_token" else {}
    with pytest.raises(InvalidInputError, match=f"^{name}: .*was it copied whole") as caught:
        Stream(account_id=ACCOUNT, **{**given, name: f"CANARY{value}"})
    assert "CANARY" not in all_words(caught.value)


# --- account and address -----------------------------------------------------------------------------------------


def test_the_account_is_given_or_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "from-env")
    assert "from-env" in repr(Stream("tok"))
    assert "given" in repr(Stream("tok", "given"))


@pytest.mark.parametrize("account", [None, ""])
def test_no_account_is_an_error_that_says_what_to_set(account: str | None) -> None:
    with pytest.raises(InvalidInputError, match="no account: pass account_id= or set CLOUDFLARE_ACCOUNT_ID"):
        Stream("tok", account)


@pytest.mark.parametrize("account", ["..", "a/b", "a?b", "a b", "{account_id}", "x" * 65])
def test_an_account_that_leads_elsewhere_is_refused(account: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^account_id: "):
        Stream("tok", account)


@pytest.mark.parametrize(
    ("given", "environment", "address"),
    [
        (None, {}, API),
        (None, {"BASE_URL": "http://127.0.0.1:8787/client/v4"}, "http://127.0.0.1:8787/client/v4"),
        ("http://localhost:1/", {"BASE_URL": "http://other"}, "http://localhost:1"),
        ("https://proxy.example/cf//", {}, "https://proxy.example/cf"),
        (None, {"BASE_URL": ""}, API),
    ],
)
def test_where_the_api_is(
    monkeypatch: pytest.MonkeyPatch, given: str | None, environment: dict[str, str], address: str
) -> None:
    set_up(monkeypatch, environment)
    assert Stream("tok", ACCOUNT, base_url=given)._transport.session.base_url == address


@pytest.mark.parametrize(
    "url",
    [
        "api.cloudflare.com",
        "ftp://api.cloudflare.com",
        "https://",
        "https:///client/v4",
        "//api.cloudflare.com",
        "file:///etc/passwd",
        "https://api.cloudflare.com?x=1",
        "https://api.cloudflare.com#x",
        "http://[::1",
        "http://localhost:99999",
        "http://localhost:port",
        "http://two words",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^base_url: ") as caught:
        Stream("tok", ACCOUNT, base_url=url)
    assert "https://api.cloudflare.com/client/v4" in str(caught.value)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidInputError, match=r"^base_url: ") as caught:
        Stream("tok", ACCOUNT, base_url=f"https://me:{PASSWORD}@api.cloudflare.com")
    assert PASSWORD not in all_words(caught.value)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "60", True], ids=repr)
def test_a_timeout_is_seconds_above_zero_or_none(timeout: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^timeout: expected seconds above 0 or None"):
        Stream("tok", ACCOUNT, timeout=timeout)
    with pytest.raises(InvalidInputError, match=r"^timeout: "):
        client().with_options(timeout=timeout)
    assert client().with_options(timeout=None)._transport.settings.timeout is None


# --- what it shows -----------------------------------------------------------------------------------------------


def test_repr_shows_colour_and_account_and_no_secret() -> None:
    stream = client()
    assert repr(stream) == f"cfstream.Stream(account_id='{ACCOUNT}')"
    for thing in (stream, stream._transport, stream._transport.session, stream.videos, vars(stream)):
        assert TOKEN not in repr(thing)
        assert TOKEN not in str(thing)


@pytest.mark.parametrize("do", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_a_client_can_be_neither_pickled_nor_copied(do: Any) -> None:
    for stream in (client(), client().with_options(timeout=5)):
        with pytest.raises(TypeError, match=r"cfstream\.Stream holds connections and credentials"):
            do(stream)


def test_constructing_needs_no_loop_and_leaves_nothing_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Stream("tok", ACCOUNT)
        gc.collect()


def test_the_parameters_of_the_constructor_are_those_that_were_promised() -> None:
    parameters = inspect.signature(Stream).parameters
    shown = {name: parameter for name, parameter in parameters.items() if not name.startswith("_")}
    assert list(shown) == [
        *("api_token", "account_id", "api_key", "api_email", "base_url"),
        *("timeout", "retry", "rate_limit", "hooks", "session"),
    ]
    assert all(shown[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(shown)[2:])
    assert (shown["timeout"].default, shown["retry"].default) == (60, RetryPolicy())
    assert shown["rate_limit"].default == RateLimit(requests=1100, per=300, share=1.0)


# --- views -------------------------------------------------------------------------------------------------------


async def test_a_view_has_its_own_settings_and_shares_session_and_governor() -> None:
    stream = client()
    seen: list[Any] = []
    view = stream.with_options(
        account_id="other", timeout=5, retry=RetryPolicy.none(), hooks=Hooks(on_request=seen.append)
    )
    assert type(view) is Stream
    assert repr(view) == "cfstream.Stream(account_id='other')"
    assert view._transport.session is stream._transport.session
    with mocked_http() as api:
        api.get(f"{API}/accounts/other/stream/{UID}", body=envelope(video()))
        await view.get(UID)
        api.get(VIDEO_URL, body=envelope(video()))
        await stream.get(UID)
    assert len(seen) == 1
    await stream.close()


def test_a_view_changes_only_what_it_is_told_to() -> None:
    hooks = Hooks(on_request=print)
    stream = client(timeout=7, hooks=hooks)
    settings = stream._transport.settings
    assert stream.with_options()._transport.settings == settings
    assert stream.with_options(hooks=None)._transport.settings.hooks == Hooks()
    assert stream.with_options(timeout=9).with_options(account_id="b")._transport.settings.timeout == 9
    with pytest.raises(InvalidInputError, match=r"^account_id: "):
        stream.with_options(account_id="../x")
    with pytest.raises(InvalidInputError, match="no account"):
        stream.with_options(account_id="")
    assert inspect.signature(stream.with_options).parameters["timeout"].default is ABSENT


async def test_closing_a_view_closes_nothing_and_closing_the_client_closes_views() -> None:
    stream = client()
    view = stream.with_options(timeout=5)
    with mocked_http() as api:
        api.get(VIDEO_URL, body=envelope(video()), repeat=True)
        async with view:
            await view.get(UID)
        await view.close()
        await stream.get(UID)
        await stream.close()
        with pytest.raises(ClientClosedError, match=r"cfstream\.Stream is closed; make a new one"):
            await view.get(UID)


# --- closing -----------------------------------------------------------------------------------------------------


async def test_closing_twice_and_closing_unused_is_fine() -> None:
    stream = client()
    await stream.close()
    await stream.close()
    with pytest.raises(ClientClosedError) as caught:
        await stream.get(UID)
    assert caught.value.request == "GET /accounts/{account_id}/stream/{identifier}"
    assert caught.value.attempts == 0


async def test_a_session_that_was_given_is_used_and_left_open() -> None:
    async with aiohttp.ClientSession() as session:
        with mocked_http() as api:
            api.get(VIDEO_URL, body=envelope(video()))
            async with client(session=session) as stream:
                await stream.get(UID)
        assert not session.closed


async def test_a_session_that_was_given_and_closed_is_a_typed_error() -> None:
    async with aiohttp.ClientSession() as session:
        stream = client(session=session)
    with pytest.raises(StreamError):
        await stream.get(UID)


def test_a_client_that_was_used_and_not_closed_warns_once() -> None:
    import asyncio

    async def use() -> Stream:
        stream = client()
        with mocked_http() as api:
            api.get(VIDEO_URL, body=envelope(video()))
            await stream.get(UID)
        return stream

    stream = asyncio.run(use())
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del stream
        gc.collect()
    (warning,) = warned
    assert warning.category is ResourceWarning
    assert str(warning.message).startswith("unclosed cfstream.Stream: call close()")


def test_a_client_serves_one_loop_after_another_but_not_two_at_once() -> None:
    import asyncio

    stream = client()

    async def use() -> str:
        with mocked_http() as api:
            api.get(VIDEO_URL, body=envelope(video()))
            return (await stream.get(UID)).uid

    assert asyncio.run(use()) == UID
    assert asyncio.run(use()) == UID

    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(use()) == UID
        with pytest.raises(StreamError, match="another event loop, which still lives; make one client per loop"):
            asyncio.run(use())
        loop.run_until_complete(stream.close())
    finally:
        loop.close()


def test_a_client_whose_loop_is_gone_can_still_be_closed() -> None:
    import asyncio

    def use_and_close() -> None:
        stream = client()

        async def use() -> None:
            with mocked_http() as api:
                api.get(VIDEO_URL, body=envelope(video()))
                await stream.get(UID)

        asyncio.run(use())
        asyncio.run(stream.close())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use_and_close()
        gc.collect()


async def test_closing_ends_calls_that_wait() -> None:
    import asyncio

    stream = client(rate_limit=RateLimit(requests=1, per=1e6), timeout=None, _clock=None)
    with mocked_http() as api:
        api.get(VIDEO_URL, body=envelope(video()), repeat=True)
        await stream.get(UID)
        waiting = [asyncio.create_task(stream.get(UID)) for _ in range(3)]
        await asyncio.sleep(0.01)
        await stream.close()
        for result in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(result, ClientClosedError)
            assert "was closed during the call" in str(result)
