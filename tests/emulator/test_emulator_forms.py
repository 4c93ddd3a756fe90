"""Uploads in one form, at the address where resumable uploads begin."""

from typing import Any

import attrs
import pytest
from emulator_kit import SMALL, Answer, Api, FixedClock, clip, form, running

NOW = 1_800_000_000


async def send(api: Api, data: bytes, filename: str = "talk.mp4") -> Answer:
    return await api.call("POST", data=form(data, filename, "video/mp4"))


async def test_a_form_makes_a_video_that_is_encoded() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        api.emulator.pause_encoding()
        video = (await send(api, clip(), "Prüfung.mp4")).result
        assert video["status"] == {"state": "queued", "errorReasonCode": "", "errorReasonText": ""}
        assert (video["meta"], video["size"]) == ({"name": "Prüfung.mp4"}, len(clip()))
        assert video["created"] == video["uploaded"] == "2027-01-15T08:00:00Z"
        assert video["uploadExpiry"] == "2027-01-16T08:00:00Z"
        assert (video["duration"], video["readyToStream"]) == (-1, False)
        assert (await api.call("GET", f"/{video['uid']}")).result == video
        api.emulator.resume_encoding()
        done = await api.until(video["uid"], "ready")
        assert (done["duration"], done["input"]) == (1, {"width": 320, "height": 180})
        assert [each["uid"] for each in (await api.call("GET")).result] == [video["uid"]]


async def test_a_name_that_is_no_text_is_mended() -> None:
    head = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename*=raw_unicode_escape''a%5Cud800.mp4\r\n\r\n"
    async with running() as api:
        answer = await api.call(
            "POST", data=head + clip() + b"\r\n--x--\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert answer.result["meta"] == {"name": "a\ufffd.mp4"}


async def test_it_is_no_resumable_upload() -> None:
    async with running() as api:
        uid = (await send(api, clip())).result["uid"]
        for path in (f"/tus/{uid}", f"/client/v4/accounts/{api.emulator.account_id}/media/{uid}"):
            head = await api.call("HEAD", api.emulator.url(path), headers={"Tus-Resumable": "1.0.0"})
            assert head.status == 404
        neither = await api.call("POST", data=b"x", headers={"Content-Type": "video/mp4"})
        assert (neither.status, neither.codes) == (400, [10005])
        both = await api.call("POST", data=form(clip()), headers={"Tus-Resumable": "1.0.0", "Upload-Length": "5"})
        assert both.status == 201


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 " * 300, b"<html>no video</html>"])
async def test_what_is_no_video_is_refused(data: bytes) -> None:
    async with running() as api:
        answer = await send(api, data)
        assert (answer.status, answer.codes) == (400, [10059])
        assert (await api.call("GET")).result == []
        assert list((api.emulator._running.library.root / "incoming").iterdir()) == []


async def test_a_broken_video_is_taken_and_fails() -> None:
    async with running() as api:
        answer = await send(api, clip()[:-3000])
        video = await api.until(answer.result["uid"], "error")
        assert video["status"]["errorReasonCode"] == "ERR_MALFORMED_VIDEO"


async def test_a_form_that_is_too_large() -> None:
    async with running(limits=attrs.evolve(SMALL, basic_upload_max=len(clip()) - 1)) as api:
        answer = await send(api, clip())
        assert (answer.status, answer.codes) == (413, [10005])
        assert (await api.call("GET")).result == []
        assert list((api.emulator._running.library.root / "incoming").iterdir()) == []
    async with running(limits=attrs.evolve(SMALL, basic_upload_max=len(clip()))) as api:
        assert (await send(api, clip())).status == 200


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("multipart/form-data", b"x", 10004),
        ("multipart/form-data; boundary=x", b"--y\r\n\r\n", 10004),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense\r\n\r\n\r\n--x--", 10004),
        ("multipart/mixed; boundary=x", b"--x\r\n\r\n\r\n--x--", 10004),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\n1\r\n--x--\r\n',
            10005,
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n1\r\n' * 2 + b"--x--\r\n",
            10005,
        ),
    ],
)
async def test_broken_forms(kind: str, body: bytes, code: int) -> None:
    async with running() as api:
        answer = await api.call("POST", data=body, headers={"Content-Type": kind})
        assert (answer.status, answer.codes) == (400, [code])
        assert (await api.call("GET")).result == []


async def test_a_nameless_file_has_no_name() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + clip() + b"\r\n--x--\r\n"
    async with running() as api:
        answer = await api.call("POST", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert (answer.result["meta"], answer.result["size"]) == ({}, len(clip()))


@pytest.mark.parametrize(
    ("limit", "status"), [({"encoding_max": 1}, 429), ({"storage_minutes": 0}, 413)], ids=["encoder", "storage"]
)
async def test_where_there_is_no_room_nothing_is_taken(limit: dict[str, Any], status: int) -> None:
    async with running(limits=attrs.evolve(SMALL, **limit)) as api:
        api.emulator.pause_encoding()
        answers = [await send(api, clip()) for _ in range(2)]
        assert answers[-1].status == status
        assert len((await api.call("GET")).result) == sum(answer.status == 200 for answer in answers)
