"""Live inputs and their outputs, as they are on the wire."""

import re
from typing import Any

import attrs
import pytest
from emulator_kit import Answer, Api, FixedClock, running

from cfstream._limits import Limits

NOW = 1_800_000_000
SECRET = re.compile(r"[0-9a-f]{32}k[0-9a-f]{32}")
UNKNOWN = "0" * 32


async def made(api: Api, **body: Any) -> dict[str, Any]:
    return dict((await api.call("POST", "/live_inputs", json=body)).result)


def secrets_of(record: dict[str, Any]) -> list[str]:
    return [
        record["rtmps"]["streamKey"],
        record["rtmpsPlayback"]["streamKey"],
        record["srt"]["passphrase"],
        record["srtPlayback"]["passphrase"],
        record["webRTC"]["url"].split("/")[3],
    ]


async def test_a_new_input_has_the_form_of_the_service() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        record = await made(api)
        site = api.emulator.url("").rstrip("/")
        uid = record["uid"]
        assert (await api.call("GET", f"/live_inputs/{uid}")).result == record
    assert list(record) == [
        "uid",
        "rtmps",
        "rtmpsPlayback",
        "srt",
        "srtPlayback",
        "webRTC",
        "webRTCPlayback",
        "created",
        "modified",
        "meta",
        "defaultCreator",
        "status",
        "recording",
        "deleteRecordingAfterDays",
        "enabled",
        "preferLowLatency",
        "playback",
    ]
    assert re.fullmatch(r"[0-9a-f]{32}", uid)
    keys = secrets_of(record)
    assert len(set(keys)) == len(keys)
    assert all(SECRET.fullmatch(key) and key.endswith(f"k{uid}") for key in keys)
    assert (record["srt"]["streamId"], record["srtPlayback"]["streamId"]) == (uid, f"play{uid}")
    assert record["webRTC"]["url"] == f"{site}/{keys[-1]}/webRTC/publish"
    assert record["webRTCPlayback"]["url"] == f"{site}/{uid}/webRTC/play"
    assert record["playback"] == {
        "hls": f"{site}/{uid}/manifest/video.m3u8",
        "dash": f"{site}/{uid}/manifest/video.mpd",
    }
    assert record["created"] == record["modified"] == "2027-01-15T08:00:00Z"
    assert record["recording"] == {
        "mode": "off",
        "requireSignedURLs": False,
        "allowedOrigins": None,
        "hideLiveViewerCount": False,
    }
    assert (record["meta"], record["defaultCreator"], record["status"]) == ({}, None, None)
    assert (record["deleteRecordingAfterDays"], record["enabled"], record["preferLowLatency"]) == (None, True, False)


async def test_an_input_keeps_what_it_was_made_with() -> None:
    body = {
        "meta": {"name": "Gate", "nested": {"keyName": 1}},
        "defaultCreator": "ann",
        "enabled": False,
        "preferLowLatency": True,
        "deleteRecordingAfterDays": 45,
        "recording": {
            "mode": "automatic",
            "requireSignedURLs": True,
            "allowedOrigins": ["example.com"],
            "hideLiveViewerCount": True,
            "timeoutSeconds": 30,
        },
    }
    async with running() as api:
        record = await made(api, **body, unknown={"passed": "over"})
    assert {key: record[key] for key in body} == body
    assert "unknown" not in record


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"meta": []}, "meta"),
        ({"defaultCreator": "x" * 65}, "defaultCreator"),
        ({"enabled": "yes"}, "enabled"),
        ({"enabled": None}, "enabled"),
        ({"preferLowLatency": 1}, "preferLowLatency"),
        ({"deleteRecordingAfterDays": 29}, "deleteRecordingAfterDays"),
        ({"deleteRecordingAfterDays": 1097}, "deleteRecordingAfterDays"),
        ({"recording": "off"}, "recording"),
        ({"recording": {"mode": "on"}}, "recording.mode"),
        ({"recording": {"mode": []}}, "recording.mode"),
        ({"recording": {"timeoutSeconds": -1}}, "recording.timeoutSeconds"),
        ({"recording": {"allowedOrigins": "example.com"}}, "recording.allowedOrigins"),
    ],
)
async def test_a_refusal_names_the_field_and_changes_nothing(body: dict[str, Any], named: str) -> None:
    async with running() as api:
        record = await made(api, meta={"name": "kept"})
        for answer in (
            await api.call("POST", "/live_inputs", json=body),
            await api.call("PUT", f"/live_inputs/{record['uid']}", json={"meta": {"name": "new"}, **body}),
        ):
            assert (answer.status, answer.codes) == (400, [10005])
            assert answer.json["errors"][0]["message"].startswith(f"{named}: ")
        assert (await api.call("GET", f"/live_inputs/{record['uid']}")).result == record
        assert len((await api.call("GET", "/live_inputs")).result["liveInputs"]) == 1


async def test_a_list_is_short_and_newest_first() -> None:
    async with running() as api:
        assert (await api.call("GET", "/live_inputs")).result == {"liveInputs": []}
        first, second = await made(api, meta={"name": "1"}), await made(api)
        rows = (await api.call("GET", "/live_inputs")).result["liveInputs"]
        counted = (await api.call("GET", "/live_inputs?include_counts=true")).result
        assert (await api.call("GET", "/live_inputs?include_counts=maybe")).status == 400
    keys = ("uid", "created", "modified", "meta", "deleteRecordingAfterDays", "enabled")
    assert rows == [{key: record[key] for key in keys} for record in (second, first)]
    assert counted == {"liveInputs": rows, "range": 2, "total": 2}


async def test_a_change_leaves_the_rest() -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock) as api:
        record = await made(
            api,
            meta={"name": "Gate"},
            deleteRecordingAfterDays=30,
            recording={"mode": "automatic", "timeoutSeconds": 5},
        )
        clock.now += 60
        where = f"/live_inputs/{record['uid']}"
        changed = (await api.call("PUT", where, json={"recording": {"requireSignedURLs": True}})).result
        assert changed == {
            **record,
            "recording": {**record["recording"], "requireSignedURLs": True},
            "modified": "2027-01-15T08:01:00Z",
        }
        cleared = await api.call(
            "PUT", where, json={"deleteRecordingAfterDays": None, "meta": {}, "recording": {"timeoutSeconds": 0}}
        )
        assert cleared.result["deleteRecordingAfterDays"] is None
        assert cleared.result["meta"] == {}
        assert "timeoutSeconds" not in cleared.result["recording"]
        assert cleared.result["recording"]["mode"] == "automatic"
        assert (await api.call("GET", where)).result == cleared.result


async def test_enable_and_disable() -> None:
    async with running() as api:
        where = f"/live_inputs/{(await made(api))['uid']}"
        assert (await api.call("POST", f"{where}/disable")).result["enabled"] is False
        assert (await api.call("GET", where)).result["enabled"] is False
        assert (await api.call("POST", f"{where}/enable")).result["enabled"] is True


async def test_new_credentials_replace_all_of_the_old_ones() -> None:
    async with running(clock=FixedClock(NOW)) as api:
        record = await made(api)
        assert "keysRotatedAt" not in record
        rotated = (await api.call("POST", f"/live_inputs/{record['uid']}/rotate_keys")).result
        assert (await api.call("GET", f"/live_inputs/{record['uid']}")).result == rotated
    assert rotated["keysRotatedAt"] == "2027-01-15T08:00:00Z"
    assert not set(secrets_of(record)) & set(secrets_of(rotated))
    assert all(SECRET.fullmatch(key) for key in secrets_of(rotated))


async def test_a_deleted_input_is_gone_with_its_outputs_and_its_videos_stay() -> None:
    async with running() as api:
        uid = (await made(api))["uid"]
        video = await recorded(api, uid)
        target = {"url": "rtmp://example.com/live", "streamKey": "k"}
        await api.call("POST", f"/live_inputs/{uid}/outputs", json=target)
        deleted = await api.call("DELETE", f"/live_inputs/{uid}")
        assert (deleted.status, deleted.body) == (200, b"")
        for verb, tail in (
            ("GET", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/enable"),
            ("POST", "/disable"),
            ("POST", "/rotate_keys"),
            ("GET", "/videos"),
            ("GET", "/outputs"),
            ("POST", "/outputs"),
        ):
            answer = await api.call(verb, f"/live_inputs/{uid}{tail}", json=target)
            assert (answer.status, answer.codes) == (404, [10003]), (verb, tail)
        assert (await api.call("GET", f"/{video}")).result["liveInput"] == uid
        assert (await api.call("GET", "/live_inputs")).result == {"liveInputs": []}
        assert api.emulator._running.library.store.everywhere("output") == []


async def recorded(api: Api, live_input: str) -> str:
    uid = (await api.create(2000)).headers["stream-media-id"]
    api.emulator._running.library.change(uid, live_input=live_input)
    return str(uid)


async def test_the_videos_of_an_input_come_newest_first() -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock) as api:
        uid, other = (await made(api))["uid"], (await made(api))["uid"]
        assert (await api.call("GET", f"/live_inputs/{uid}/videos")).result == []
        first = await recorded(api, uid)
        clock.now += 1
        second = await recorded(api, uid)
        await recorded(api, other)
        videos = (await api.call("GET", f"/live_inputs/{uid}/videos")).result
    assert [video["uid"] for video in videos] == [second, first]
    assert {video["liveInput"] for video in videos} == {uid}


async def test_a_repetition_with_the_same_key_makes_no_second_input() -> None:
    clock = FixedClock(NOW)

    async def ask(key: str, **body: Any) -> Answer:
        return await api.call("POST", "/live_inputs", json=body, headers={"Idempotency-Key": key})

    async with running(clock=clock) as api:
        record = (await ask("a", meta={"name": "one"})).result
        clock.now += 6 * 3600 - 1
        assert (await ask("a", meta={"name": "two"})).result == record
        other = (await ask("b")).result
        assert other["uid"] != record["uid"]
        clock.now += 1
        anew = (await ask("a")).result
        assert anew["uid"] not in (record["uid"], other["uid"])
        assert len((await api.call("GET", "/live_inputs")).result["liveInputs"]) == 3
        await api.call("DELETE", f"/live_inputs/{anew['uid']}")
        conflict = await ask("a")
        assert (conflict.status, conflict.codes) == (409, [10005])
        clock.now += 6 * 3600
        assert (await ask("a")).result["uid"] != anew["uid"]


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_odd_idempotency_keys_are_refused(key: str) -> None:
    async with running(limits=attrs.evolve(Limits(), idempotency_key_length=255)) as api:
        answer = await api.call("POST", "/live_inputs", json={}, headers={"Idempotency-Key": key})
        assert (answer.status, answer.codes) == (400, [10005])
        assert answer.json["errors"][0]["message"].startswith("Idempotency-Key: ")


async def test_inputs_outlive_the_emulator(tmp_path: Any) -> None:
    async with running(data_dir=tmp_path) as api:
        record = await made(api, meta={"name": "Gate"})
        keys = secrets_of(record)
    async with running(data_dir=tmp_path) as api:
        assert secrets_of((await api.call("GET", f"/live_inputs/{record['uid']}")).result) == keys


async def test_outputs() -> None:
    async with running() as api:
        where = f"/live_inputs/{(await made(api))['uid']}/outputs"
        assert (await api.call("GET", where)).result == []
        body = {"url": "rtmp://a.example.com/live2", "streamKey": "uzya-f19y"}
        first = (await api.call("POST", where, json={**body, "unknown": 1})).result
        assert first == {"uid": first["uid"], **body, "enabled": True, "status": None}
        target = {"url": "srt://example.com:778?mode=caller", "streamKey": "s", "enabled": False}
        second = (await api.call("POST", where, json=target)).result
        assert second["enabled"] is False
        change = {"enabled": False, "url": "rtmp://elsewhere/", "streamKey": "other"}
        changed = (await api.call("PUT", f"{where}/{first['uid']}", json=change)).result
        assert changed == {**first, "enabled": False}
        assert (await api.call("GET", where)).result == [changed, second]
        assert (await api.call("DELETE", f"{where}/{first['uid']}")).status == 200
        assert (await api.call("GET", where)).result == [second]
        for verb in ("PUT", "DELETE"):
            gone = await api.call(verb, f"{where}/{first['uid']}", json={"enabled": True})
            assert (gone.status, gone.codes) == (404, [10003])


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "url"),
        ({"url": "https://example.com", "streamKey": "k"}, "url"),
        ({"url": "rtmp://", "streamKey": "k"}, "url"),
        ({"url": "rtmp://example.com/live"}, "streamKey"),
        ({"url": "rtmp://example.com/live", "streamKey": 1}, "streamKey"),
        ({"url": "rtmp://example.com/live", "streamKey": "k", "enabled": 0}, "enabled"),
    ],
)
async def test_outputs_refused(body: dict[str, Any], named: str) -> None:
    async with running() as api:
        where = f"/live_inputs/{(await made(api))['uid']}/outputs"
        answer = await api.call("POST", where, json=body)
        assert (answer.status, answer.codes) == (400, [10005])
        assert answer.json["errors"][0]["message"].startswith(f"{named}: ")
        assert (await api.call("GET", where)).result == []


async def test_an_output_changes_by_enabled_only_and_needs_it() -> None:
    async with running() as api:
        where = f"/live_inputs/{(await made(api))['uid']}/outputs"
        output = (await api.call("POST", where, json={"url": "rtmp://example.com/l", "streamKey": "k"})).result
        for body in ({}, {"enabled": None}, {"enabled": "no"}):
            assert (await api.call("PUT", f"{where}/{output['uid']}", json=body)).codes == [10005]


async def test_an_input_has_fifty_outputs_at_most() -> None:
    async with running() as api:
        where = f"/live_inputs/{(await made(api))['uid']}/outputs"
        body = {"url": "rtmp://example.com/l", "streamKey": "k"}
        uids = [(await api.call("POST", where, json=body)).result["uid"] for _ in range(50)]
        answer = await api.call("POST", where, json=body)
        assert (answer.status, answer.codes) == (400, [10005])
        await api.call("DELETE", f"{where}/{uids[0]}")
        assert (await api.call("POST", where, json=body)).status == 200


@pytest.mark.parametrize("uid", [UNKNOWN, "x", "%ff", "a'b", "%00"])
async def test_an_unknown_input_is_not_found(uid: str) -> None:
    async with running() as api:
        known = (await made(api))["uid"]
        for verb, path in (
            ("GET", f"/live_inputs/{uid}"),
            ("DELETE", f"/live_inputs/{uid}"),
            ("DELETE", f"/live_inputs/{known}/outputs/{uid}"),
        ):
            answer = await api.call(verb, path)
            assert (answer.status, answer.codes) == (404, [10003])
