"""Captions beyond the file itself: lists, single ones, generated ones, and their end."""

import pytest
from emulator_kit import Api, clip, form, running

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
READY = {"language": "en", "label": "English", "generated": False, "status": "ready"}


async def made(api: Api) -> str:
    return (await api.create(2000)).headers["stream-media-id"]


async def test_list_get_delete() -> None:
    async with running() as api:
        uid = await made(api)
        assert (await api.call("GET", f"/{uid}/captions")).result == []
        await api.call("PUT", f"/{uid}/captions/en", data=form(VTT))
        await api.call("PUT", f"/{uid}/captions/tr", data=form(VTT))
        listed = (await api.call("GET", f"/{uid}/captions")).result
        assert [each["language"] for each in listed] == ["en", "tr"]
        assert (await api.call("GET", f"/{uid}/captions/en")).result == listed[0] == READY
        assert (await api.call("DELETE", f"/{uid}/captions/en")).result == ""
        assert [each["language"] for each in (await api.call("GET", f"/{uid}/captions")).result] == ["tr"]
        for verb, tail in (("GET", ""), ("DELETE", ""), ("GET", "/vtt")):
            answer = await api.call(verb, f"/{uid}/captions/en{tail}")
            assert (answer.status, answer.codes) == (404, [10003])
        assert not api.emulator._running.library.caption(uid, "en").exists()


async def test_nobody_here_can_listen_so_generated_captions_fail_without_inventing_text() -> None:
    async with running() as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        answer = (await api.call("POST", f"/{uid}/captions/en/generate")).result
        assert answer == {
            "language": "en",
            "label": "English (auto-generated)",
            "generated": True,
            "status": "inprogress",
        }
        ended = {**answer, "status": "error"}
        assert (await api.call("GET", f"/{uid}/captions/en")).result == ended
        assert (await api.call("GET", f"/{uid}/captions")).result == [ended]
        assert (await api.call("GET", f"/{uid}/captions/en/vtt")).status == 404
        page = await api.media(f"/{uid}/watch")
        assert b"<track" not in page.body

        again = await api.call("POST", f"/{uid}/captions/en/generate")
        assert (again.status, again.codes) == (400, [10005])
        await api.call("DELETE", f"/{uid}/captions/en")
        assert (await api.call("POST", f"/{uid}/captions/en/generate")).status == 200
        assert (await api.call("PUT", f"/{uid}/captions/en", data=form(VTT))).result == READY
        assert (await api.call("GET", f"/{uid}/captions/en/vtt")).body == VTT
        assert b"<track" in (await api.media(f"/{uid}/watch")).body


async def test_generated_captions_need_a_ready_video_and_a_language_that_is_known() -> None:
    async with running() as api:
        waiting = await made(api)
        early = await api.call("POST", f"/{waiting}/captions/en/generate")
        assert (early.status, early.codes) == (400, [10005])
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        for language in ("tr", "not_a_tag"):
            refused = await api.call("POST", f"/{uid}/captions/{language}/generate")
            assert (refused.status, refused.codes) == (400, [10005])
            assert refused.json["errors"][0]["message"].startswith("language: ")
        label = (await api.call("POST", f"/{uid}/captions/en-GB/generate")).result["label"]
        assert label == "British English (auto-generated)"


@pytest.mark.parametrize("language", ["tr", "%ff", "a" * 70])
async def test_captions_of_no_video_and_of_no_language(language: str) -> None:
    async with running() as api:
        uid = await made(api)
        assert (await api.call("GET", f"/{'0' * 32}/captions/{language}")).status == 404
        assert (await api.call("GET", f"/{uid}/captions/{language}")).status in (400, 404)
        assert (await api.call("GET", f"/{'0' * 32}/captions")).status == 404
