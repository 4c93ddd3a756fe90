"""Whatever is written into a name, a caption or a path stays text in every page and every answer."""

from functools import cache
from typing import Any

import pytest
from emulator_kit import Answer, Api, form, running
from html5lib import HTMLParser
from yarl import URL

MARK = "pwned"
SCRIPTS = (
    *(f"<script>{MARK}()</script>", f"<ScRiPt>{MARK}()</sCrIpT>", f"<script/x>{MARK}()</script >"),
    *(f"<script src=//{MARK}></script>", f"<<script>{MARK}()//<</script>", f"<script\n>{MARK}()</script\n>"),
    *(f"</script><{MARK}>", f"<!--<script>{MARK}()</script>-->", f"<script>{MARK}()"),
)
HANDLERS = (
    *(f"<img src=x onerror={MARK}()>", f'"><svg onload={MARK}()>', f"' onmouseover='{MARK}()"),
    *(f'" autofocus onfocus="{MARK}()', f"` onload=`{MARK}()", f" onload={MARK}() ", f'"onload="{MARK}()'),
    *(f"<body onload={MARK}()>", f"<html onclick={MARK}()>", f"<video><source onerror={MARK}()>"),
    *(f"<details open ontoggle={MARK}()>", f"<svg/onload={MARK}()>", f"<img\x0csrc=x\x0conerror={MARK}()>"),
)
ENDS = (
    *(f"</{name}><{MARK}>" for name in ("title", "main", "video", "noscript", "style", "textarea", "h1", "p")),
    *(
        f"</body></html><{MARK}>",
        f"</head><body {MARK}>",
        f"--><{MARK}>",
        f"]]><{MARK}>",
        f"?><{MARK}>",
        f"--!><{MARK}>",
    ),
)
NESTED = (
    *(f"<svg><style><{MARK}>", f"<math><mtext><{MARK}>", f"<svg><foreignObject><{MARK}>", f"<template><{MARK}>"),
    *(f"<table><tr><td><{MARK}>", f"<select><{MARK}>", f"<noscript><p title='</noscript><{MARK}>'>"),
    *(f"<iframe srcdoc='<{MARK}>'>", f"<style>@import '//{MARK}'</style>", f"<![CDATA[<{MARK}>", "<plaintext>", "<!--"),
)
LINKS = (
    *(f"<a href=javascript:{MARK}()>x", f"<base href=//{MARK}>", f"<form action=//{MARK}><input>"),
    *(f"<meta http-equiv=refresh content='0;url=//{MARK}'>", f"<link rel=stylesheet href=//{MARK}>"),
    *(f"<object data=//{MARK}>", f"<embed src=//{MARK}>", f"<img src='//{MARK}?", f"javascript:{MARK}()"),
    *(f'https://x.test/"><{MARK}>', f"https://x.test/' onload='{MARK}()", f"https://x.test/;script-src {MARK}"),
)
WRITTEN_OTHERWISE = (
    *(f"&lt;{MARK}&gt;<{MARK}>", f"&#60;{MARK}&#62;", f"&#x3c{MARK}&#x3e", f"%3C{MARK}%3E", f"+ADw-{MARK}+AD4-"),
    *(
        f"\x00<{MARK}>\x00",
        f"<\x00{MARK}>",
        f"\u2028<{MARK}>",
        f"\ufeff<{MARK}>",
        f"\r\n<{MARK}>",
        f"\uff1c{MARK}\uff1e",
    ),
    *(f"{{{{{MARK}}}}}${{{MARK}}}", f"`{MARK}`", f"\\u003c{MARK}\\u003e", f"\u202e<{MARK}>"),
)
PAYLOADS = (*SCRIPTS, *HANDLERS, *ENDS, *NESTED, *LINKS, *WRITTEN_OTHERWISE)


@cache
def elements_of(page: bytes) -> list[Any]:
    """The elements of a page as browsers make them, with their attributes; texts that are only shown are left out."""
    parser = HTMLParser(namespaceHTMLElements=False)
    trees = [parser.parse(page.decode(), scripting=scripting) for scripting in (True, False)]
    return [
        (
            each.tag if isinstance(each.tag, str) else "comment",
            dict(each.attrib),
            each.text if each.tag in ("script", "style") else None,
        )
        for tree in trees
        for each in tree.iter()
    ]


async def video_named(api: Api, name: str) -> str:
    uid = (await api.create(2000)).headers["stream-media-id"]
    details = dict.fromkeys(("title", "share_link", "channel_link", "logo"), name)
    changes = {"meta": {"name": name}, "creator": name[:60], "publicDetails": details}
    assert (await api.call("POST", f"/{uid}", json=changes)).status == 200
    captions = form(f"WEBVTT\n\n00:00.000 --> 00:01.000\n{name}".encode())
    assert (await api.call("PUT", f"/{uid}/captions/en", data=captions)).status == 200
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
    return [elements_of(answer.body) for answer in answers]


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
            page = elements_of((await api.media(path)).body)
            plain = [(tag, attributes.keys()) for tag, attributes, _ in page]
            for payload in PAYLOADS:
                url = URL(api.emulator.url(path)).with_query(dict.fromkeys(names, payload))
                answer = await api.call("GET", url, token=None)
                found = [(tag, attributes.keys()) for tag, attributes, _ in elements_of(answer.body)]
                assert found == plain, payload
                assert f"{MARK}()</script>" not in answer.body.decode()
                assert MARK not in answer.headers["Content-Security-Policy"]


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
