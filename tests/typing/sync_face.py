"""What type checkers make of the blocking face; nothing here is run."""

from asyncio import StreamReader
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, assert_never, assert_type

from cfstream import (
    CopyJob,
    Deleted,
    DeleteFailed,
    Edited,
    EditFailed,
    FailedEntry,
    Hooks,
    Page,
    RangeSource,
    RateLimit,
    RawResponse,
    Ready,
    RetryPolicy,
    StreamError,
    Uploaded,
    UploadFailed,
    UploadJob,
    UploadJournal,
    UploadProgress,
    UploadReport,
    Video,
    WaitFailed,
)
from cfstream.models import (
    AccessRule,
    Audio,
    Caption,
    Clip,
    DirectUpload,
    DownloadProgress,
    Downloads,
    LiveInput,
    LiveInputSummary,
    LiveInputUpdateParams,
    Output,
    SigningKey,
    SigningKeySummary,
    StorageUsage,
    StreamEditParams,
    StreamListParams,
    Token,
    TusUpload,
    Watermark,
    Webhook,
)
from cfstream.sync import Bulk, Pager, Stream, Uploads

NOW = datetime.now(UTC)


def gives_nothing(call: Callable[..., None]) -> None:
    """mypy takes no value of a call that gives none, so that it is asked of the method itself."""


def make() -> None:
    assert_type(Stream(), Stream)
    assert_type(Stream("token", "account", timeout=None, retry=RetryPolicy(attempts=2), rate_limit=None), Stream)
    stream = Stream(api_key="k", api_email="e", base_url="http://127.0.0.1:1", hooks=Hooks(on_request=print))
    assert_type(stream.with_options(account_id="b", timeout=None, retry=RetryPolicy.none(), hooks=None), Stream)
    Stream("t", "a", rate_limit=RateLimit(requests=600, per=300, share=0.5))


def life(stream: Stream) -> None:
    with Stream() as entered:
        assert_type(entered, Stream)
    stream.close()
    assert_type(stream.request("GET", "/user", query={"a": "b"}, json=[1], data=None), RawResponse)


def videos(stream: Stream, params: StreamListParams, changes: StreamEditParams) -> None:
    assert_type(stream.list(), Pager[Video])
    assert_type(stream.list(creator="a", status="ready", start=NOW, limit=5), Pager[Video])
    assert_type(stream.list(**params), Pager[Video])
    for video in stream.list():
        assert_type(video, Video)
    page = stream.list().page()
    assert_type(page, Page[Video])
    assert_type(page.items, Sequence[Video])
    assert_type(stream.list(limit=50).pages(), Iterator[Page[Video]])
    assert_type(list(stream.list()), list[Video])

    assert_type(stream.get("uid"), Video)
    assert_type(stream.get(identifier="uid"), Video)
    assert_type(stream.create(upload_length=5, upload_metadata={"name": "n", "flag": None}), TusUpload)
    assert_type(stream.edit("uid", **changes), Video)
    assert_type(stream.edit("uid", meta={"name": "n"}, scheduled_deletion=None), Video)
    stream.delete("uid")
    gives_nothing(stream.delete)


def attached(stream: Stream, file: BinaryIO) -> None:
    assert_type(stream.audio_tracks.get("uid"), Pager[Audio])
    assert_type(stream.audio_tracks.copy("uid", label="l", url="https://a.example"), Audio)
    assert_type(stream.audio_tracks.upload("uid", label="l", file=Path("a.m4a")), Audio)
    assert_type(stream.audio_tracks.upload("uid", label="l", file=file), Audio)
    assert_type(stream.audio_tracks.edit("track", identifier="uid", label="l", default=True), Audio)
    stream.audio_tracks.delete("track", identifier="uid")
    gives_nothing(stream.audio_tracks.delete)
    assert_type(stream.captions.get("uid"), Pager[Caption])
    assert_type(stream.captions.language.get("en", identifier="uid"), Caption)
    assert_type(stream.captions.language.create("en", identifier="uid"), Caption)
    assert_type(stream.captions.language.update("en", identifier="uid", file=Path("a.vtt")), Caption)
    assert_type(stream.captions.language.update("en", identifier="uid", file="WEBVTT\n"), Caption)
    assert_type(stream.captions.language.update("en", identifier="uid", file=file), Caption)
    stream.captions.language.delete("en", identifier="uid")
    gives_nothing(stream.captions.language.delete)
    assert_type(stream.captions.language.vtt.get("en", identifier="uid"), str)
    assert_type(stream.downloads.get("uid"), Downloads)
    assert_type(stream.downloads.create("uid"), Downloads)
    stream.downloads.delete("uid")
    gives_nothing(stream.downloads.delete)
    assert_type(stream.downloads.create_type("audio", identifier="uid"), Downloads)
    stream.downloads.delete_type("default", identifier="uid")
    gives_nothing(stream.downloads.delete_type)
    assert_type(stream.embed.get("uid"), str)
    assert_type(stream.watermarks.list(), Pager[Watermark])
    assert_type(stream.watermarks.get("uid"), Watermark)
    assert_type(stream.watermarks.create(file=b"", name="n", position="center", scale=1), Watermark)
    assert_type(stream.watermarks.create(url="https://a.example", opacity=0.5), Watermark)
    stream.watermarks.delete("uid")
    gives_nothing(stream.watermarks.delete)


def made(stream: Stream) -> None:
    assert_type(
        stream.clip.create(clipped_from_video_uid="uid", start_time_seconds=0, end_time_seconds=5, name="n"), Clip
    )
    assert_type(stream.copy.create(input="https://a.example", watermark={"uid": "w"}, upload_creator="a"), Video)
    assert_type(stream.direct_upload.create(max_duration_seconds=60, expiry=NOW, meta={"name": "n"}), DirectUpload)


def live(stream: Stream, settings: LiveInputUpdateParams) -> None:
    assert_type(stream.live_inputs.list(include_counts=True), Pager[LiveInputSummary])
    assert_type(stream.live_inputs.get("uid"), LiveInput)
    assert_type(stream.live_inputs.create(), LiveInput)
    assert_type(stream.live_inputs.create(idempotency_key="k", recording={"mode": "automatic"}), LiveInput)
    assert_type(stream.live_inputs.update("uid", **settings), LiveInput)
    assert_type(stream.live_inputs.update("uid", delete_recording_after_days=None, enabled=False), LiveInput)
    stream.live_inputs.delete("uid")
    gives_nothing(stream.live_inputs.delete)
    assert_type(stream.live_inputs.enable("uid"), LiveInput)
    assert_type(stream.live_inputs.disable("uid"), LiveInput)
    assert_type(stream.live_inputs.rotate_keys("uid"), LiveInput)
    assert_type(stream.live_inputs.videos("uid"), Pager[Video])
    assert_type(stream.live_inputs.outputs.list("uid"), Pager[Output])
    assert_type(stream.live_inputs.outputs.create("uid", url="rtmps://a", stream_key="k", enabled=True), Output)
    assert_type(stream.live_inputs.outputs.update("out", live_input_identifier="uid", enabled=False), Output)
    stream.live_inputs.outputs.delete("out", live_input_identifier="uid")
    gives_nothing(stream.live_inputs.outputs.delete)


def access(stream: Stream) -> None:
    assert_type(stream.keys.get(), Pager[SigningKeySummary])
    assert_type(stream.keys.create(), SigningKey)
    stream.keys.delete("id")
    gives_nothing(stream.keys.delete)
    assert_type(stream.token.create("uid"), Token)
    assert_type(
        stream.token.create("uid", exp=5, access_rules=[AccessRule("any", "block")], flags={"original": True}),
        Token,
    )
    assert_type(stream.webhooks.get(), Webhook)
    assert_type(stream.webhooks.update(notification_url="https://a.example"), Webhook)
    stream.webhooks.delete()
    gives_nothing(stream.webhooks.delete)
    assert_type(stream.videos.storage_usage(), StorageUsage)
    assert_type(stream.videos.storage_usage(creator="a"), StorageUsage)


def many(stream: Stream, changes: Iterable[tuple[str, StreamEditParams]]) -> None:
    assert_type(stream.edit_many(changes), Bulk[Edited | EditFailed])
    assert_type(stream.edit_many([("uid", {"creator": "a"})], concurrency=2), Bulk[Edited | EditFailed])
    for edited in stream.edit_many(changes):
        assert_type(edited, Edited | EditFailed)
        if edited.error is None:
            assert_type(edited, Edited)
            assert_type(edited.video, Video)
        else:
            assert_type(edited, EditFailed)
            assert_type(edited.error, StreamError)
    assert_type(stream.delete_many(video.uid for video in stream.list()), Bulk[Deleted | DeleteFailed])
    with stream.delete_many(["uid"], concurrency=2) as outcomes:
        assert_type(outcomes, Bulk[Deleted | DeleteFailed])
        for deleted in outcomes:
            match deleted:
                case Deleted(uid=uid):
                    assert_type(deleted, Deleted)
                    assert_type(uid, str)
                case DeleteFailed(error=error):
                    assert_type(deleted, DeleteFailed)
                    assert_type(error, StreamError)
                case _:
                    assert_never(deleted)
    with stream.wait_many(["uid"], until="playable", timeout=None) as waited:
        assert_type(waited, Bulk[Ready | WaitFailed])
        for there in waited:
            match there:
                case Ready(uid=uid, video=video):
                    assert_type(there, Ready)
                    assert_type(video, Video)
                case WaitFailed(error=error):
                    assert_type(there, WaitFailed)
                    assert_type(error, StreamError)
                case _:
                    assert_never(there)


def uploading(
    stream: Stream, file: BinaryIO, pieces: AsyncIterator[bytes], body: StreamReader, ranges: RangeSource
) -> None:
    def progress(event: UploadProgress) -> None:
        assert_type(event.bytes, int)

    assert_type(stream.upload("a.mp4"), Video)
    assert_type(stream.upload("a.mp4", resume=True), Video)
    assert_type(stream.upload(Path("a.mp4"), resume="uploads.db"), Video)
    assert_type(stream.upload(pieces, length=5), Video)
    assert_type(stream.upload(body), Video)
    assert_type(stream.upload(ranges), Video)
    assert_type(stream.upload(Path("a.mp4"), name="n", meta={"k": "v"}, expiry=NOW, chunk_size=5), Video)
    assert_type(stream.upload(file, on_progress=progress, require_signed_urls=True), Video)
    assert_type(stream.wait_until_ready("uid"), Video)
    assert_type(
        stream.wait_until_ready("uid", until="playable", timeout=None, on_state=lambda video: video.name), Video
    )


def many_uploads(stream: Stream, files: Iterable[Path], journal: UploadJournal) -> None:
    assert_type(stream.upload_many(files, journal=journal, concurrency=2, max_failures=None, creator="a"), Uploads)
    with stream.upload_many([UploadJob("a.mp4", name="n", length=5), CopyJob("https://a.example")]) as uploads:
        assert_type(uploads, Uploads)
        for outcome in uploads:
            assert_type(outcome, Uploaded | UploadFailed)
            assert_type(outcome.source, Any)
            match outcome:
                case Uploaded(uid=uid, video=video, from_journal=known):
                    assert_type(outcome, Uploaded)
                    assert_type(uid, str)
                    assert_type(video, Video | None)
                    assert_type(known, bool)
                case UploadFailed(error=error):
                    assert_type(outcome, UploadFailed)
                    assert_type(error, StreamError)
                case _:
                    assert_never(outcome)
    report = stream.upload_many(["a.mp4", b"", Path("b.mp4")], journal="uploads.db", on_progress=print).run()
    assert_type(report, UploadReport)
    assert_type(journal.report(), UploadReport)
    assert_type((report.done, report.pending, report.bytes), tuple[int, int, int])
    assert_type(report.failed, tuple[FailedEntry, ...])
    assert_type(report.failed[0].reason, str)


def saving(stream: Stream) -> None:
    def progress(event: DownloadProgress) -> None:
        assert_type(event.total, int | None)

    assert_type(stream.downloads.save("uid", "a.mp4"), Path)
    assert_type(stream.downloads.save("uid", Path(), download_type="audio", overwrite=True), Path)
    assert_type(stream.downloads.save("uid", ".", token="t", on_progress=progress), Path)
    assert_type(stream.captions.language.vtt.save("en", "a.vtt", identifier="uid", overwrite=True), Path)
