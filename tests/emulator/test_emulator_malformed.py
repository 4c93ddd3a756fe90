"""Every call with bodies and path values of every odd kind: it is refused or passed over, and nothing breaks."""

import json
import logging
from collections import defaultdict
from typing import Any

import pytest
from emulator_kit import Api, FixedClock, form, running
from yarl import URL

from cfstream.endpoints import ROWS

UNKNOWN = "0123456789abcdef0123456789abcdef"
JSON = "application/json"
FORM = "multipart/form-data; boundary=x"
NAMES = (
    *("url", "input", "label", "default", "enabled", "streamKey", "notificationUrl", "notification_url"),
    *("meta", "name", "creator", "watermark", "expiry", "maxDurationSeconds", "recording", "defaultCreator"),
    *("clippedFromVideoUID", "startTimeSeconds", "endTimeSeconds", "deleteRecordingAfterDays", "preferLowLatency"),
    *("exp", "nbf", "id", "pem", "accessRules", "downloadable", "opacity", "padding", "scale", "position"),
    *("allowedOrigins", "requireSignedURLs", "scheduledDeletion", "thumbnailTimestampPct", "publicDetails"),
)
VALUES: tuple[Any, ...] = (
    None,
    0,
    -1,
    10**400,
    0.5,
    True,
    "",
    "\ud800",
    "\x00",
    [],
    [[]],
    {},
    {"uid": []},
    {"uid": "\ud800"},
)
BODIES = [
    (JSON, b""),
    (JSON, b"{"),
    (JSON, b"[]"),
    (JSON, b"\xff"),
    (JSON, b"[" * 5000),
    (JSON, b'{"a":' * 5000),
    *((JSON, json.dumps(dict.fromkeys(NAMES, value)).encode()) for value in VALUES),
    (FORM, b""),
    (FORM, b"--x\r\n\r\n--x--"),
    (FORM, b'--x\r\nContent-Disposition: form-data; name="file"\r\nContent-Length: 99\r\n\r\n1\r\n--x--\r\n'),
    (FORM, b'--x\r\nContent-Disposition: form-data; name="label"\r\n\r\n\xff\r\n--x--\r\n'),
    (FORM, b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\n--y--\r\n--x--\r\n"),
    (FORM, b'--x\r\nContent-Disposition: form-data; name="file"\r\nContent-Encoding: gzip\r\n\r\n1\r\n--x--\r\n'),
    ("multipart/form-data", b""),
    ("text/plain; charset=nonsense", b"x"),
]


ODD = (UNKNOWN, "x", "en", "default", "%ff", "%00", "%2e%2e%2f", "y" * 300)


async def known(api: Api) -> dict[str, str]:
    """Values for paths that lead somewhere."""
    uid = (await api.create(2000)).headers["stream-media-id"]
    audio = await api.call("POST", f"/{uid}/audio", data=form(b"x", label="kept"))
    live = (await api.call("POST", "/live_inputs")).result["uid"]
    target = {"url": "rtmp://example.com/live", "streamKey": "k"}
    output = await api.call("POST", f"/live_inputs/{live}/outputs", json=target)
    await api.call("PUT", f"/{uid}/captions/en", data=form(b"WEBVTT"))
    return {
        "account_id": api.emulator.account_id,
        "identifier": uid,
        "audio_identifier": audio.result["uid"],
        "live_input_identifier": live,
        "output_identifier": output.result["uid"],
        "language": "en",
        "download_type": "default",
    }


@pytest.mark.parametrize(("path", "kind"), [("/copy", JSON), ("", FORM)])
async def test_a_body_that_is_not_in_its_encoding_is_refused(path: str, kind: str) -> None:
    async with running() as api:
        headers = {"Content-Type": kind, "Content-Encoding": "deflate"}
        answer = await api.call("POST", path, data=b"no deflate", headers=headers)
        assert (answer.status, answer.codes) == (400, [10004])
        assert (await api.call("GET")).result == []


async def test_nothing_breaks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    async with running(clock=FixedClock()) as api:
        api.emulator.pause_encoding()
        values = await known(api)
        asked = [
            (row.verb, row.path.format_map(values), body)
            # Last what takes away what the others ask for.
            for row in sorted(ROWS.values(), key=lambda row: row.verb == "DELETE")
            for body in (BODIES if row.verb in ("POST", "PUT", "PATCH") else BODIES[:1])
        ]
        asked += [
            (row.verb, row.path.format_map(defaultdict(lambda: odd, account_id=values["account_id"])), BODIES[-1])  # noqa: B023  # used at once
            for row in ROWS.values()
            for odd in ODD
            if row.path.count("{") > 1
        ]
        for verb, path, (kind, body) in asked:
            url = URL(f"{api.emulator.base_url}{path}", encoded=True)
            answer = await api.call(verb, url, data=body, headers={"Content-Type": kind})
            assert answer.status < 500, (verb, path, kind, body[:80], answer.body)
        assert (await api.call("GET")).status == 200
    assert caplog.records == []
