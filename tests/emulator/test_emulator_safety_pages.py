"""Whatever is written into a name, a caption or a path stays text in every page and every answer."""

from html.parser import HTMLParser
from typing import Any

import pytest
from emulator_kit import Answer, Api, form, running
from yarl import URL

MARK = "pwned"
PAYLOADS = (
    f"<script>{MARK}()</script>",
    f"<img src=x onerror={MARK}()>",
    f'"><svg onload={MARK}()>',
    f"' onmouseover='{MARK}()",
    f"</title><{MARK}>",
    f"</script><{MARK}>",
    f"--><{MARK}>",
    f"]]><{MARK}>",
    f"<a href=javascript:{MARK}()>x",
    f"&lt;{MARK}&gt;<{MARK}>",
    f"\x00<{MARK}>\x00",
    f"\u2028<{MARK}>",
    f"%3C{MARK}%3E",
    f"{{{{{MARK}}}}}${{{MARK}}}",
    f"<iframe srcdoc='<{MARK}>'>",
    f"<meta http-equiv=refresh content='0;url=//{MARK}'>",
    f"<base href=//{MARK}>",
    f"`{MARK}`",
)


class Elements(HTMLParser):
    """The elements of a page, with the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


async def video_named(api: Api, name: str) -> str:
    uid = (await api.create(2000)).headers["stream-media-id"]
    await api.call("POST", f"/{uid}", json={"meta": {"name": name}, "creator": name[:60]})
    details = dict.fromkeys(("title", "share_link", "channel_link", "logo"), name)
    await api.call("POST", f"/{uid}", json={"publicDetails": details})
    await api.call("PUT", f"/{uid}/captions/en", data=form(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{name}".encode()))
    return uid


def pages_of(api: Api, uid: str) -> list[str]:
    return [
        *(f"/{uid}/watch", f"/{uid}/iframe", f"/{uid}/iframe?poster=x&muted=1&letterboxColor=red", "/"),
        api.emulator.dashboard_url.removeprefix(api.emulator.url().rstrip("/")),
    ]


def is_page(answer: Answer) -> bool:
    return answer.headers["Content-Type"].startswith("text/html")


async def elements(api: Api, uid: str) -> list[Any]:
    answers = [await api.media(path) for path in pages_of(api, uid)]
    assert all(answer.status == 200 and is_page(answer) for answer in answers)
    return [Elements(answer.body.decode()).found for answer in answers]


@pytest.mark.parametrize("state", ["pendingupload", "ready", "error"])
async def test_a_name_makes_no_element_and_no_attribute(state: str) -> None:
    async with running() as api:

        async def shown(name: str) -> list[Any]:
            uid = await video_named(api, name)
            changes: dict[str, Any] = {"ready_at": 1, "duration": 1.0} if state == "ready" else {}
            if state == "error":
                changes = {"error_code": "ERR_UNKNOWN", "error_text": name}
            api.emulator._running.library.change(uid, state=state, **changes)
            return await elements(api, uid)

        plain = await shown("plain")
        for payload in PAYLOADS:
            assert await shown(payload) == plain, payload


async def test_a_query_makes_no_element_and_no_attribute() -> None:
    async with running() as api:
        uid = await video_named(api, "plain")
        api.emulator._running.library.change(uid, state="ready", ready_at=1, duration=1.0)
        names = (
            "poster",
            "letterboxColor",
            "primaryColor",
            "startTime",
            "defaultTextTrack",
            "preload",
            "ad-url",
            "key",
        )
        for path in (f"/{uid}/watch", f"/{uid}/iframe", "/"):
            for payload in PAYLOADS:
                url = URL(api.emulator.url(path)).with_query(dict.fromkeys(names, payload))
                answer = await api.call("GET", url, token=None)
                found = Elements(answer.body.decode()).found
                assert not any(tag == MARK for tag, _ in found), payload
                assert not any(name.startswith("on") for _, attributes in found for name in attributes), payload
                assert f"{MARK}()</script>" not in answer.body.decode()


async def test_pages_let_nothing_of_elsewhere_run_and_only_the_player_is_framed() -> None:
    async with running() as api:
        uid = await video_named(api, "plain")
        for path in pages_of(api, uid):
            answer = await api.media(path)
            policy = answer.headers["Content-Security-Policy"]
            rules = dict(rule.split(" ", 1) for rule in policy.split("; ") if " " in rule)
            assert rules["default-src"] == "'none'"
            assert "unsafe" not in policy
            assert rules["base-uri"] == rules["form-action"] == "'none'"
            framed = path.startswith(f"/{uid}/")
            assert rules["frame-ancestors"] == ("*" if framed else "'none'"), path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "no-store" in answer.headers["Cache-Control"]


async def test_what_is_no_page_is_never_taken_for_one() -> None:
    async with running() as api:
        payload = f"<script>{MARK}()</script>"
        uid = await video_named(api, payload)
        api.emulator._running.library.change(uid, state="ready", ready_at=1, duration=1.0)
        embedded = await api.call("GET", f"/{uid}/embed")
        captions = await api.call("GET", f"/{uid}/captions/en/vtt")
        shown = await api.media(f"/{uid}/captions/en.vtt")
        answers = [
            *(embedded, captions, shown, await api.call("GET", f"/{uid}"), await api.media(f"/{payload}")),
            *(await api.call("GET", f"/{payload}"), await api.media(f"/{uid}/manifest/{payload}")),
            await api.call("POST", "/copy", json={"input": payload}),
        ]
        for answer in answers:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            if is_page(answer):
                # the code of a frame is the answer: a browser that is led there shows an empty page
                assert answer is embedded
                assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert shown.headers["Content-Type"].startswith("text/vtt")
