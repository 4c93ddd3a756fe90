"""Room in the encoder and in the account: who is refused, with what words, and what makes room again."""

from pathlib import Path
from typing import Any

import attrs
import pytest
from emulator_kit import SMALL, Api, clip, metadata, running

from cfstream import RetryPolicy
from cfstream.emulator import Emulator
from cfstream.errors import APIError, RateLimitError

FULL = "Storage capacity exceeded: You have uploaded {} minutes and are allocated {} minutes."


async def refusal(api: Api, **headers: str) -> tuple[int, list[int], str]:
    answer = await api.create(2000, query=headers.pop("query", ""), **headers)
    return answer.status, answer.codes, answer.json["errors"][0]["message"]


def lasting(seconds: int) -> dict[str, str]:
    return {"Upload-Metadata": metadata(maxDurationSeconds=str(seconds))}


async def test_the_encoder_takes_so_many_videos() -> None:
    async with running(limits=attrs.evolve(SMALL, encoding_max=2)) as api:
        api.emulator.pause_encoding()
        waiting = await api.create(2000)
        for _ in range(2):
            queued = await api.upload(b"x" * 2000)
        message = "2 videos are queued or being encoded; the most is 2"
        assert await refusal(api) == (429, [971], message)
        assert (await api.patch(waiting.headers["Location"], 0, b"x" * 2000)).status == 204, "it was there before"
        assert (await api.call("DELETE", f"/{queued}")).status == 200
        assert (await refusal(api))[0] == 429, "two are left"
        api.emulator.resume_encoding()
        for video in (await api.call("GET")).result:
            await api.until(video["uid"], "error")
        assert (await api.create(2000)).status == 201


async def test_the_encoder_takes_120_unless_told_otherwise() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        for _ in range(120):
            await api.upload(b"x" * 1024)
        assert await refusal(api) == (429, [971], "120 videos are queued or being encoded; the most is 120")


async def test_stored_minutes_fill_the_account() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=1)) as api:
        uid = await api.upload(clip(1.2))
        await api.until(uid, "ready")
        usage = (await api.call("GET", "/storage-usage")).result
        assert (usage["totalStorageMinutes"], usage["totalStorageMinutesLimit"]) == (0.03, 1)
        assert (await api.create(2000, **lasting(58))).status == 201
        assert await refusal(api, **lasting(1)) == (413, [10011], FULL.format("0.03", 1))
        assert (await refusal(api))[0] == 413, "nothing is left at all"


async def test_an_account_without_minutes_takes_nothing() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=0)) as api:
        assert await refusal(api) == (413, [10011], FULL.format("0.00", 0))


async def test_reservations_end_with_the_upload_its_expiry_or_its_deletion() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=1)) as api:
        first = await api.create(2000, **lasting(60))
        assert (await refusal(api))[0] == 413
        await api.call("DELETE", f"/{first.headers['stream-media-id']}")
        assert (await api.create(2000, **lasting(60))).status == 201
        api.emulator.clock.advance(2 * 24 * 3600)
        last = await api.create(2000, **lasting(60))
        assert last.status == 201
        assert (await refusal(api))[0] == 413
        await api.patch(last.headers["Location"], 0, b"no video" * 250)
        await api.until(last.headers["stream-media-id"], "error")
        assert (await api.create(2000, **lasting(60))).status == 201


async def test_an_upload_for_an_end_user_reserves_four_hours() -> None:
    limits = attrs.evolve(SMALL, storage_minutes=300)
    async with running(limits=limits) as api:
        assert (await api.create(2000, query="?direct_user=true")).status == 201
        assert (await refusal(api, query="?direct_user=true"))[0] == 413
        assert (await api.create(2000, query="?direct_user=true", **lasting(3600))).status == 201
        assert (await refusal(api))[0] == 413
        api.emulator.limits = attrs.evolve(limits, storage_minutes=310, direct_duration=600)
        assert (await api.create(2000, query="?direct_user=true")).status == 201


async def test_scheduled_deletion_has_bounds_that_can_be_set() -> None:
    limits = attrs.evolve(SMALL, deletion_days_min=1, deletion_days_max=2)
    async with running(limits=limits) as api:
        uid = (await api.create(2000)).headers["stream-media-id"]
        made = (await api.call("GET", f"/{uid}")).result["created"]
        year = int(made[:4])
        answer = await api.call("POST", f"/{uid}", json={"scheduledDeletion": f"{year + 1}{made[4:]}"})
        assert answer.json["errors"][0]["message"] == (
            "scheduledDeletion: must be 1 to 2 days after the video was created"
        )


@pytest.mark.parametrize(
    ("limits", "error", "status"),
    [({"encoding_max": 0}, RateLimitError, 429), ({"storage_minutes": 0}, APIError, 413)],
)
async def test_a_client_is_told(limits: dict[str, Any], error: type[APIError], status: int) -> None:
    once = RetryPolicy.none()
    async with Emulator(limits=attrs.evolve(SMALL, **limits)) as emulator, emulator.stream(retry=once) as stream:
        with pytest.raises(error) as caught:
            await stream.create(upload_length=1000)
    assert caught.value.status == status


async def test_what_is_stored_counts_after_a_new_start(tmp_path: Path) -> None:
    limits = attrs.evolve(SMALL, storage_minutes=1)
    async with running(limits=limits, data_dir=tmp_path) as api:
        uid = await api.upload(clip(1.2))
        await api.until(uid, "ready")
        await api.create(2000, **lasting(50))
    async with running(limits=limits, data_dir=tmp_path) as api:
        assert await refusal(api, **lasting(9)) == (413, [10011], FULL.format("0.03", 1))
        assert (await api.create(2000, **lasting(8))).status == 201
        await api.emulator.reset()
        assert (await api.create(2000, **lasting(60))).status == 201
