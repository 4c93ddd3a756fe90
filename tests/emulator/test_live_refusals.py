"""Who may not publish, who has to leave, and what does no harm."""

import asyncio
import signal
import struct
from pathlib import Path
from typing import Any

import attrs
import pytest
from emulator_kit import SMALL, Api, running
from live_kit import (
    AUDIO,
    CHUNK,
    VIDEO,
    Tag,
    chunked,
    command,
    eventually,
    hello,
    in_state,
    key_of,
    live_input,
    on_air,
    playlist,
    rtmp,
    status,
    tags,
    videos,
)

from cfstream._limits import Limits
from cfstream.emulator import EmulatorError
from cfstream.emulator.ingest import connection

BAD_NAME = "NetStream.Publish.BadName"
DENIED = "NetStream.Publish.Denied"


@pytest.mark.parametrize("change", ["x", "k", "", "0" * 32])
async def test_a_wrong_key_is_refused(change: str) -> None:
    async with running() as api:
        record = await live_input(api)
        key = {"x": "0" * 32 + key_of(record)[32:], "k": "k" + key_of(record), "": ""}.get(change, change)
        async with rtmp(api) as peer:
            told = await peer.publish(key)
            assert (told["level"], told["code"], told["description"]) == ("error", BAD_NAME, "Invalid stream key")
            await peer.gone()
        assert (await api.call("GET", f"/live_inputs/{record['uid']}")).result["status"] is None


async def test_keys_of_other_things_open_nothing() -> None:
    async with running() as api:
        record = await live_input(api)
        for key in (record["rtmpsPlayback"]["streamKey"], record["srt"]["passphrase"]):
            async with rtmp(api) as peer:
                assert (await peer.publish(key))["code"] == BAD_NAME


async def test_rotated_keys_open_nothing_any_more_and_let_those_go_on_who_are_in() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            rotated = (await api.call("POST", f"/live_inputs/{record['uid']}/rotate_keys")).result
            async with rtmp(api) as peer:
                assert (await peer.publish(key_of(record)))["code"] == BAD_NAME
            await publisher.send(tags(), later=3000)
            await playlist(api, record["uid"], "seg_00001")
        async with rtmp(api) as peer:
            assert (await peer.publish(key_of(rotated)))["code"] == "NetStream.Publish.Start"


@pytest.mark.parametrize(
    ("verb", "tail", "body"), [("POST", "/disable", None), ("PUT", "", {"enabled": False}), ("DELETE", "", None)]
)
async def test_a_running_broadcast_ends_with_its_input(verb: str, tail: str, body: Any) -> None:
    async with running() as api:
        record = await live_input(api, recording={"timeoutSeconds": 600})
        where = f"/live_inputs/{record['uid']}"
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            (video,) = await videos(api, record["uid"])
            assert (await api.call(verb, where + tail, json=body)).status == 200
            await publisher.gone()
        async with rtmp(api) as peer:
            assert (await peer.publish(key_of(record)))["code"] == (BAD_NAME if verb == "DELETE" else DENIED)
        if verb != "DELETE":
            assert (await status(api, record["uid"]))["current"]["state"] == "disconnected"
        assert (await until_recorded(api, video["uid"]))["duration"] == 3.0


async def until_recorded(api: Api, uid: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            video: dict[str, Any] = (await api.call("GET", f"/{uid}")).result
            if video["status"]["state"] == "ready":
                return video
            await asyncio.sleep(0.01)


async def test_nobody_is_waited_for_when_an_input_is_disabled() -> None:
    async with running() as api:
        record = await live_input(api, recording={"timeoutSeconds": 600})
        async with on_air(api, key_of(record)) as publisher:
            await publisher.leave()
        await in_state(api, record["uid"], "reconnecting")
        await api.call("POST", f"/live_inputs/{record['uid']}/disable")
        assert (await status(api, record["uid"]))["current"]["state"] == "disconnected"
        await eventually(api, record["uid"], "ready")


async def test_a_full_account_takes_no_broadcast() -> None:
    async with running(limits=attrs.evolve(SMALL, storage_minutes=0)) as api:
        record = await live_input(api)
        async with rtmp(api) as peer:
            told = await peer.publish(key_of(record))
            assert told["code"] == DENIED
            assert told["description"].startswith("Storage capacity exceeded")
        current = (await in_state(api, record["uid"], "errored"))["current"]
    assert current["reason"] == "ERR_STORAGE_QUOTA_EXHAUSTED"


async def test_a_full_disk_takes_no_broadcast() -> None:
    async with running(disk_quota=0) as api:
        record = await live_input(api)
        async with rtmp(api) as peer:
            assert (await peer.publish(key_of(record)))["code"] == DENIED


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (Tag(VIDEO, 0, b"\x12\x00\x00"), "ERR_UNSUPPORTED_VIDEO_CODEC"),
        (Tag(VIDEO, 0, b"\x90hvc1" + bytes(20)), "ERR_UNSUPPORTED_VIDEO_CODEC"),
        (Tag(AUDIO, 0, b"\x2f\xff\xfb"), "ERR_UNSUPPORTED_AUDIO_CODEC"),
    ],
)
async def test_other_codecs_are_refused_by_name(tag: Tag, reason: str) -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record), [tag]) as publisher:
            told = (await publisher.answer("onStatus"))[3]
            assert (told["level"], told["code"]) == ("error", "NetStream.Publish.Rejected")
            await publisher.gone()
        assert (await in_state(api, record["uid"], "errored"))["current"]["reason"] == reason
        assert await videos(api, record["uid"]) == []


async def test_key_frames_that_are_too_rare_end_a_broadcast_and_what_came_is_recorded() -> None:
    async with running() as api:
        record = await live_input(api)
        late = [attrs.evolve(tag, time=tag.time + 3000 + 25_000 * number) for number, tag in enumerate(tags()[-10:-1])]
        delta = [tag for tag in late if tag.kind == VIDEO]
        async with on_air(api, key_of(record), [*tags()[:-1], *delta]) as publisher:
            async with asyncio.timeout(20):
                while not publisher.reader.at_eof():
                    await publisher.send([attrs.evolve(delta[-1], time=400_000)])
                    await asyncio.sleep(0.01)
                    if (await status(api, record["uid"]))["current"]["state"] == "errored":
                        break
        assert (await status(api, record["uid"]))["current"]["reason"] == "ERR_GOP_OUT_OF_RANGE"
        await eventually(api, record["uid"], "ready")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x03" + bytes(3072) + b"\xff" * 2000,
        hello() + command("play", 1, None, "x"),
        hello() + command("publish", 1, None, "x"),
        hello() + chunked(2, 1, struct.pack(">I", 0)),
        hello() + chunked(3, 20, b"\x03\x00\x01a" * 5000, size=128),
        hello() + b"\x03" + bytes(3) + b"\xff\xff\xff\x14" + bytes(4),
    ],
)
async def test_what_is_no_rtmp_loses_its_connection_and_no_other(data: bytes) -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            async with rtmp(api) as peer:
                peer.writer.write(data)
                await peer.gone()
            await publisher.send(tags(), later=3000)
            await playlist(api, record["uid"], "seg_00001")


async def test_garbage_among_the_frames_ends_the_broadcast_only() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            publisher.writer.write(b"\xff" * 5000)
            await publisher.gone()
        await eventually(api, record["uid"], "ready")


async def test_who_is_silent_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST", 0.05)
    async with running() as api, rtmp(api) as peer:
        await peer.gone()
    monkeypatch.setattr(connection, "FIRST", 10.0)
    monkeypatch.setattr(connection, "SILENCE", 0.2)
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await publisher.gone()
        assert (await in_state(api, record["uid"], "disconnected"))["current"]["reason"] == "client_disconnect"


async def test_connections_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfstream.emulator.ingest.server.MOST", 1)
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            async with rtmp(api) as peer:
                await peer.gone()
            await publisher.leave()
        async with on_air(api, key_of(record)):
            pass


async def test_a_slow_worker_slows_the_publisher() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            (broadcast,) = api.emulator._running.broadcasts._running.values()
            process = broadcast.feed._process
            assert process is not None
            process.send_signal(signal.SIGSTOP)
            big = Tag(VIDEO, 3000, b"\x27\x01\x00\x00\x00" + bytes(CHUNK - 5))
            flooding = asyncio.create_task(publisher.send([big] * 400))  # 24 MB, more than all buffers on the way hold
            done, _ = await asyncio.wait({flooding}, timeout=0.5)
            assert not done
            process.send_signal(signal.SIGCONT)
            await flooding


async def test_a_worker_that_dies_ends_its_broadcast_only() -> None:
    async with running() as api:
        record = await live_input(api)
        async with on_air(api, key_of(record)) as publisher:
            await playlist(api, record["uid"])
            (broadcast,) = api.emulator._running.broadcasts._running.values()
            process = broadcast.feed._process
            assert process is not None
            process.kill()
            async with asyncio.timeout(10):
                while not publisher.reader.at_eof():
                    await publisher.send(tags()[-2:-1], later=3000)
                    await asyncio.sleep(0.01)
                    if (await status(api, record["uid"]))["current"]["state"] == "errored":
                        break
        await eventually(api, record["uid"], "ready")


async def test_closing_ends_everything_at_once() -> None:
    async with running() as api:
        records = [await live_input(api) for _ in range(2)]
        async with on_air(api, key_of(records[0])) as one, on_air(api, key_of(records[1])) as two:
            await playlist(api, records[0]["uid"])
            feeds = [each.feed._process for each in api.emulator._running.broadcasts._running.values()]
            async with asyncio.timeout(5):
                await api.emulator.close()
            assert [process is None or process.returncode for process in feeds] == [0, 0]
            await one.gone()
            await two.gone()


async def test_the_built_in_publisher_says_why_it_was_refused() -> None:
    async with running() as api:
        record = await live_input(api, enabled=False)
        with pytest.raises(EmulatorError, match="not taken"):
            async with api.emulator.publish(record["uid"]):
                pass
        with pytest.raises(EmulatorError, match="no live input"):
            api.emulator.publish("0" * 32)


async def test_the_built_in_publisher_says_when_it_was_thrown_out() -> None:
    async with running() as api:
        record = await live_input(api, recording={"mode": "off"})
        async with api.emulator.publish(record["uid"], size=(160, 90)) as publisher:
            await api.call("POST", f"/live_inputs/{record['uid']}/disable")
            with pytest.raises(EmulatorError):
                await publisher.wait()


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    async with running() as api:
        port = int(api.emulator.live_url.split(":")[2].split("/")[0])
        with pytest.raises(EmulatorError, match=str(port)):
            async with running(live_port=port, limits=Limits()):
                pass
