"""The dashboard's door: whoever opened its link is let in, from the emulator's own pages, and nobody else."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import aiohttp
import attrs
import pytest
from emulator_kit import Answer, Api, clip, metadata, running
from yarl import URL

from cfstream.emulator import Emulator

OWN = {"Sec-Fetch-Site": "same-origin"}


@attrs.frozen
class Visitor:
    """A browser that opened the link."""

    api: Api
    cookie: str

    async def __call__(self, verb: str, path: str, **headers: str) -> Answer:
        url = self.api.emulator.url(path)
        return await self.api.call(verb, url, token=None, headers={"Cookie": self.cookie, **headers})

    @property
    def origin(self) -> str:
        return self.api.emulator.url().rstrip("/")


def cookie_of(headers: Mapping[str, str]) -> tuple[str, str, SimpleCookie]:
    cookies = SimpleCookie(headers["Set-Cookie"])
    ((name, morsel),) = cookies.items()
    return name, morsel.value, cookies


@asynccontextmanager
async def visited() -> AsyncGenerator[Visitor]:
    async with running() as api:
        answer = await api.call("GET", api.emulator.dashboard_url, token=None)
        name, value, _ = cookie_of(answer.headers)
        yield Visitor(api, f"{name}={value}")


async def test_the_link_gives_a_cookie_that_scripts_and_other_sites_do_not_get() -> None:
    async with running() as api:
        answer = await api.call("GET", api.emulator.dashboard_url, token=None)
        name, value, cookies = cookie_of(answer.headers)
        assert name == f"cfstream-emulator-{URL(api.emulator.url()).port}"
        assert (cookies[name]["httponly"], cookies[name]["samesite"], cookies[name]["path"]) == (True, "Strict", "/")
        assert value not in answer.body.decode()
        assert value not in api.emulator.dashboard_url
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/?key=", "/?key=guessed", "/?key=%ff"])
async def test_without_the_link_there_is_only_a_hint(path: str) -> None:
    async with running() as api:
        page = await api.call("GET", URL(api.emulator.url() + path.lstrip("/"), encoded=True), token=None)
        text = page.body.decode()
        assert page.status == 200
        assert "Set-Cookie" not in page.headers
        assert "<script" not in text
        assert "dashboard_url" in text
        assert api.emulator.api_token not in text


async def test_the_pages_hold_no_credentials() -> None:
    async with visited() as visitor:
        names = ("dashboard.js", "api.js", "dom.js", "videos.js", "upload.js", "live.js", "requests.js", "webhooks.js")
        for path in ("/", *(f"/_pages/{name}" for name in (*names, "player.js", "dashboard.css", "icon.svg"))):
            page = await visitor("GET", path)
            assert page.status == 200, path
            assert visitor.api.emulator.api_token.encode() not in page.body


async def test_the_dashboards_own_calls_are_let_in_to_api_and_control() -> None:
    async with visited() as visitor:
        overview = await visitor("GET", "/_emulator/overview", **OWN)
        assert overview.result["videos"] == []
        assert visitor.api.emulator.api_token not in overview.body.decode()
        api = visitor.api.path("").removeprefix(visitor.origin)
        assert (await visitor("GET", api, **OWN)).status == 200
        faults = await visitor("DELETE", "/_emulator/faults", Origin=visitor.origin, **OWN)
        assert faults.status == 200
        assert (await visitor("DELETE", "/_emulator/faults", Origin=visitor.origin)).status == 200


@pytest.mark.parametrize(
    ("verb", "headers"),
    [
        ("POST", {"Sec-Fetch-Site": "cross-site"}),
        ("POST", {"Sec-Fetch-Site": "same-site"}),
        ("GET", {"Sec-Fetch-Site": "same-site"}),
        ("GET", {"Sec-Fetch-Site": "none"}),
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:1"}),
        ("POST", {"Origin": "https://evil.example"}),
        ("POST", {"Origin": "null"}),
        ("GET", {"Origin": "http://localhost"}),
        ("POST", {}),
        ("DELETE", {}),
        ("PUT", {}),
    ],
)
@pytest.mark.parametrize("where", ["control", "api"])
async def test_calls_from_elsewhere_are_refused_whatever_cookie_they_bring(
    verb: str, headers: dict[str, str], where: str
) -> None:
    async with visited() as visitor:
        api = visitor.api.path("/live_inputs").removeprefix(visitor.origin)
        path = "/_emulator/overview" if where == "control" else api
        assert (await visitor(verb, path, **headers)).status == 401
        listed = await visitor.api.call("GET", "/live_inputs")
        assert listed.result["liveInputs"] == []


@pytest.mark.parametrize("cookie", ["", "guessed", "é"])
async def test_another_cookie_opens_nothing(cookie: str) -> None:
    async with visited() as visitor:
        name = visitor.cookie.partition("=")[0]
        wrong = attrs.evolve(visitor, cookie=f"{name}={cookie}")
        assert (await wrong("GET", "/_emulator/overview", **OWN)).status == 401
        assert b"<script" not in (await wrong("GET", "/")).body


async def test_each_emulator_has_secrets_of_its_own() -> None:
    async with visited() as one, running() as other:
        assert one.api.emulator.dashboard_url.rpartition("=")[2] != other.emulator.dashboard_url.rpartition("=")[2]
        name = f"cfstream-emulator-{URL(other.emulator.url()).port}"
        stranger = Visitor(other, f"{name}={one.cookie.partition('=')[2]}")
        assert (await stranger("GET", "/_emulator/overview", **OWN)).status == 401


async def test_the_links_secret_is_masked_in_the_log() -> None:
    async with running() as api:
        secret = api.emulator.dashboard_url.rpartition("=")[2]
        await api.call("GET", api.emulator.dashboard_url, token=None, headers={"Referer": api.emulator.dashboard_url})
        record = api.emulator.requests[-1]
        assert record.query["key"] == "***"
        assert secret not in str(record.headers)
        assert secret not in repr(api.emulator)


async def test_looking_at_the_dashboard_is_neither_logged_nor_met_by_faults() -> None:
    from cfstream.emulator import Fault

    async with visited() as visitor:
        emulator = visitor.api.emulator
        emulator.requests.clear()
        emulator.faults.add(None, Fault.status(503))
        for path in ("/_emulator/overview", "/_pages/dashboard.js", "/_pages/dashboard.css"):
            assert (await visitor("GET", path, **OWN)).status == 200
        assert len(emulator.requests) == 0
        assert len(emulator.faults.pending) == 1
        emulator.faults.clear()


async def test_the_overview_tells_everything_of_the_account() -> None:
    async with visited() as visitor:
        api = visitor.api
        await api.call("PUT", "/webhook", json={"notificationUrl": "http://127.0.0.1:9/hook"})
        await api.call("POST", "/live_inputs", json={"meta": {"name": "Studio"}})
        uid = (await api.create(5000, **{"Upload-Metadata": metadata(name="talk")})).headers["stream-media-id"]
        overview = (await visitor("GET", "/_emulator/overview", **OWN)).result
        (video,) = overview["videos"]
        assert (video["uid"], video["name"], video["state"], video["playable"]) == (uid, "talk", "pendingupload", False)
        assert [each["meta"]["name"] for each in overview["live_inputs"]] == ["Studio"]
        assert [each["row"] for each in overview["log"]][:2] == ["STREAM_CREATE", "LIVE_INPUTS_CREATE"]
        assert overview["webhook"]["url"] == "http://127.0.0.1:9/hook"
        assert overview["encoding"] == {"paused": False}
        assert overview["about"]["account_id"] == api.emulator.account_id
        assert "STREAM_LIST" in overview["about"]["calls"]


async def test_private_videos_have_a_picture_in_the_dashboard_only() -> None:
    async with visited() as visitor:
        uid = await visitor.api.upload(clip(), **{"Upload-Metadata": "requiresignedurls"})
        path = f"/_emulator/videos/{uid}/thumbnail.jpg"
        assert (await visitor("GET", f"/_emulator/videos/{'0' * 32}/thumbnail.jpg", **OWN)).status == 404
        await visitor.api.until(uid, "ready")
        assert (await visitor("GET", f"/{uid}/thumbnails/thumbnail.jpg", **OWN)).status == 401
        picture = await visitor("GET", path, **OWN)
        assert (picture.headers["Content-Type"], picture.body[:2]) == ("image/jpeg", b"\xff\xd8")
        assert (await visitor("GET", path, **{"Sec-Fetch-Site": "same-site"})).status == 401


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpages%2fhtml.py", "__init__.py", "../html.py", "%2e%2e"])
async def test_only_the_pages_files_are_served(name: str) -> None:
    async with running() as api:
        url = URL(f"{api.emulator.url('/_pages/')}{name}", encoded=True)
        assert (await api.call("GET", url, token=None)).status == 404


def test_both_faces_give_the_link() -> None:
    with Emulator() as emulator:
        assert emulator.dashboard_url.startswith(emulator.url("/?key="))


async def test_the_link_works_as_a_browser_follows_it() -> None:
    async with running() as api, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(api.emulator.dashboard_url) as page:
            assert b"dashboard.js" in await page.read()
        async with browser.get(api.emulator.url("/")) as page:
            assert b"dashboard.js" in await page.read()
        async with browser.get(api.emulator.url("/_emulator/overview"), headers=OWN) as answer:
            assert answer.status == 200
