"""Cloudflare's own Python SDK drives captions, audio tracks, downloads and watermarks; cfstream reads them alike."""

from pathlib import Path
from typing import Any

import pytest
from cloudflare import BadRequestError as SdkBadRequestError
from emulator_kit import png
from outsiders_sdk_kit import DIFFERENCES, Both, until, web_folder

from cfstream import NotFoundError
from cfstream.models import Downloads

TEXT = "WEBVTT\n\n00:00.000 --> 00:01.000\nGrüße, 世界\n"


@pytest.fixture
async def ready(both: Both) -> str:
    uid = (await both.ours.upload(both.film)).uid
    await both.ours.wait_until_ready(uid, timeout=30)
    return uid


async def test_every_media_call_with_every_keyword(both: Both, ready: str, tmp_path: Path) -> None:
    await _captioned(both, ready)
    await _downloaded(both, ready)
    (tmp_path / "logo.png").write_bytes(png(3, 2))
    (tmp_path / "sound.mp4").write_bytes(both.film.read_bytes())
    async with web_folder(tmp_path) as folder:
        await _sounding(both, ready, f"{folder}/sound.mp4")
        await _marked(both, f"{folder}/logo.png")
    assert both.left_out("media") == {}
    assert both.met == set(DIFFERENCES["media"])


async def _captioned(both: Both, uid: str) -> None:
    captions: dict[str, Any] = {"account_id": both.account, "identifier": uid}
    language = both.theirs.captions.language
    put = await language.update("de", file=TEXT, **captions)
    ours = await both.ours.captions.language.get("de", identifier=uid)
    both.alike(ours, put)
    both.alike(ours, await language.get("de", **captions))
    assert (ours.label, ours.generated, ours.status) == ("Deutsch", False, "ready")
    assert await language.vtt.get("de", **captions) == await both.ours.captions.language.vtt.get("de", identifier=uid)
    assert await language.vtt.get("de", **captions) == TEXT
    generated = await language.create("en", **captions)
    assert generated is not None
    assert (generated.generated, generated.status) == (True, "inprogress")
    ours_listed = [each async for each in both.ours.captions.get(uid)]
    listed = [each async for each in both.theirs.captions.get(uid, account_id=both.account)]
    assert [each.language for each in listed] == ["de", "en"]
    for pair in zip(ours_listed, listed, strict=True):
        both.alike(*pair)
    assert await language.delete("de", **captions) == ""
    with pytest.raises(NotFoundError):
        await both.ours.captions.language.get("de", identifier=uid)


async def test_captions_that_the_sdk_is_made_to_send_otherwise_than_as_a_form_are_no_form(both: Both) -> None:
    """The SDK sends its text as a field without a file name, which is a form; with another type it sends JSON."""
    uid = (await both.ours.create(upload_length=1, direct_user=True)).uid
    with pytest.raises(SdkBadRequestError) as caught:
        await both.theirs.captions.language.update(
            "de", account_id=both.account, identifier=uid, file=TEXT, extra_headers={"Content-Type": "text/vtt"}
        )
    assert [error.code for error in caught.value.errors] == [10004]


async def test_a_path_that_the_sdk_sends_as_captions_is_refused(both: Both) -> None:
    uid = (await both.ours.create(upload_length=1, direct_user=True)).uid
    with pytest.raises(SdkBadRequestError) as caught:
        await both.theirs.captions.language.update(
            "de", account_id=both.account, identifier=uid, file="captions/de.vtt"
        )
    assert [error.code for error in caught.value.errors] == [10005]


async def _downloaded(both: Both, uid: str) -> None:
    created = await both.theirs.downloads.create(uid, account_id=both.account)
    assert created is not None
    assert created.default is not None
    assert created.default.url == both.emulator.url(f"/{uid}/downloads/default.mp4")
    await both.ours.downloads.create_type("audio", identifier=uid)
    ours = await until(lambda: both.ours.downloads.get(uid), _made)
    theirs = await both.theirs.downloads.get(uid, account_id=both.account)
    both.alike(ours, theirs)
    both.alike(ours, await both.theirs.downloads.create(uid, account_id=both.account))
    assert ours.audio is not None
    assert ours.audio.percent_complete == 100
    assert await both.theirs.downloads.delete(uid, account_id=both.account) == "ok"
    ours = await both.ours.downloads.get(uid)
    both.alike(ours, await both.theirs.downloads.get(uid, account_id=both.account))
    assert ours.default is None


def _made(downloads: Downloads) -> bool:
    return all(each is not None and each.status != "inprogress" for each in (downloads.default, downloads.audio))


async def _sounding(both: Both, uid: str, address: str) -> None:
    tracks, account = both.theirs.audio_tracks, both.account
    added = await tracks.copy(uid, account_id=account, label="English", url=address)
    assert added is not None
    assert added.uid is not None
    assert (added.label, added.default, added.status) == ("English", False, "queued")
    edited = await tracks.edit(added.uid, account_id=account, identifier=uid, label="Deutsch", default=True)
    assert edited is not None
    assert (edited.label, edited.default) == ("Deutsch", True)
    other = await both.ours.audio_tracks.copy(uid, label="English", url=address)
    page = await until(both.ours.audio_tracks.get(uid).page, lambda page: all(t.status != "queued" for t in page.items))
    theirs = await tracks.get(uid, account_id=account)
    assert theirs is not None
    assert theirs.audio is not None
    assert [each.uid for each in theirs.audio] == [added.uid, other.uid]
    for pair in zip(page.items, theirs.audio, strict=True):
        both.alike(*pair)
    assert [each.status for each in page.items] == ["ready", "ready"]
    assert await tracks.delete(other.uid, account_id=account, identifier=uid) == "ok"
    assert [each.uid async for each in both.ours.audio_tracks.get(uid)] == [added.uid]


async def _marked(both: Both, address: str) -> None:
    """The SDK knows no image of one's own, only the address of one."""
    look: dict[str, Any] = {"name": "logo", "opacity": 0.5, "padding": 0.1, "position": "center", "scale": 0.25}
    made = await both.theirs.watermarks.create(account_id=both.account, url=address, **look)
    assert made is not None
    assert made.uid is not None
    assert {name: getattr(made, name) for name in look} == look
    assert (made.width, made.height, made.downloaded_from) == (3, 2, address)
    ours = await both.ours.watermarks.get(made.uid)
    both.alike(ours, made)
    both.alike(ours, await both.theirs.watermarks.get(made.uid, account_id=both.account))
    (listed,) = [each async for each in both.theirs.watermarks.list(account_id=both.account)]
    both.alike(ours, listed)
    assert await both.theirs.watermarks.delete(made.uid, account_id=both.account) == ""
    assert (await both.ours.watermarks.list()).items == []
