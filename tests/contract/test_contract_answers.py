"""Answers as they really come, in their older and newer shapes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from contract_answers import (
    COPYING,
    DIRECT_UPLOAD,
    FAILED,
    INPUT_ROW,
    LIST_ROW,
    NEW_CLIP,
    NEW_INPUT,
    NEW_OUTPUT,
    OLD_CLIP,
    RECORDING,
    WEBHOOK,
)
from contract_facts_live import STATES, STATUS_WORDS

from cfstream import Video, from_dict, models, to_dict
from cfstream.models import Clip, Download, Downloads, LiveInput, LiveInputStatus, Output


def test_a_recording_of_a_broadcast() -> None:
    video = from_dict(Video, RECORDING)
    assert video.ready_to_stream_at == datetime(2024, 8, 14, 14, 35, 39, 114350, tzinfo=UTC)
    assert (video.duration, video.size) == (25, 0)
    nothing = (video.creator, video.upload_expiry, video.max_duration_seconds, video.watermark)
    assert nothing == (None,) * 4
    assert video.live_input == "ae" * 16
    assert video.status.pct_complete == 100.0
    assert video.public_details == models.PublicDetails(title="", share_link="", channel_link="", logo="")
    assert video.name == "14 Aug 24 14:34 UTC"
    assert video.extra == {}


def test_a_video_that_is_being_fetched() -> None:
    video = from_dict(Video, COPYING)
    assert video.created == datetime(2020, 10, 16, 20, 20, 17, 872170, tzinfo=UTC)
    assert video.status == models.VideoStatus(state="downloading")
    assert (video.duration, video.input.width, video.input.height, video.public_details) == (None,) * 4
    assert video.meta == {"downloaded-from": "https://example.com/a.mp4", "name": "a"}


def test_a_failed_encode_in_the_spelling_of_the_docs() -> None:
    video = from_dict(Video, FAILED)
    assert video.status.error_reason_code == "ERR_NON_VIDEO"
    assert video.status.error_reason_text == "not a valid video file"
    assert (video.status.step, video.status.pct_complete) == ("encoding", 39.0)
    assert video.public_details == models.PublicDetails()


def test_what_is_new_in_the_service_is_kept_and_never_fails() -> None:
    video = from_dict(Video, LIST_ROW)
    assert video.status.state == "archived-to-tape"
    assert video.status.extra == {"cold": True}
    assert video.input.extra == {"rotation": 90}
    assert video.extra == {"newFeature": {"enabled": True}, "extra": "a field of that very name"}
    assert (video.meta, video.allowed_origins, video.playback) == ({}, (), models.Playback())
    assert video.max_duration_seconds is None
    written = to_dict(video)
    assert written["newFeature"] == {"enabled": True}
    assert written["extra"] == "a field of that very name"
    assert from_dict(Video, written) == video


def test_a_clip_of_the_older_reference_has_no_uid_and_its_status_is_a_word() -> None:
    clip = from_dict(Clip, OLD_CLIP)
    assert (clip.uid, clip.status) == ("", models.VideoStatus(state="queued"))
    assert (clip.clipped_from_video_uid, clip.start_time_seconds, clip.end_time_seconds) == ("b1" * 16, 5, 65)
    assert clip.watermark == models.Watermark(uid="5d" * 16)
    assert clip.max_duration_seconds is None
    assert clip.extra == {}
    assert from_dict(Clip, to_dict(clip)) == clip


def test_a_clip_as_it_comes_today_is_a_video() -> None:
    clip = from_dict(Clip, NEW_CLIP)
    assert isinstance(clip, Video)
    assert (clip.uid, clip.clipped_from, clip.status.state) == ("e4" * 16, "b1" * 16, "queued")
    assert (clip.duration, clip.uploaded, clip.start_time_seconds, clip.end_time_seconds) == (None,) * 4
    assert clip.extra == {}


def test_downloads_come_keyed_by_type_or_in_older_answers_as_the_default_one_alone() -> None:
    flat = {"status": "inprogress", "url": "https://example.com/default.mp4", "percentComplete": 0}
    one = Download(status="inprogress", url="https://example.com/default.mp4", percent_complete=0)
    assert from_dict(Downloads, flat) == from_dict(Downloads, {"default": flat}) == Downloads(default=one)
    assert from_dict(Downloads, {"audio": flat}) == Downloads(audio=one)
    assert from_dict(Downloads, {"default": flat, "audio": flat}) == Downloads(default=one, audio=one)


def test_no_downloads_and_an_unheard_of_type_are_no_failure() -> None:
    assert from_dict(Downloads, {}) == from_dict(Downloads, {"default": None, "audio": None}) == Downloads()
    assert from_dict(Downloads, {"hologram": {"status": "ready"}}).extra == {"hologram": {"status": "ready"}}


def test_a_live_input_just_made() -> None:
    made = from_dict(LiveInput, NEW_INPUT)
    assert (made.status, made.default_creator, made.delete_recording_after_days, made.keys_rotated_at) == (None,) * 4
    assert made.recording == models.LiveInputRecording(mode="automatic")
    assert (made.enabled, made.prefer_low_latency, made.playback) == (True, False, models.Playback())
    assert made.rtmps == models.Rtmps(
        url=models.Secret("rtmps://live.cloudflare.com:443/live/"), stream_key=models.Secret("1ac2")
    )
    assert made.srt_playback is not None
    assert (made.srt_playback.stream_id, made.srt_playback.passphrase) == ("playc2", "5ec2")
    assert made.extra == {}


def test_a_live_input_without_keys_is_no_failure() -> None:
    made = from_dict(LiveInput, INPUT_ROW)
    paths = (made.rtmps, made.rtmps_playback, made.srt, made.srt_playback, made.web_rtc, made.web_rtc_playback)
    assert paths == (None,) * 6


def test_a_live_input_of_a_list_is_short() -> None:
    row = from_dict(models.LiveInputSummary, INPUT_ROW)
    assert (row.name, row.enabled, row.delete_recording_after_days, row.extra) == ("studio", True, None, {})


def status_of(value: Any) -> LiveInputStatus | None:
    return from_dict(LiveInput, {**NEW_INPUT, "status": value}).status


def test_a_live_status_is_an_object_with_a_history() -> None:
    entered = "2024-05-14T11:00:35.414Z"
    status = status_of(
        {
            "current": {"ingestProtocol": "rtmp", "reason": "client_disconnect", "state": "disconnected"},
            "history": [{"reason": "connected", "state": "connected", "statusEnteredAt": entered}],
        }
    )
    assert status is not None
    assert (status.current.state, status.current.reason) == ("disconnected", "client_disconnect")
    assert [one.status_entered_at for one in status.history] == [datetime.fromisoformat(entered)]


@pytest.mark.parametrize("word", STATUS_WORDS)
def test_a_live_status_of_one_word_is_a_reason_with_the_state_it_means(word: str) -> None:
    status = status_of(word)
    assert status is not None
    assert status.current.reason == word
    assert status.current.state in STATES
    assert status.history == ()
    live = word in ("connected", "reconnected", "new_configuration_accepted")
    assert (status.current.state == "connected") == live


def test_a_live_status_of_an_unheard_of_word_or_of_nothing_is_no_failure() -> None:
    status = status_of("teleported")
    assert status is not None
    assert status.current.reason == "teleported"
    assert status_of(None) is None
    assert status_of({}) == LiveInputStatus()
    assert status_of({"current": None, "history": None}) == LiveInputStatus()
    again = status_of({"current": {"state": "on-the-moon", "reason": None}, "since": 7})
    assert again is not None
    assert (again.current.state, again.current.reason, again.extra) == ("on-the-moon", None, {"since": 7})


def test_an_output_just_made() -> None:
    made = from_dict(Output, NEW_OUTPUT)
    assert (made.status, made.enabled) == (None, True)
    assert from_dict(Output, {**NEW_OUTPUT, "status": "connected"}).status == status_of("connected")


def test_a_webhook_has_its_address_under_one_spelling_or_both() -> None:
    both = from_dict(models.Webhook, WEBHOOK)
    assert both.extra == {}
    for missing in ("notificationUrl", "notification_url"):
        one = {name: value for name, value in WEBHOOK.items() if name != missing}
        assert from_dict(models.Webhook, one) == both


def test_a_direct_upload_without_anything_more() -> None:
    made = from_dict(models.DirectUpload, DIRECT_UPLOAD)
    assert (made.upload_url, made.watermark, made.scheduled_deletion) == (DIRECT_UPLOAD["uploadURL"], None, None)


@pytest.mark.parametrize(("text", "number"), [("39.000000", 39.0), ("39", 39.0), ("100.000000", 100.0), (39, 39.0)])
def test_progress_comes_as_text(text: Any, number: float) -> None:
    assert from_dict(models.VideoStatus, {"pctComplete": text}).pct_complete == number


def test_a_signing_key_of_nine_fraction_digits() -> None:
    row = from_dict(models.SigningKeySummary, {"id": "a7", "created": "2024-08-22T15:06:42.863713281Z"})
    assert row.created == datetime(2024, 8, 22, 15, 6, 42, 863713, tzinfo=UTC)
