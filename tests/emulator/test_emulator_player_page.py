"""The player's page: what its parameters become, what it says when there is nothing to play, and no way out of it."""

from collections.abc import AsyncGenerator
from html.parser import HTMLParser

import pytest
import pytest_asyncio
from emulator_kit import Api, clip, metadata, running
from yarl import URL

pytestmark = pytest.mark.asyncio(loop_scope="module")

NASTY = '</title><script>alert(1)</script>" onload="x'
ATTACKS = [
    '"><script>alert(1)</script>',
    "' onload=alert(1) '",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://evil.example/'; script-src *; img-src https:",
    "https://evil.example;script-src *",
    "//evil.example/x",
    "\r\nX-Injected: 1",
]
PARAMETERS = [
    "poster",
    "preload",
    "defaultTextTrack",
    "startTime",
    "primaryColor",
    "letterboxColor",
    "controls",
    "loop",
]


class Page(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def one(self, tag: str) -> dict[str, str | None]:
        (found,) = [attributes for name, attributes in self.elements if name == tag]
        return found

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def ready() -> AsyncGenerator[tuple[Api, str]]:
    async with running() as api:
        uid = await api.upload(clip(), **{"Upload-Metadata": metadata(name=NASTY)})
        await api.until(uid, "ready")
        yield api, uid


async def page(ready: tuple[Api, str], **query: str) -> tuple[Page, str]:
    api, uid = ready
    answer = await api.call("GET", URL(api.emulator.url(f"/{uid}/iframe")).with_query(query), token=None)
    assert answer.status == 200
    return Page(answer.body.decode()), answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"controls": None, "preload": "metadata"}),
        ({"autoplay": ""}, {"controls": None, "preload": "metadata", "autoplay": None}),
        ({"autoplay": "false"}, {"controls": None, "preload": "metadata", "autoplay": None}),
        ({"muted": "true", "loop": "true"}, {"controls": None, "preload": "metadata", "loop": None, "muted": None}),
        ({"muted": "false", "loop": "false"}, {"controls": None, "preload": "metadata"}),
        ({"controls": "false"}, {"preload": "metadata"}),
        ({"preload": "none"}, {"controls": None, "preload": "none"}),
        ({"preload": "everything"}, {"controls": None, "preload": "metadata"}),
    ],
)
async def test_parameters_become_attributes(
    ready: tuple[Api, str], query: dict[str, str], expected: dict[str, str | None]
) -> None:
    video = (await page(ready, **query))[0].one("video")
    assert video.pop("poster") == "thumbnails/thumbnail.jpg?fit=clip&width=1280&height=720"
    assert video == {"playsinline": None, **expected}


async def test_a_poster_from_elsewhere_may_be_loaded_from_there_only(ready: tuple[Api, str]) -> None:
    shown, policy = await page(ready, poster="https://images.example:8443/a%20b.jpg?x=1&y=%22")
    assert shown.one("video")["poster"] == "https://images.example:8443/a%20b.jpg?x=1&y=%22"
    assert "img-src 'self' https://images.example:8443;" in policy


async def test_the_text_track_that_is_asked_for_is_shown_from_the_start(ready: tuple[Api, str]) -> None:
    from emulator_kit import form

    api, uid = ready
    for language in ("de", "en"):
        await api.call("PUT", f"/{uid}/captions/{language}", data=form(b"WEBVTT\n"))
    shown, _ = await page(ready, defaultTextTrack="EN")
    tracks = [attributes for tag, attributes in shown.elements if tag == "track"]
    assert {track["srclang"]: "default" in track for track in tracks} == {"de": False, "en": True}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("name", PARAMETERS)
async def test_no_parameter_adds_anything_to_page_or_policy(ready: tuple[Api, str], name: str, attack: str) -> None:
    plain, before = await page(ready)
    shown, policy = await page(ready, **{name: attack})
    assert shown.tags == plain.tags
    assert not {key for _, attributes in shown.elements for key in attributes if key.startswith("on")}
    for directive in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'"):
        assert directive in policy
    assert policy.count(";") == before.count(";")
    assert shown.one("video").get("poster", "").startswith(("thumbnails/", "https://evil.example/"))  # type: ignore[union-attr]  # it is text


async def test_a_waiting_video_says_so_and_its_page_goes_on_by_itself() -> None:
    async with running() as api:
        uid = (await api.create(2000, **{"Upload-Metadata": metadata(name=NASTY)})).headers["stream-media-id"]
        text = (await api.media(f"/{uid}/iframe")).body.decode()
        shown = Page(text)
        assert "Waiting for its upload" in text
        assert shown.one("main")["data-waiting"] == "pendingupload"
        assert "video" not in shown.tags
        state = await api.media(f"/{uid}/player/state.json")
        assert (state.json, state.headers["Cache-Control"]) == (
            {"state": "pendingupload", "percent": None, "playable": False},
            "no-store",
        )


@pytest.mark.parametrize("path", ["watch", "iframe"])
async def test_refusals_are_pages_with_their_status(path: str) -> None:
    async with running() as api:
        uid = (await api.create(2000, **{"Upload-Metadata": "requiresignedurls"})).headers["stream-media-id"]
        for key, status, words in (
            (uid, 401, "This video is private"),
            (f"{'x' * 20}.{'y' * 20}.{'z' * 20}", 401, "This video is private"),
            ("0" * 32, 404, "There is no such video"),
        ):
            answer = await api.media(f"/{key}/{path}")
            assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
            assert words in answer.body.decode()
        token = (await api.call("POST", f"/{uid}/token")).result["token"]
        assert (await api.media(f"/{token}/{path}")).status == 200
        assert (await api.media(f"/{uid}/player/state.json")).status == 401
        assert (await api.media(f"/{token}/player/state.json")).json["state"] == "pendingupload"


async def test_a_live_input_has_a_page_before_anything_is_on_air() -> None:
    async with running() as api:
        made = (await api.call("POST", "/live_inputs", json={"meta": {"name": NASTY}})).result
        answer = await api.media(f"/{made['uid']}/iframe")
        shown = Page(answer.body.decode())
        assert shown.one("video")["data-live"] == "input"
        assert "hidden" in shown.one("video")
        assert "script" in shown.tags
        assert shown.tags.count("script") == 1
        body = {"recording": {"requireSignedURLs": True}}
        await api.call("PUT", f"/live_inputs/{made['uid']}", json=body)
        assert (await api.media(f"/{made['uid']}/iframe")).status == 401
