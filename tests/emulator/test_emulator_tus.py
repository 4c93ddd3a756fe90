"""Resumable uploads, to the letter of the protocol and of the service's own rules."""

import asyncio
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from emulator_kit import SMALL, Api, FixedClock, metadata, running

from cfstream.emulator.serving import patience


async def test_create_answers_201_with_an_address_under_the_account() -> None:
    async with running() as api:
        answer = await api.create(5000)
        uid = answer.headers["stream-media-id"]
        assert answer.status == 201
        assert answer.body == b""
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert len(uid) == 32
        assert set(uid) <= set("0123456789abcdef")
        expected = f"{api.emulator.base_url}/accounts/{api.emulator.account_id}/media/{uid}?tusv2=true"
        assert answer.headers["Location"] == expected


async def test_created_video_is_pending() -> None:
    async with running(clock=FixedClock(1_800_000_000.25)) as api:
        uid = (await api.create(5000)).headers["stream-media-id"]
        video = (await api.call("GET", f"/{uid}")).result
        assert video == {
            "uid": uid,
            "creator": None,
            "thumbnail": api.emulator.url(f"/{uid}/thumbnails/thumbnail.jpg"),
            "thumbnailTimestampPct": 0,
            "readyToStream": False,
            "readyToStreamAt": None,
            "status": {"state": "pendingupload", "errorReasonCode": "", "errorReasonText": ""},
            "meta": {},
            "created": "2027-01-15T08:00:00.25Z",
            "modified": "2027-01-15T08:00:00.25Z",
            "scheduledDeletion": None,
            "size": 5000,
            "preview": api.emulator.url(f"/{uid}/watch"),
            "allowedOrigins": [],
            "requireSignedURLs": False,
            "uploaded": "2027-01-15T08:00:00.25Z",
            "uploadExpiry": "2027-01-16T08:00:00.25Z",
            "maxSizeBytes": None,
            "maxDurationSeconds": None,
            "duration": -1,
            "input": {"width": -1, "height": -1},
            "playback": {
                "hls": api.emulator.url(f"/{uid}/manifest/video.m3u8"),
                "dash": api.emulator.url(f"/{uid}/manifest/video.mpd"),
            },
            "watermark": None,
            "clippedFrom": None,
            "publicDetails": None,
        }


async def test_metadata_sets_the_video() -> None:
    async with running(clock=FixedClock()) as api:
        header = metadata(
            name="Ein Vortrag ü",
            requiresignedurls=None,
            allowedorigins='["example.com", "*.example.org"]',
            thumbnailtimestamppct="0.25",
            maxDurationSeconds="600",
            expiry="2027-01-15T09:00:00Z",
            scheduleddeletion="2027-03-15T09:00:00Z",
            filename="talk.mp4",
            FileType="video/mp4",
            empty=None,
        )
        answer = await api.create(5000, **{"Upload-Metadata": header, "Upload-Creator": "alice"})
        video = (await api.call("GET", f"/{answer.headers['stream-media-id']}")).result
        head = await api.head(answer.headers["Location"])
    assert video["meta"] == {"name": "Ein Vortrag ü", "filename": "talk.mp4", "FileType": "video/mp4", "empty": ""}
    assert video["requireSignedURLs"] is True
    assert video["allowedOrigins"] == ["example.com", "*.example.org"]
    assert video["thumbnailTimestampPct"] == 0.25
    assert video["maxDurationSeconds"] == 600
    assert video["uploadExpiry"] == "2027-01-15T09:00:00Z"
    assert video["scheduledDeletion"] == "2027-03-15T09:00:00Z"
    assert video["creator"] == "alice"
    assert head.headers["Upload-Metadata"] == header


async def test_metadata_by_other_spellings() -> None:
    async with running() as api:
        header = metadata(RequireSignedURLs=None, allowedOrigins="a.example, b.example", maxdurationseconds="60")
        uid = (await api.create(5000, **{"Upload-Metadata": header.replace(",", " , ")})).headers["stream-media-id"]
        video = (await api.call("GET", f"/{uid}")).result
    assert video["requireSignedURLs"] is True
    assert video["allowedOrigins"] == ["a.example", "b.example"]
    assert video["maxDurationSeconds"] == 60


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "many"}, 400),
        ({"Upload-Length": ""}, 400),
        ({"Upload-Length": "1000000001"}, 413),
        ({"Upload-Length": "9" * 400}, 413),
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Creator": "x" * 65}, 400),
        ({"Upload-Metadata": "name not*base64"}, 400),
        ({"Upload-Metadata": "name /w=="}, 400),
        ({"Upload-Metadata": metadata(maxDurationSeconds="0")}, 400),
        ({"Upload-Metadata": metadata(maxDurationSeconds="36001")}, 400),
        ({"Upload-Metadata": metadata(maxDurationSeconds="ten")}, 400),
        ({"Upload-Metadata": metadata(thumbnailtimestamppct="1.5")}, 400),
        ({"Upload-Metadata": metadata(thumbnailtimestamppct="nan")}, 400),
        ({"Upload-Metadata": metadata(thumbnailtimestamppct="half")}, 400),
        ({"Upload-Metadata": metadata(expiry="tomorrow")}, 400),
        ({"Upload-Metadata": metadata(expiry="2020-01-01T00:00:00Z")}, 400),
        ({"Upload-Metadata": metadata(scheduleddeletion="2027-01-16T00:00:00Z")}, 400),
        ({"Upload-Metadata": metadata(scheduleddeletion="2037-01-16T00:00:00Z")}, 400),
        ({"Upload-Metadata": metadata(allowedorigins="[1]")}, 400),
        ({"Upload-Metadata": metadata(allowedorigins="[")}, 400),
        ({"Upload-Metadata": metadata(watermark="0" * 32)}, 404),
    ],
)
async def test_refused_creations(headers: dict[str, str], status: int) -> None:
    async with running(clock=FixedClock()) as api:
        answer = await api.create(5000, **headers)
        assert answer.status == status
        assert answer.codes
        assert (await api.call("GET")).result == []


async def test_the_version_is_told() -> None:
    async with running() as api:
        created = await api.create(5000)
        answer = await api.patch(created.headers["Location"], 0, b"x" * 5000, **{"Tus-Resumable": "2.0.0"})
        assert answer.status == 412
        assert answer.headers["Tus-Version"] == "1.0.0"


async def test_without_the_header_it_is_no_resumable_upload() -> None:
    async with running() as api:
        answer = await api.call("POST", headers={"Upload-Length": "5000"})
        assert (answer.status, answer.codes) == (400, [10005])


async def test_chunks_add_up() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        created = await api.create(5000)
        location = created.headers["Location"]
        head = await api.head(location)
        assert head.status == 200
        assert head.headers["Upload-Offset"] == "0"
        assert head.headers["Upload-Length"] == "5000"
        assert head.headers["Cache-Control"] == "no-store"
        assert head.headers["Tus-Resumable"] == "1.0.0"
        first = await api.patch(location, 0, b"a" * 2048)
        assert (first.status, first.headers["Upload-Offset"], first.body) == (204, "2048", b"")
        assert (await api.head(location)).headers["Upload-Offset"] == "2048"
        assert (await state(api, created.headers["stream-media-id"])) == "pendingupload"
        last = await api.patch(location, 2048, b"b" * 2952)
        assert (last.status, last.headers["Upload-Offset"]) == (204, "5000")
        assert (await state(api, created.headers["stream-media-id"])) == "queued"
        assert (await api.head(location)).headers["Upload-Offset"] == "5000"
        again = await api.patch(location, 5000, b"")
        assert (again.status, again.headers["Upload-Offset"]) == (204, "5000")


async def state(api: Api, uid: str) -> str:
    return str((await api.call("GET", f"/{uid}")).result["status"]["state"])


@pytest.mark.parametrize(
    ("size", "status"),
    [(512, 400), (1025, 400), (4096 + 256, 400), (0, 400), (1024, 204), (4096, 204), (5001, 413)],
)
async def test_chunk_rules(size: int, status: int) -> None:
    async with running(limits=evolve(SMALL, chunk_max=4096)) as api:
        location = (await api.create(5000)).headers["Location"]
        assert (await api.patch(location, 0, b"a" * size)).status == status
        kept = size if status == 204 else 0
        assert (await api.head(location)).headers["Upload-Offset"] == str(kept)


@pytest.mark.parametrize(("size", "status"), [(512, 400), (1024, 204), (5000, 204), (5001, 413)])
async def test_chunk_rules_without_a_length(size: int, status: int) -> None:
    async def body() -> AsyncGenerator[bytes]:
        for place in range(0, size, 100):
            yield b"a" * min(100, size - place)

    async with running() as api:
        location = (await api.create(5000)).headers["Location"]
        assert (await api.patch(location, 0, body())).status == status
        kept = size if status == 204 else 0
        assert (await api.head(location)).headers["Upload-Offset"] == str(kept)


async def test_last_chunk_may_be_small() -> None:
    async with running() as api:
        location = (await api.create(1025)).headers["Location"]
        assert (await api.patch(location, 0, b"a" * 1024)).status == 204
        assert (await api.patch(location, 1024, b"a")).headers["Upload-Offset"] == "1025"


async def test_refused_patches() -> None:
    async with running() as api:
        created = await api.create(5000)
        location = created.headers["Location"]
        assert (await api.patch(location, 1024, b"a" * 1024)).status == 409
        assert (await api.patch(location, 0, b"a" * 1024, **{"Content-Type": "video/mp4"})).status == 415
        assert (await api.patch(location, 0, b"a" * 1024, **{"Upload-Offset": "x"})).status == 400
        gone = location.replace(created.headers["stream-media-id"], "0" * 32)
        assert (await api.patch(gone, 0, b"a" * 1024)).status == 404
        assert (await api.head(gone)).status == 404
        override = {"X-HTTP-Method-Override": "PATCH", "Tus-Resumable": "1.0.0"}
        assert (await api.call("POST", location, headers=override)).status == 405
        assert (await api.call("HEAD", location, token="wrong", headers={"Tus-Resumable": "1.0.0"})).status == 401
        assert (await api.head(location)).headers["Upload-Offset"] == "0"


async def test_the_guarded_address_is_closed_to_web_pages() -> None:
    async with running() as api:
        location = (await api.create(5000)).headers["Location"]
        assert "Access-Control-Allow-Origin" not in (await api.head(location)).headers
        assert (await api.call("OPTIONS", location, token=None)).status == 401
        options = await api.call("OPTIONS", location)
        assert options.status == 204
        assert options.headers["Tus-Extension"] == "creation,expiration"
        assert "Access-Control-Allow-Methods" not in options.headers


async def test_direct_user_needs_no_credentials() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        created = await api.create(2048, query="?direct_user=true")
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        assert location == api.emulator.url(f"/tus/{uid}?tusv2=true")
        video = (await api.call("GET", f"/{uid}")).result
        assert video["uploaded"] is None
        assert video["maxDurationSeconds"] == 14400
        preflight = await api.call("OPTIONS", location, token=None, headers={"Origin": "https://example.com"})
        assert preflight.status == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "PATCH" in preflight.headers["Access-Control-Allow-Methods"]
        assert "Upload-Offset" in preflight.headers["Access-Control-Allow-Headers"]
        headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        answer = await api.call("PATCH", location, token=None, data=b"a" * 2048, headers=headers)
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
        assert (await api.call("GET", f"/{uid}")).result["uploaded"] is not None


async def test_each_address_serves_its_own_kind_only() -> None:
    async with running() as api:
        own, users = await api.create(2048), await api.create(2048, query="?direct_user=true")
        open_address = api.emulator.url(f"/tus/{own.headers['stream-media-id']}")
        guarded = own.headers["Location"].replace(own.headers["stream-media-id"], users.headers["stream-media-id"])
        assert (await api.head(open_address)).status == 404
        assert (await api.head(guarded)).status == 404
        assert (await api.create(2048, query="?direct_user=maybe")).status == 400


async def test_nothing_at_all_is_no_video() -> None:
    async with running() as api:
        created = await api.create(0)
        assert created.status == 201
        video = await api.until(created.headers["stream-media-id"], "error")
    assert video["status"]["errorReasonCode"] == "ERR_NON_VIDEO"


async def test_an_upload_expires() -> None:
    clock = FixedClock()
    async with running(clock=clock) as api:
        created = await api.create(5000)
        assert created.headers["Upload-Expires"] == "Sat, 16 Jan 2027 08:00:00 GMT"
        clock.now += 24 * 3600
        assert (await api.head(created.headers["Location"])).status == 404
        assert (await api.patch(created.headers["Location"], 0, b"a" * 5000)).status == 404


async def raw_patch(api: Api, location: str, declared: int, data: bytes, offset: int = 0) -> asyncio.StreamWriter:
    """Begin a PATCH and leave it unfinished."""
    parts = urlsplit(location)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"PATCH {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {api.emulator.api_token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {declared}\r\n\r\n".encode()
        + data
    )
    await writer.drain()
    return writer


async def offset_reaches(api: Api, uid: str, wanted: int) -> None:
    # HEAD would end the request that is being watched: the file tells.
    service = api.emulator._running
    async with asyncio.timeout(5):
        while service.library.source(uid).stat().st_size < wanted:  # noqa: ASYNC110  # a file tells nobody that it grew
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("ending", ["close", "abort"])
async def test_bytes_stay_when_the_client_is_lost(ending: str) -> None:
    data = bytes(range(256)) * 40
    async with running() as api:
        api.emulator.pause_encoding()
        created = await api.create(len(data))
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        writer = await raw_patch(api, location, len(data), data[:3000])
        await offset_reaches(api, uid, 3000)
        if ending == "close":
            writer.close()
        else:
            writer.transport.abort()
        head = await api.head(location)
        assert head.headers["Upload-Offset"] == "3000"
        assert (await api.patch(location, 3000, data[3000:])).status == 204
        assert api.emulator._running.library.source(uid).read_bytes() == data


async def test_a_dead_connection_does_not_hold_the_upload() -> None:
    data = bytes(range(256)) * 40
    async with running() as api:
        api.emulator.pause_encoding()
        created = await api.create(len(data))
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        dead = await raw_patch(api, location, len(data), data[:3000])
        await offset_reaches(api, uid, 3000)
        async with asyncio.timeout(5):
            assert (await api.patch(location, 3000, data[3000:])).status == 204
        # What the dead one still sends comes too late.
        dead.write(b"!" * 7240)
        assert api.emulator._running.library.source(uid).read_bytes() == data
        dead.close()


async def test_two_writers_never_mix() -> None:
    async with running() as api:
        api.emulator.pause_encoding()
        created = await api.create(200_000)
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        answers = await asyncio.gather(*(api.patch(location, 0, bytes([65 + n]) * 200_000) for n in range(4)))
        statuses = sorted(answer.status for answer in answers)
        offset = int((await api.head(location)).headers["Upload-Offset"])
        content = api.emulator._running.library.source(uid).read_bytes()
    assert set(statuses) <= {204, 409, 423}
    assert len(content) == offset
    if 204 in statuses:
        assert statuses.count(204) == 1
        assert offset == 200_000


async def test_deleting_ends_an_upload() -> None:
    async with running() as api:
        created = await api.create(10_000)
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        writer = await raw_patch(api, location, 10_000, b"a" * 3000)
        await offset_reaches(api, uid, 3000)
        folder = api.emulator._running.library.folder(uid)
        async with asyncio.timeout(5):
            assert (await api.call("DELETE", f"/{uid}")).status == 200
        assert not folder.exists()
        assert (await api.head(location)).status == 404
        writer.close()


async def test_closing_does_not_wait_for_an_unfinished_upload() -> None:
    async with running() as api:
        created = await api.create(10_000)
        writer = await raw_patch(api, created.headers["Location"], 10_000, b"a" * 3000)
        await offset_reaches(api, created.headers["stream-media-id"], 3000)
        start = asyncio.get_running_loop().time()
        await api.emulator.close()
        assert asyncio.get_running_loop().time() - start < 5
        writer.close()


async def test_a_lost_client_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as api:
        created = await api.create(10_000)
        location, uid = created.headers["Location"], created.headers["stream-media-id"]
        for offset, ending in ((0, "close"), (2000, "abort")):
            writer = await raw_patch(api, location, 10_000 - offset, b"a" * 2000, offset)
            await offset_reaches(api, uid, offset + 2000)
            if ending == "close":
                writer.close()
            else:
                writer.transport.abort()
            async with asyncio.timeout(5):
                while api.emulator._running.writers._writers:  # noqa: ASYNC110  # nothing tells that it has ended
                    await asyncio.sleep(0.005)
        assert (await api.head(location)).headers["Upload-Offset"] == "4000"
    assert caplog.records == []


async def test_a_silent_client_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SILENCE", 0.05)
    async with running() as api:
        created = await api.create(10_000)

        async def body() -> AsyncGenerator[bytes]:
            yield b"a" * 2000
            await asyncio.sleep(5)

        answer = await api.patch(created.headers["Location"], 0, body(), **{"Content-Length": "10000"})
        assert answer.status == 408
        assert (await api.head(created.headers["Location"])).headers["Upload-Offset"] == "2000"
