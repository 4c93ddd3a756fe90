"""Who has no token gets nothing, and no secret is written anywhere."""

import ast
import io
import logging
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from emulator_kit import Api, connected, running
from yarl import URL

import cfstream.emulator
from cfstream.emulator import Emulator, EmulatorError
from cfstream.emulator.app import make_app
from cfstream.emulator.control.noting import CONTROL

TOKEN = "canary-token-0123456789"
KEY = "canary-key-0123456789"
GUARDED = ("/client/v4/", CONTROL)


def guarded(app: web.Application) -> list[tuple[str, str]]:
    """Every verb and path that is to ask for the token, placeholders filled."""
    found = []
    for resource in app.router.resources():
        if resource.canonical.startswith(GUARDED):
            path = resource.canonical.format_map(defaultdict(lambda: "0" * 32))
            found += [(route.method, path) for route in resource if route.method not in ("OPTIONS", "*")]
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN.upper()}"},
        {"X-Auth-Email": "a@example.com", "X-Auth-Key": "wrong"},
        {"X-Auth-Key": KEY},
        {"Cookie": f"token={TOKEN}"},
        {"X-Forwarded-For": "127.0.0.1"},
    ],
)
async def test_every_call_and_every_control_asks_for_the_token(headers: dict[str, str]) -> None:
    async with running(api_token=TOKEN, api_key=KEY, api_email="a@example.com") as api:
        asked = guarded(make_app(api.emulator._running))
        assert len(asked) > 60
        for verb, path in asked:
            url = URL(api.emulator.url(path.format(account_id=api.emulator.account_id)))
            answer = await api.call(verb, url, token=None, headers=headers)
            assert answer.status == 401, (verb, path)
        assert (await api.call("GET", f"?token={TOKEN}", token=None)).status == 401


async def test_the_key_of_an_account_does_not_open_the_control() -> None:
    async with running(api_token=TOKEN, api_key=KEY, api_email="a@example.com") as api:
        headers = {"X-Auth-Email": "a@example.com", "X-Auth-Key": KEY}
        assert (await api.call("GET", token=None, headers=headers)).status == 200
        assert (await api.call("POST", api.emulator.url("/_emulator/reset"), token=None, headers=headers)).status == 401


async def secrets_of(api: Api) -> list[str]:
    """What the emulator makes that nobody is to find in a log."""
    key = (await api.call("POST", "/keys")).result
    hook = (await api.call("PUT", "/webhook", json={"notificationUrl": "http://127.0.0.1:1/hook"})).result
    live = (await api.call("POST", "/live_inputs", json={})).result
    uid = (await api.create(2000)).headers["stream-media-id"]
    token = (await api.call("POST", f"/{uid}/token")).result["token"]
    return [
        *(TOKEN, KEY, key["pem"], key["jwk"], hook["secret"], token),
        *(live["rtmps"]["streamKey"], live["srt"]["passphrase"]),
    ]


async def test_no_secret_is_in_a_log_a_record_a_repr_or_a_traceback(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(api_token=TOKEN, api_key=KEY, api_email="a@example.com") as api:
        found = await secrets_of(api)
        for secret in found:
            await api.media(f"/x?token={quote(secret)}", Authorization=f"Bearer {TOKEN}", Cookie=f"a={TOKEN}")
        for secret in (TOKEN, KEY, found[5], found[6]):
            await api.media(f"/{secret}/manifest/video.m3u8")
        monkeypatch.setattr("cfstream.emulator.storage.room.check", lambda *_, **__: 1 / 0)
        assert (await api.create(10)).status == 500
        shown = [api.emulator._running, api.emulator, api.emulator._plan, api.emulator.requests]
        texts = [*map(repr, shown), *map(str, api.emulator.requests)]
        texts += [f"{record.path} {record.query} {record.headers}" for record in api.emulator.requests]
        listed = await api.call("GET", api.emulator.url("/_emulator/requests"))
        texts.append(listed.body.decode())
    texts.append(caplog.text)
    assert "ZeroDivisionError" in caplog.text
    for secret in found:
        assert not any(secret in text for text in texts), secret[:20]


async def test_an_error_at_the_start_says_nothing_of_the_token() -> None:
    wrong: list[dict[str, Any]] = [
        {"host": "nonsense"},
        {"account_id": "x"},
        {"allowed_hosts": "x"},
        {"disk_quota": -1},
    ]
    for options in wrong:
        out = io.StringIO()
        try:
            Emulator(api_token=TOKEN, api_key=KEY, **options)
        except EmulatorError:
            traceback.print_exc(file=out)
        assert "EmulatorError" in out.getvalue()
        assert TOKEN not in out.getvalue()
        assert KEY not in out.getvalue()


def test_secrets_are_compared_in_constant_time_alone() -> None:
    """Whatever has a secret in its name is compared by hmac.compare_digest."""
    words = ("token", "api_key", "secret", "cookie", "signature", "passphrase", "stream_key")
    for path in Path(cfstream.emulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Compare) or not isinstance(node.ops[0], ast.Eq | ast.NotEq):
                continue
            sides = [node.left, *node.comparators]
            names = [side.attr if isinstance(side, ast.Attribute) else getattr(side, "id", "") for side in sides]
            # with a constant it is a question of kind, not of the secret
            if not any(isinstance(side, ast.Constant) for side in sides):
                assert not any(word in name.lower() for name in names for word in words), (path, node.lineno)


async def test_the_token_is_a_new_one_each_time_and_a_long_one() -> None:
    tokens = {Emulator().api_token for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) >= 40 for token in tokens)
    async with Emulator() as emulator, connected(emulator) as api:
        assert (await api.call("GET", token=next(iter(tokens)))).status == 401
