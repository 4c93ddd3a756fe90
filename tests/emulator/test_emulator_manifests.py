"""Manifests over HTTP: written anew for each request, with the captions and sound tracks that there are then."""

import asyncio
import io
import re
from collections.abc import AsyncGenerator
from typing import Any
from xml.etree import ElementTree as ET

import av
import pytest
import pytest_asyncio
from emulator_kit import Api, clip, form, running
from media_samples import pitch, samples_of, tone_file

from cfstream.emulator.media.playback import decode_hls

VTT = "\ufeffWEBVTT\r\n\r\n00:00.000 --> 00:01.000\r\nGrüße\r\n".encode()
DASH = "{urn:mpeg:dash:schema:mpd:2011}"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api() -> AsyncGenerator[Api]:
    async with running() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def uid(api: Api) -> str:
    uid = await api.upload(clip(2.0, 854, 480))
    await api.until(uid, "ready")
    return uid


async def master(api: Api, uid: str, query: str = "") -> str:
    return (await api.media(f"/{uid}/manifest/video.m3u8{query}")).body.decode()


async def dash(api: Api, uid: str, query: str = "") -> ET.Element:
    return ET.fromstring((await api.media(f"/{uid}/manifest/video.mpd{query}")).body)


async def add(api: Api, uid: str, label: str, frequency: int) -> str:
    sent = form(tone_file(frequency), "a.wav", "audio/wav", label=label)
    track = (await api.call("POST", f"/{uid}/audio", data=sent)).result["uid"]
    async with asyncio.timeout(30):
        while True:
            listed = (await api.call("GET", f"/{uid}/audio")).result["audio"]
            if all(each["status"] == "ready" for each in listed):
                return str(track)
            await asyncio.sleep(0.02)


async def test_captions_come_and_go_with_the_next_request(api: Api, uid: str) -> None:
    assert "SUBTITLES" not in await master(api, uid)
    await api.call("PUT", f"/{uid}/captions/de", data=form(VTT))
    text = await master(api, uid)
    assert 'TYPE=SUBTITLES,GROUP-ID="text",NAME="Deutsch"' in text
    assert 'URI="captions/de.m3u8"' in text
    playlist = await api.media(f"/{uid}/manifest/captions/de.m3u8", Origin="https://example.com")
    assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["Access-Control-Allow-Origin"] == "*"
    assert b"#EXTINF:2.0" in playlist.body
    assert b"\nde.vtt\n#EXT-X-ENDLIST\n" in playlist.body
    for path in (f"/{uid}/manifest/captions/de.vtt", f"/{uid}/captions/de.vtt"):
        assert (await api.media(path)).body == VTT
    assert (await api.call("GET", f"/{uid}/captions/de/vtt")).body == VTT
    (shown,) = (each for each in (await dash(api, uid)).iter(f"{DASH}AdaptationSet") if each.get("lang") == "de")
    assert next(shown.iter(f"{DASH}BaseURL")).text == "captions/de.vtt"
    url = api.emulator.url(f"/{uid}/manifest/video.m3u8")
    assert (await asyncio.to_thread(decode_hls, url)).frames == 60

    await api.call("PUT", f"/{uid}/captions/de", data=form(b"WEBVTT\n"))
    assert (await api.media(f"/{uid}/manifest/captions/de.vtt")).body == b"WEBVTT\n"
    await api.call("DELETE", f"/{uid}/captions/de")
    assert "SUBTITLES" not in await master(api, uid)
    for name in ("de.m3u8", "de.vtt", "fr.m3u8", "..%2fsource", "de.mp4"):
        assert (await api.media(f"/{uid}/manifest/captions/{name}")).status == 404


async def test_captions_that_could_not_be_made_are_not_named(api: Api, uid: str) -> None:
    api.emulator._running.library.store.put(
        "caption", "en", {"language": "en", "label": "English", "generated": True, "status": "error"}, parent=uid
    )
    assert "SUBTITLES" not in await master(api, uid)


def sound_tracks(url: str) -> int:
    with av.open(url) as container:
        return len(container.streams.audio)


def tracks_of(text: str) -> list[tuple[str, str, str]]:
    return re.findall(r'TYPE=AUDIO,GROUP-ID="audio",NAME="([^"]*)",DEFAULT=(YES|NO).*URI="([^"]*)"', text)


async def downloadable(api: Api, uid: str, kind: str) -> None:
    async with asyncio.timeout(30):
        while True:
            if (await api.call("GET", f"/{uid}/downloads")).result[kind]["status"] == "ready":
                return
            await asyncio.sleep(0.02)


async def test_sound_tracks_are_heard_chosen_and_deleted(api: Api, uid: str) -> None:
    track = await add(api, uid, "Commentary", 1000)
    listed = tracks_of(await master(api, uid))
    assert [each[:2] for each in listed] == [("Original", "YES"), ("Commentary", "NO")]
    address = api.emulator.url(f"/{uid}/manifest/")
    pitches = [pitch(await asyncio.to_thread(samples_of, f"{address}{uri}")) for _, _, uri in listed]
    assert pitches == [pytest.approx(440, rel=0.03), pytest.approx(1000, rel=0.03)]
    langs = [each.get("lang") for each in (await dash(api, uid)).iter(f"{DASH}AdaptationSet")]
    assert langs == [None, "original", "und"]

    async def files() -> list[float]:
        sent: list[Any] = [await api.media(f"/{uid}/player/video.mp4")]
        for kind, name in (("default", "default.mp4"), ("audio", "audio.m4a")):
            await api.call("POST", f"/{uid}/downloads/{kind}")
            await downloadable(api, uid, kind)
            sent.append(await api.media(f"/{uid}/downloads/{name}"))
            part = await api.media(f"/{uid}/downloads/{name}", Range="bytes=100-199")
            assert (part.status, part.body) == (206, sent[-1].body[100:200])
        return [pitch(samples_of(io.BytesIO(each.body))) for each in sent]

    assert await files() == [pytest.approx(440, rel=0.03)] * 3
    await api.call("PATCH", f"/{uid}/audio/{track}", json={"default": True, "label": "The other"})
    assert [each[:2] for each in tracks_of(await master(api, uid))] == [("Original", "NO"), ("The other", "YES")]
    assert await files() == [pytest.approx(1000, rel=0.03)] * 3

    await api.call("PATCH", f"/{uid}/audio/{track}", json={"default": False})
    assert (await api.call("DELETE", f"/{uid}/audio/{track}")).result == "ok"
    assert [each[:2] for each in tracks_of(await master(api, uid))] == [("Original", "YES")]
    assert (await api.media(f"/{uid}/manifest/{listed[1][2]}")).status == 404
    assert not api.emulator._running.library.audio_track(uid, track).exists()


async def test_a_track_that_came_too_early_is_ready_soon_after_the_video(api: Api) -> None:
    api.emulator.pause_encoding()
    uid = await api.upload(clip(1.0))
    track = (await api.call("POST", f"/{uid}/audio", data=form(tone_file(1000), "a.wav", label="a"))).result
    api.emulator.resume_encoding()
    assert track["status"] == "queued"
    await api.until(uid, "ready")
    await add(api, uid, "b", 2000)
    assert len(tracks_of(await master(api, uid))) == 3
    assert await asyncio.to_thread(sound_tracks, api.emulator.url(f"/{uid}/manifest/video.m3u8")) == 3


@pytest.mark.parametrize(
    ("hint", "kept"),
    [
        ("0.001", ["240"]),
        ("1000", ["480"]),
        ("", ["240", "480"]),
        ("fast", ["240", "480"]),
        ("nan", ["240", "480"]),
        ("inf", ["240", "480"]),
        ("-1", ["240", "480"]),
        ("0", ["240", "480"]),
    ],
)
async def test_a_hint_leaves_the_nearest_size(api: Api, hint: str, kept: list[str]) -> None:
    uid = await _wide(api)
    query = f"?clientBandwidthHint={hint}"
    assert re.findall(r"^(\d+)/stream.m3u8", await master(api, uid, query), re.MULTILINE) == kept
    videos = [
        each.get("id") for each in (await dash(api, uid, query)).iter(f"{DASH}Representation") if each.get("width")
    ]
    assert videos == kept


async def _wide(api: Api) -> str:
    """Any video with two sizes; one is enough."""
    for video in (await api.call("GET")).result:
        if video["input"]["width"] == 854 and video["status"]["state"] == "ready":
            return str(video["uid"])
    uid = await api.upload(clip(2.0, 854, 480))
    await api.until(uid, "ready")
    return uid
