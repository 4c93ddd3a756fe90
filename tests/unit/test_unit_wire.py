"""``_wire``: JSON to models and back."""

import copy
import json
import pickle
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit_kit import CREATED, UID, all_words, video

from cfstream import DecodeError, Secret, Video, _wire, from_dict, models, to_dict
from cfstream._wire import parse_json, rfc3339, wire_name
from cfstream.models import AccessRule, Token, TusUpload, UploadProgress

CANARY = "CANARY-9f8e7d6c5b4a-CANARY"


# --- what is wrong is named by its field, never by its value -----------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ({"created": CREATED}, "uid"),
        ({"uid": UID}, "created"),
        (video(size="CANARY"), "size"),
        (video(status={"state": 5}), "status.state"),
        (video(status=["CANARY"]), "status"),
        (video(input={"width": "CANARY"}), "input.width"),
        (video(watermark={"uid": UID, "created": "CANARY"}), "watermark.created"),
        (video(publicDetails={"media_id": "CANARY"}), "public_details.media_id"),
        (video(allowedOrigins="CANARY"), "allowed_origins"),
        (video(allowedOrigins=["ok", {"CANARY": 1}]), "allowed_origins"),
        (video(readyToStream="CANARY"), "ready_to_stream"),
        (video(readyToStream=1), "ready_to_stream"),
        (video(meta="CANARY"), "meta"),
        (video(duration=True), "duration"),
        (video(duration="nan"), "duration"),
        (video(size=1.5), "size"),
        (video(uploaded=1723646091), "uploaded"),
        (video(uploaded="CANARY"), "uploaded"),
        (video(creator=["CANARY"]), "creator"),
        ({"uid": 5, "created": CREATED}, "uid"),
    ],
)
def test_a_wrong_field_is_named_by_its_path_and_its_value_is_not_shown(answer: dict[str, Any], named: str) -> None:
    with pytest.raises(DecodeError, match=rf"Video: .*\$\.{named}\b") as caught:
        from_dict(Video, answer)
    assert "CANARY" not in all_words(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_number_that_is_none_is_refused_without_its_value() -> None:
    with pytest.raises(DecodeError, match=r"\$\.size") as caught:
        from_dict(Video, video(size=123456.75))
    assert "123456.75" not in all_words(caught.value)


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(DecodeError) as caught:
        from_dict(Video, {"status": {"state": 5}})
    for name in ("$.uid", "$.created", "$.status.state"):
        assert name in str(caught.value)


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_an_answer_that_is_no_object_is_refused(value: Any) -> None:
    with pytest.raises(DecodeError, match="Video: expected an object"):
        _wire.decode(Video, value)


def test_a_refused_answer_does_not_hang_on_the_error() -> None:
    with pytest.raises(DecodeError) as caught:
        from_dict(Token, {"token": [CANARY]})
    assert CANARY not in all_words(caught.value)


@pytest.mark.parametrize("field", ["duration", "size", "thumbnailTimestampPct"])
def test_numbers_beyond_all_bounds_are_refused(field: str) -> None:
    with pytest.raises(DecodeError):
        from_dict(Video, video(**{field: float("inf")}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
wire_names = [wire_name(field.name) for field in attrs.fields(Video)] + ["errReasonCode", "unheardOf"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(wire_names), json_values))
def test_whatever_comes_gives_a_model_that_goes_back_or_a_decode_error(answer: dict[str, Any]) -> None:
    try:
        made = from_dict(Video, {**video(), **answer})
    except DecodeError as error:
        assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the two good ends
        return
    hash(made)
    repr(made)
    to_dict(made)


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-08-14T14:34:51Z", datetime(2024, 8, 14, 14, 34, 51, tzinfo=UTC)),
        ("2024-08-14T14:35:39.11435Z", datetime(2024, 8, 14, 14, 35, 39, 114350, tzinfo=UTC)),
        ("2020-10-16T20:20:17.872170843Z", datetime(2020, 10, 16, 20, 20, 17, 872170, tzinfo=UTC)),
        ("2024-08-14T16:34:51+02:00", datetime(2024, 8, 14, 14, 34, 51, tzinfo=UTC)),
        ("2024-08-14T14:34:51", datetime(2024, 8, 14, 14, 34, 51, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_of_all_the_services_spellings_are_read_as_aware(text: str, moment: datetime) -> None:
    read = from_dict(Video, video(created=text)).created
    assert read == moment
    assert read.utcoffset() is not None


@pytest.mark.parametrize(("given", "read"), [("39.000000", 39.0), ("39", 39.0), (39, 39), (39.5, 39.5), ("", None)])
def test_progress_is_a_number_however_it_is_written(given: Any, read: float | None) -> None:
    if read is None:
        with pytest.raises(DecodeError, match=r"\$\.status\.pct_complete"):
            from_dict(Video, video(status={"pctComplete": given}))
    else:
        assert from_dict(Video, video(status={"pctComplete": given})).status.pct_complete == read


def test_whole_numbers_may_come_as_text_or_with_a_point() -> None:
    made = from_dict(Video, video(size="158008374", maxSizeBytes=5.0))
    assert (made.size, made.max_size_bytes) == (158008374, 5)
    assert type(made.max_size_bytes) is int


@pytest.mark.parametrize("unknown", [-1, -1.0, "-1", "-1.0", None])
def test_minus_one_is_none_however_it_is_written(unknown: Any) -> None:
    assert from_dict(Video, video(duration=unknown)).duration is None


@pytest.mark.parametrize("present", [{}, {"errorReasonCode": None}])
def test_the_older_spelling_counts_where_the_present_one_says_nothing(present: dict[str, Any]) -> None:
    made = from_dict(Video, video(status={**present, "errReasonCode": "ERR_NON_VIDEO"}))
    assert made.status.error_reason_code == "ERR_NON_VIDEO"
    assert made.status.extra == {}


def test_fields_beyond_the_known_keep_their_order_and_hide_from_repr() -> None:
    made = from_dict(Video, video(zebra=CANARY, apple={"deep": [CANARY]}))
    assert list(made.extra) == ["zebra", "apple"]
    assert CANARY not in repr(made)


def test_both_parsers_of_json_refuse_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orjson", None)
    standard = _wire._fastest_parser()
    monkeypatch.undo()
    fastest = _wire._fastest_parser()
    for parser in (standard, fastest):
        monkeypatch.setattr(_wire, "_loads", parser)
        assert parse_json(b'{"a": [1, null]}') == ({"a": [1, None]}, None)
        for bad in (b"", b"{", b'{"a": NaN}', b'{"a": Infinity}', b"<html>", b"9" * 5000, b"\xff\xfe{", b"[" * 200_000):
            value, problem = parse_json(bad)
            assert value is None
            assert problem in ("not JSON", "JSON nested too deeply")


# --- writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("python", "wire"),
    [
        ("require_signed_urls", "requireSignedURLs"),
        ("clipped_from_video_uid", "clippedFromVideoUID"),
        ("upload_url", "uploadURL"),
        ("web_rtc", "webRTC"),
        ("web_rtc_playback", "webRTCPlayback"),
        ("key_id", "key_id"),
        ("channel_link", "channel_link"),
        ("share_link", "share_link"),
        ("media_id", "media_id"),
        ("thumbnail_timestamp_pct", "thumbnailTimestampPct"),
        ("uid", "uid"),
    ],
)
def test_names_on_the_wire_are_camel_case_but_for_the_services_exceptions(python: str, wire: str) -> None:
    assert wire_name(python) == wire


def test_times_are_written_in_utc_with_a_z() -> None:
    berlin = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2024, 8, 14, 16, 34, 51, tzinfo=berlin)) == "2024-08-14T14:34:51Z"
    assert rfc3339(datetime(2024, 8, 14, 16, 34, 51, 5, tzinfo=UTC)) == "2024-08-14T16:34:51.000005Z"


SAMPLES: dict[str, Any] = {
    "AccessRule": AccessRule(type="ip.geoip.country", action="allow", country=("DE", "FR")),
    "Audio": models.Audio(uid=UID, label="Deutsch", default=True, status="ready"),
    "Caption": models.Caption(language="en", status="ready"),
    "Clip": from_dict(models.Clip, video(clippedFrom="b" * 32)),
    "DirectUpload": models.DirectUpload(uid=UID, upload_url=Secret(f"https://x/{CANARY}")),
    "Download": models.Download(status="ready", percent_complete=100.0, url="u"),
    "DownloadProgress": models.DownloadProgress(uid=UID, path="talk.mp4", bytes=1, total=None, rate=0.5, attempt=1),
    "Downloads": models.Downloads(default=models.Download(status="inprogress", percent_complete=1.5)),
    "LiveInput": models.LiveInput(
        uid=UID,
        created=datetime(2024, 1, 1, tzinfo=UTC),
        rtmps=models.Rtmps(url=Secret("rtmps://x"), stream_key=Secret(CANARY)),
        srt=models.Srt(url=Secret("srt://x"), stream_id="s", passphrase=Secret(CANARY)),
        web_rtc=models.WebRtc(url=Secret(f"https://x/{CANARY}")),
        status=models.LiveInputStatus(
            current=models.LiveInputConnection(state="connected"),
            history=(models.LiveInputConnection(state="disconnected", reason="client_disconnect"),),
        ),
    ),
    "LiveInputConnection": models.LiveInputConnection(state="connected", ingest_protocol="rtmp"),
    "LiveInputRecording": models.LiveInputRecording(mode="automatic", allowed_origins=("a.example",)),
    "LiveInputStatus": models.LiveInputStatus(current=models.LiveInputConnection(state="errored")),
    "LiveInputSummary": models.LiveInputSummary(uid=UID, created=datetime(2024, 1, 1, tzinfo=UTC), enabled=False),
    "Output": models.Output(uid=UID, url=Secret("rtmp://x"), stream_key=Secret(CANARY)),
    "Playback": models.Playback(hls="a", dash="b"),
    "PublicDetails": models.PublicDetails(title="t", media_id=4),
    "Rtmps": models.Rtmps(url=Secret("rtmps://x"), stream_key=Secret(CANARY)),
    "SigningKey": models.SigningKey(id=UID, pem=Secret(CANARY), jwk=Secret(CANARY)),
    "SigningKeySummary": models.SigningKeySummary(id=UID, key_id=UID),
    "Srt": models.Srt(url=Secret("srt://x"), passphrase=Secret(CANARY)),
    "StorageUsage": models.StorageUsage(total_storage_minutes=1.5, video_count=2),
    "Token": Token(token=Secret(CANARY)),
    "TusUpload": TusUpload(uid=UID, upload_url=Secret(f"https://x/{CANARY}")),
    "UploadProgress": UploadProgress(source="s", uid=UID, bytes=1, total=2, rate=0.5, attempt=1),
    "Video": from_dict(Video, video(meta={"name": "n"}, later={"a": None}, status={"state": "ready"})),
    "VideoInput": models.VideoInput(width=1, height=2),
    "VideoStatus": models.VideoStatus(state="ready", pct_complete=5.0),
    "Watermark": models.Watermark(uid=UID, opacity=0.5),
    "WebRtc": models.WebRtc(url=Secret(f"https://x/{CANARY}")),
    "Webhook": models.Webhook(notification_url="https://x.example", secret=Secret(CANARY)),
}
each_sample = pytest.mark.parametrize("made", SAMPLES.values(), ids=SAMPLES)


def test_there_is_a_sample_of_every_model() -> None:
    public = {name for name in models.__all__ if attrs.has(getattr(models, name))}
    assert public == set(SAMPLES)


@each_sample
def test_every_model_goes_to_json_and_back_with_its_secrets(made: Any) -> None:
    text = json.dumps(to_dict(made, secrets=True), allow_nan=False)
    assert from_dict(type(made), json.loads(text)) == made


@each_sample
def test_every_model_survives_pickle_and_copy(made: Any) -> None:
    for again in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert again == made
        assert type(again) is type(made)


@each_sample
def test_every_model_is_frozen_and_slotted(made: Any) -> None:
    name = attrs.fields(type(made))[0].name
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(made, name, "other")
    assert not hasattr(made, "__dict__")


def test_models_with_a_uid_hash_by_it_although_they_hold_dicts() -> None:
    one, other = from_dict(Video, video(meta={"a": 1})), from_dict(Video, video(meta={"b": 2}, size=5))
    assert one != other
    assert hash(one) == hash(other) == hash(UID)
    assert len({one, other, from_dict(Video, video())}) == 3
    mark = models.Watermark(uid=UID)
    assert hash(mark) == hash(UID)


def test_unknown_fields_are_part_of_equality() -> None:
    assert from_dict(Video, video(later=1)) != from_dict(Video, video(later=2))


@pytest.mark.parametrize(("meta", "name"), [({"name": "talk"}, "talk"), ({}, None), ({"name": 5}, None)])
def test_the_name_is_the_one_in_meta(meta: dict[str, Any], name: str | None) -> None:
    assert from_dict(Video, video(meta=meta)).name == name


def test_secrets_are_masked_in_dicts_unless_asked_for() -> None:
    made = SAMPLES["TusUpload"]
    assert CANARY not in repr(made)
    assert to_dict(made) == {"uid": UID, "uploadURL": "***NARY"}
    assert to_dict(made, secrets=True) == {"uid": UID, "uploadURL": f"https://x/{CANARY}"}


@pytest.mark.parametrize("thing", [{}, "text", None, Video])
def test_only_models_can_be_made_dicts(thing: Any) -> None:
    with pytest.raises(TypeError, match="to_dict takes a cfstream model"):
        to_dict(thing)
