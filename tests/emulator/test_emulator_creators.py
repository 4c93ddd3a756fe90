"""Uploads by end users, from the browser's side: what another site's page may do, and what is held free for them."""

from typing import Any

import attrs
import pytest
from emulator_kit import BODY_TYPE, SMALL, Api, FixedClock, clip, form, metadata, running

NOW = 1_800_000_000
ORIGIN = {"Origin": "https://app.example.com"}
TUS = {"Tus-Resumable": "1.0.0"}


async def resumable(api: Api, length: int, **keys: str) -> tuple[str, str]:
    """An address for an end user's upload, and its uid."""
    made = await api.create(length, query="?direct_user=true", **{"Upload-Metadata": metadata(**keys)})
    return made.headers["Location"], made.headers["stream-media-id"]


async def by_form(api: Api, **body: Any) -> tuple[str, str]:
    made = (await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 60, **body})).result
    return made["uploadURL"], made["uid"]


async def free(api: Api, seconds: int) -> bool:
    """Whether so many seconds could be held free now; none are kept."""
    made = await api.call("POST", "/direct_upload", json={"maxDurationSeconds": seconds})
    if made.status == 200:
        await api.call("DELETE", f"/{made.result['uid']}")
    return made.status == 200


def listed(value: str) -> set[str]:
    return {each.strip().lower() for each in value.split(",")}


async def test_a_browser_may_send_what_tus_clients_send_and_read_what_they_need() -> None:
    async with running() as api:
        location, uid = await resumable(api, 2048)
        asked = {
            **ORIGIN,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "content-type,tus-resumable,upload-offset",
        }
        preflight = await api.call("OPTIONS", location, token=None, headers=asked)
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert {"head", "patch", "options"} <= listed(preflight.headers["Access-Control-Allow-Methods"])
        sent = {"content-type", "tus-resumable", "upload-offset", "upload-length", "upload-metadata", "authorization"}
        assert sent | {"x-requested-with", "x-request-id"} <= listed(preflight.headers["Access-Control-Allow-Headers"])
        needed = {"location", "upload-offset", "upload-length", "tus-resumable", "stream-media-id"}
        for headers, status in (
            ({**TUS}, 200),
            ({"Tus-Resumable": "0.2.2"}, 412),
        ):
            head = await api.call("HEAD", location, token=None, headers={**ORIGIN, **headers})
            assert head.status == status
            assert head.headers["Access-Control-Allow-Origin"] == "*"
            assert needed <= listed(head.headers["Access-Control-Expose-Headers"])
        # Refusals must be readable, too: a client learns the right offset from them.
        wrong = {**ORIGIN, **TUS, "Upload-Offset": "7", "Content-Type": BODY_TYPE}
        refused = await api.call("PATCH", location, token=None, headers=wrong, data=b"x")
        assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (409, "*")
        await api.call("DELETE", f"/{uid}")
        gone = await api.call("HEAD", location, token=None, headers={**ORIGIN, **TUS})
        assert (gone.status, gone.headers["Access-Control-Allow-Origin"]) == (404, "*")


async def test_credentials_that_nobody_asked_for_are_not_looked_at() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        location, uid = await resumable(api, 2048)
        strange = {"Authorization": "Bearer of-somebody-else", "Upload-Metadata": "name !!!", "Upload-Length": "1"}
        headers = {**TUS, **strange, "Upload-Offset": "0", "Content-Type": BODY_TYPE}
        assert (await api.call("PATCH", location, headers=headers, data=b"x" * 2048)).status == 204
        url, second = await by_form(api)
        sent = await api.call("POST", url, headers=strange, data=form(clip(), "a.mp4", "video/mp4"))
        assert sent.status == 200
        for each in (uid, second):
            assert (await api.call("GET", f"/{each}")).result["meta"] == {}


async def test_the_length_is_held_against_the_limit_once_it_is_known() -> None:
    async with running() as api:
        data = clip(1.5)
        for allowed, state in (("1", "error"), ("2", "ready")):
            location, uid = await resumable(api, len(data), maxDurationSeconds=allowed)
            headers = {**TUS, "Upload-Offset": "0", "Content-Type": BODY_TYPE}
            assert (await api.call("PATCH", location, token=None, headers=headers, data=data)).status == 204
            video = await api.until(uid, state)
            code = "ERR_DURATION_EXCEED_CONSTRAINT" if state == "error" else ""
            assert (video["status"]["errorReasonCode"], video["readyToStream"]) == (code, state == "ready")
            assert video["duration"] == 1.5


@pytest.mark.parametrize("way", [by_form, resumable])
async def test_an_address_that_expired_is_gone_and_its_minutes_are_free(way: Any) -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock, limits=attrs.evolve(SMALL, storage_minutes=1)) as api:
        expiry = "2027-01-15T08:10:00Z"
        if way is by_form:
            url, uid = await by_form(api, expiry=expiry)
        else:
            url, uid = await resumable(api, len(clip()), maxDurationSeconds="60", expiry=expiry)
        assert not await free(api, 1)
        clock.now += 599
        assert (await api.call("GET", f"/{uid}")).status == 200
        clock.now += 1
        if way is by_form:
            late = await api.call("POST", url, token=None, headers=ORIGIN, data=form(clip(), "a.mp4", "video/mp4"))
        else:
            late = await api.call("HEAD", url, token=None, headers={**ORIGIN, **TUS})
        assert (late.status, late.headers["Access-Control-Allow-Origin"]) == (404, "*")
        assert (await api.call("GET", f"/{uid}")).status == 404
        assert await free(api, 60)


async def test_minutes_held_free_become_those_of_the_video() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=1)) as api:
        url, uid = await by_form(api, maxDurationSeconds=59)
        assert (await free(api, 1), await free(api, 2)) == (True, False)
        assert (await api.call("POST", url, token=None, data=form(clip(1.2), "a.mp4", "video/mp4"))).status == 200
        await api.until(uid, "ready")
        assert (await free(api, 58), await free(api, 59)) == (True, False)
        too_long, failing = await by_form(api, maxDurationSeconds=1)
        assert (await api.call("POST", too_long, token=None, data=form(clip(1.5), "a.mp4", "video/mp4"))).status == 200
        await api.until(failing, "error")
        assert (await free(api, 58), await free(api, 59)) == (True, False)


async def test_no_address_is_given_out_while_the_encoder_is_full() -> None:
    async with running(limits=attrs.evolve(SMALL, encoding_max=1)) as api:
        api.emulator.pause_encoding()
        await api.upload(b"x" * 2000)
        refused = await api.call("POST", "/direct_upload", json={"maxDurationSeconds": 60})
        assert (refused.status, refused.codes) == (429, [971])


async def test_an_address_takes_no_second_file_whatever_became_of_the_first() -> None:
    async with running() as api:
        url, uid = await by_form(api, maxDurationSeconds=1)
        good = form(clip(1.5), "a.mp4", "video/mp4")
        assert (await api.call("POST", url, token=None, data=good)).status == 200
        await api.until(uid, "error")
        again = await api.call("POST", url, token=None, headers=ORIGIN, data=form(clip(), "a.mp4", "video/mp4"))
        assert (again.status, again.codes, again.headers["Access-Control-Allow-Origin"]) == (400, [10005], "*")
        await api.call("DELETE", f"/{uid}")
        gone = await api.call("POST", url, token=None, data=form(clip(), "a.mp4", "video/mp4"))
        assert (gone.status, gone.codes) == (404, [10003])
