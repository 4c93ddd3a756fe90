"""``_session``: which addresses the credentials go to."""

import pytest
from unit_kit import API, client


@pytest.mark.parametrize(
    ("base", "url", "trusted"),
    [
        (API, None, True),
        (API, "https://api.cloudflare.com/client/v4/accounts/a/media/x?tusv2=true", True),
        (API, "https://API.Cloudflare.Com:443/x", True),
        (API, "https://edge-production.gateway.api.cloudflare.com/client/v4/accounts/a/media/x?tusv2=true", True),
        (API, "http://api.cloudflare.com/x", False),
        (API, "http://edge.api.cloudflare.com/x", False),
        (API, "https://api.cloudflare.com:8443/x", False),
        (API, "https://edge.api.cloudflare.com:8443/x", False),
        (API, "https://upload.cloudflarestream.com/tus/x?tusv2=true", False),
        (API, "https://upload.videodelivery.net/x", False),
        (API, "https://evilapi.cloudflare.com/x", False),
        (API, "https://cloudflare.com/x", False),
        (API, "https://dash.cloudflare.com/x", False),
        (API, "https://api.cloudflare.com.evil.example/x", False),
        (API, "https://api.cloudflare.com@evil.example/x", False),
        (API, "https://evil.example/?https://api.cloudflare.com/", False),
        (API, "https://evil.example#.api.cloudflare.com", False),
        (API, "https://evil.example/.api.cloudflare.com", False),
        (API, "//api.cloudflare.com/x", False),
        ("http://127.0.0.1:8787/client/v4", "http://127.0.0.1:8787/tus/x", True),
        ("http://127.0.0.1:8787/client/v4", "http://127.0.0.1:8788/tus/x", False),
        ("http://127.0.0.1:8787/client/v4", "https://127.0.0.1:8787/tus/x", False),
        ("http://127.0.0.1:8787/client/v4", "http://localhost:8787/tus/x", False),
        ("http://127.0.0.1:8787/client/v4", "https://edge.api.cloudflare.com/x", False),
        ("http://127.0.0.1:8787/client/v4", "https://api.cloudflare.com/x", False),
        ("http://api.cloudflare.com/client/v4", "https://edge.api.cloudflare.com/x", False),
        ("https://proxy.example/v4", "https://sub.proxy.example/x", False),
    ],
)
@pytest.mark.parametrize("kind", ["token", "key"])
def test_credentials_go_to_the_api_alone(base: str, url: str | None, kind: str, *, trusted: bool) -> None:
    from cfstream import Stream

    stream = (
        client(base_url=base)
        if kind == "token"
        else Stream(account_id="a", api_key="CANARY", api_email="me@x.example", base_url=base)
    )
    headers = stream._transport.session.headers_for(url)
    carried = {"Authorization", "X-Auth-Key", "X-Auth-Email"} & headers.keys()
    assert bool(carried) == trusted
    assert any("CANARY" in value for value in headers.values()) == trusted
    assert headers["User-Agent"].startswith("cfstream/")


@pytest.mark.parametrize(
    "url", ["https://h:99999/x", "https://h:port/x", "https://[::1/x", "https://h\\@api.cloudflare.com"]
)
def test_an_address_that_cannot_be_read_is_not_the_apis(url: str) -> None:
    assert "Authorization" not in client()._transport.session.headers_for(url)


async def test_the_session_repeats_nothing_follows_no_proxy_and_keeps_no_cookies() -> None:
    import aiohttp

    async with client() as stream:
        session = stream._transport.session.http()
        assert session._retry_connection is False
        assert session.trust_env is False
        assert isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
        assert stream._transport.session.http() is session
