"""``stream.request``: any path of the API through the same transport, and no way out of it."""

import json
from typing import Any

import pytest
from aioresponses_shim import mocked_http
from unit_kit import ACCOUNT, API, TOKEN, all_words, client, refusal

from cfstream import AmbiguousResultError, InvalidInputError, NotFoundError, RawResponse
from cfstream._raw import raw_request


def made(method: str = "GET", path: str = "/accounts/{account_id}/stream", **options: Any) -> Any:
    return raw_request(method, path, **{"query": None, "json": None, "data": None, **options})


@pytest.mark.parametrize(
    "path",
    [
        "",
        "stream",
        "/",
        "//evil.example/x",
        "/a//b",
        "/a/",
        "/..",
        "/accounts/{account_id}/../../user/tokens",
        "/a/./b",
        "/a/.../b",
        "/a/%2e%2e/b",
        "/a%2Fb",
        "/a?x=1",
        "/a#b",
        "/a b",
        "/a\\b",
        "/a\nb",
        "/{identifier}",
        "/{account_id.x}",
        "/{0}",
        "https://evil.example/x",
        "@evil.example/x",
        "/ä",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^path: .* must begin with / and hold no"):
        made(path=path)


@pytest.mark.parametrize("path", ["/user/tokens/verify", "/accounts/{account_id}/stream/live_inputs", "/a/b.c~d:e@f"])
def test_other_paths_are_taken_as_they_stand(path: str) -> None:
    assert made(path=path).endpoint.row == f"GET {path}"


@pytest.mark.parametrize("method", ["", "OPTIONS", "CONNECT", "GET\r\nX: 1", "TRACE"])
def test_a_verb_the_api_does_not_know_is_refused(method: str) -> None:
    with pytest.raises(InvalidInputError, match="method: expected one of GET, HEAD, PUT, DELETE, POST, PATCH"):
        made(method)


@pytest.mark.parametrize(
    ("method", "retry"),
    [("get", "READ"), ("HEAD", "READ"), ("Put", "SET"), ("DELETE", "DELETE"), ("POST", "CREATE"), ("PATCH", "CREATE")],
)
def test_how_often_it_is_sent_goes_by_the_verb(method: str, retry: str) -> None:
    assert made(method).endpoint.retry.name == retry


def test_two_bodies_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="give json or data, not both"):
        made("POST", json={}, data=b"")


def test_a_body_that_is_not_json_is_refused() -> None:
    for value in ({1, 2}, object(), float("nan")):
        with pytest.raises(InvalidInputError, match=r"^json: "):
            made("POST", json=value)


async def test_a_query_that_is_no_text_is_refused_before_it_is_sent() -> None:
    async with client() as stream:
        with mocked_http() as api:
            for query in ({"q": "caf\udce9"}, "q=1", ["q"]):
                with pytest.raises(InvalidInputError, match=r"^query: "):
                    await stream.request("GET", "/x", query=query)  # type: ignore[arg-type]  # refused on purpose
            assert not api.requests


async def test_the_answer_comes_as_it_is() -> None:
    async with client() as stream:
        with mocked_http() as api:
            url = f"{API}/accounts/{ACCOUNT}/stream/keys?page=1&q=a+b"
            api.post(url, status=202, body=b"not json", headers={"X-Odd": "1"})
            answer = await stream.request(
                "POST", "/accounts/{account_id}/stream/keys", query={"page": "1", "q": "a b"}, json={"a": None}
            )
            ((_, calls),) = api.requests.items()
    assert isinstance(answer, RawResponse)
    assert (answer.status, answer.body, answer.headers["x-odd"]) == (202, b"not json", "1")
    sent = calls[0].kwargs
    assert json.loads(sent["data"]) == {"a": None}
    assert sent["headers"]["Content-Type"] == "application/json"
    assert sent["headers"]["Authorization"] == f"Bearer {TOKEN}"


async def test_bytes_go_as_they_are() -> None:
    async with client() as stream:
        with mocked_http() as api:
            api.put(f"{API}/x", body=b"")
            await stream.request("PUT", "/x", data=b"\0\1")
            ((_, calls),) = api.requests.items()
    assert calls[0].kwargs["data"] == b"\0\1"
    assert calls[0].kwargs["headers"]["Content-Type"] == "application/octet-stream"


async def test_failures_are_the_same_as_of_other_calls() -> None:
    async with client() as stream:
        with mocked_http() as api:
            api.get(f"{API}/x", status=404, body=refusal((7003, "Could not route")))
            with pytest.raises(NotFoundError, match=r"\(GET /x\)") as caught:
                await stream.request("GET", "/x")
            assert caught.value.codes == (7003,)
            assert TOKEN not in all_words(caught.value)
            api.post(f"{API}/x", status=500)
            with pytest.raises(AmbiguousResultError):
                await stream.request("POST", "/x")
