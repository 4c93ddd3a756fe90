"""What type checkers make of the asyncio face; nothing here is run."""

from asyncio import StreamReader
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, assert_never, assert_type

from cfstream import (
    AmbiguousResultError,
    Bulk,
    CopyJob,
    Deleted,
    DeleteFailed,
    Edited,
    EditFailed,
    FailedEntry,
    Hooks,
    Page,
    Pager,
    RangeSource,
    RateLimit,
    RateLimitError,
    RawResponse,
    Ready,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    RetryPolicy,
    Secret,
    Stream,
    StreamError,
    TransportError,
    Uploaded,
    UploadError,
    UploadFailed,
    UploadJob,
    UploadJournal,
    UploadProgress,
    UploadReport,
    Uploads,
    Video,
    WaitFailed,
    from_dict,
    to_dict,
)
from cfstream.errors import CODES, ErrorCode
from cfstream.models import (
    AccessRule,
    Audio,
    Caption,
    Clip,
    DirectUpload,
    Download,
    DownloadProgress,
    Downloads,
    LiveInput,
    LiveInputConnection,
    LiveInputRecording,
    LiveInputStatus,
    LiveInputSummary,
    LiveInputUpdateParams,
    Output,
    Playback,
    PublicDetails,
    Rtmps,
    SigningKey,
    SigningKeySummary,
    Srt,
    StorageUsage,
    StreamEditParams,
    StreamListParams,
    Token,
    TusUpload,
    VideoInput,
    VideoStatus,
    Watermark,
    Webhook,
    WebRtc,
)

NOW = datetime.now(UTC)


def make() -> None:
    assert_type(Stream(), Stream)
    assert_type(Stream("token", "account"), Stream)
    stream = Stream(
        api_key="k",
        api_email="e",
        base_url="http://127.0.0.1:1",
        timeout=None,
        retry=RetryPolicy(attempts=2, base=0.1),
        rate_limit=None,
        hooks=Hooks(on_request=print, on_response=lambda event: event.status, on_retry=None),
    )
    assert_type(stream.with_options(account_id="b", timeout=None, retry=RetryPolicy.none(), hooks=None), Stream)
    Stream("t", "a", rate_limit=RateLimit(requests=600, per=300, share=0.5))


async def life(stream: Stream) -> None:
    async with Stream() as entered:
        assert_type(entered, Stream)
    assert_type(await stream.close(), None)
    answer = await stream.request("GET", "/user", query={"a": "b"}, json=[1], data=None)
    assert_type(answer, RawResponse)
    assert_type(answer.status, int)
    assert_type(answer.headers, Mapping[str, str])
    assert_type(answer.body, bytes)


async def videos(stream: Stream, params: StreamListParams, changes: StreamEditParams) -> None:
    assert_type(stream.list(), Pager[Video])
    assert_type(
        stream.list(creator="a", status="ready", start=NOW, asc=True, limit=5, include_counts=True), Pager[Video]
    )
    assert_type(stream.list(**params), Pager[Video])
    async for video in stream.list():
        assert_type(video, Video)
    page = await stream.list()
    assert_type(page, Page[Video])
    assert_type(await stream.list().page(), Page[Video])
    assert_type(page.items, Sequence[Video])
    assert_type(page.total, int | None)
    assert_type(page.range, int | None)
    async for one in stream.list(limit=50).pages():
        assert_type(one, Page[Video])

    assert_type(await stream.get("uid"), Video)
    assert_type(await stream.get(identifier="uid"), Video)
    assert_type(await stream.create(upload_length=5, upload_metadata={"name": "n", "flag": None}), TusUpload)
    assert_type(await stream.create(upload_length=5, direct_user=True, upload_metadata="name bg=="), TusUpload)
    assert_type(await stream.edit("uid"), Video)
    assert_type(await stream.edit("uid", **changes), Video)
    assert_type(
        await stream.edit(
            "uid",
            allowed_origins=("a.example",),
            meta={"name": "n", "n": 5},
            public_details={"title": None, "logo": "x"},
            scheduled_deletion=None,
            thumbnail_timestamp_pct=0,
        ),
        Video,
    )
    assert_type(await stream.delete("uid"), None)


async def attached(stream: Stream, file: BinaryIO) -> None:
    assert_type(stream.audio_tracks.get("uid"), Pager[Audio])
    assert_type(await stream.audio_tracks.copy("uid", label="l", url="https://a.example"), Audio)
    assert_type(await stream.audio_tracks.upload("uid", label="l", file=Path("a.m4a")), Audio)
    assert_type(await stream.audio_tracks.upload("uid", label="l", file=file), Audio)
    assert_type(await stream.audio_tracks.edit("track", identifier="uid", label="l", default=True), Audio)
    assert_type(await stream.audio_tracks.delete("track", identifier="uid"), None)
    assert_type(stream.captions.get("uid"), Pager[Caption])
    assert_type(await stream.captions.language.get("en", identifier="uid"), Caption)
    assert_type(await stream.captions.language.create("en", identifier="uid"), Caption)
    assert_type(await stream.captions.language.update("en", identifier="uid", file=Path("a.vtt")), Caption)
    assert_type(await stream.captions.language.update("en", identifier="uid", file="WEBVTT\n"), Caption)
    assert_type(await stream.captions.language.update("en", identifier="uid", file=file), Caption)
    assert_type(await stream.captions.language.delete("en", identifier="uid"), None)
    assert_type(await stream.captions.language.vtt.get("en", identifier="uid"), str)
    assert_type(await stream.downloads.get("uid"), Downloads)
    assert_type(await stream.downloads.create("uid"), Downloads)
    assert_type(await stream.downloads.delete("uid"), None)
    assert_type(await stream.downloads.create_type("audio", identifier="uid"), Downloads)
    assert_type(await stream.downloads.delete_type("default", identifier="uid"), None)
    assert_type(await stream.embed.get("uid"), str)
    assert_type(stream.watermarks.list(), Pager[Watermark])
    assert_type(await stream.watermarks.get("uid"), Watermark)
    assert_type(await stream.watermarks.create(file=b"", name="n", position="center", scale=1), Watermark)
    assert_type(await stream.watermarks.create(url="https://a.example", opacity=0.5), Watermark)
    assert_type(await stream.watermarks.delete("uid"), None)


async def made(stream: Stream) -> None:
    assert_type(
        await stream.clip.create(clipped_from_video_uid="uid", start_time_seconds=0, end_time_seconds=5, name="n"), Clip
    )
    assert_type(await stream.copy.create(input="https://a.example", watermark={"uid": "w"}, upload_creator="a"), Video)
    assert_type(
        await stream.direct_upload.create(max_duration_seconds=60, expiry=NOW, meta={"name": "n"}), DirectUpload
    )


async def live(stream: Stream, settings: LiveInputUpdateParams) -> None:
    assert_type(stream.live_inputs.list(include_counts=True), Pager[LiveInputSummary])
    assert_type(await stream.live_inputs.get("uid"), LiveInput)
    assert_type(await stream.live_inputs.create(), LiveInput)
    assert_type(await stream.live_inputs.create(idempotency_key="k", recording={"mode": "automatic"}), LiveInput)
    assert_type(await stream.live_inputs.update("uid", **settings), LiveInput)
    assert_type(await stream.live_inputs.update("uid", delete_recording_after_days=None, enabled=False), LiveInput)
    assert_type(await stream.live_inputs.delete("uid"), None)
    assert_type(await stream.live_inputs.enable("uid"), LiveInput)
    assert_type(await stream.live_inputs.disable("uid"), LiveInput)
    assert_type(await stream.live_inputs.rotate_keys("uid"), LiveInput)
    assert_type(stream.live_inputs.videos("uid"), Pager[Video])
    assert_type(stream.live_inputs.outputs.list("uid"), Pager[Output])
    assert_type(await stream.live_inputs.outputs.create("uid", url="rtmps://a", stream_key="k", enabled=True), Output)
    assert_type(await stream.live_inputs.outputs.update("out", live_input_identifier="uid", enabled=False), Output)
    assert_type(await stream.live_inputs.outputs.delete("out", live_input_identifier="uid"), None)


async def access(stream: Stream) -> None:
    assert_type(stream.keys.get(), Pager[SigningKeySummary])
    assert_type(await stream.keys.create(), SigningKey)
    assert_type(await stream.keys.delete("id"), None)
    assert_type(await stream.token.create("uid"), Token)
    assert_type(
        await stream.token.create("uid", exp=5, access_rules=[AccessRule("any", "block")], flags={"original": True}),
        Token,
    )
    hook = await stream.webhooks.get()
    assert_type(hook, Webhook)
    assert_type(hook.secret, Secret)
    assert_type(await stream.webhooks.update(notification_url="https://a.example"), Webhook)
    assert_type(await stream.webhooks.delete(), None)
    assert_type(await stream.videos.storage_usage(), StorageUsage)
    assert_type(await stream.videos.storage_usage(creator="a"), StorageUsage)


async def many(stream: Stream, changes: Iterable[tuple[str, StreamEditParams]]) -> None:
    assert_type(stream.edit_many(changes), Bulk[Edited | EditFailed])
    assert_type(stream.edit_many([("uid", {"creator": "a"})], concurrency=2), Bulk[Edited | EditFailed])
    async for edited in stream.edit_many(changes):
        assert_type(edited, Edited | EditFailed)
        if edited.error is None:
            assert_type(edited, Edited)
            assert_type(edited.video, Video)
        else:
            assert_type(edited, EditFailed)
            assert_type(edited.error, StreamError)
    assert_type(stream.delete_many(video.uid async for video in stream.list()), Bulk[Deleted | DeleteFailed])
    async with stream.delete_many(["uid"], concurrency=2) as outcomes:
        assert_type(outcomes, Bulk[Deleted | DeleteFailed])
        async for deleted in outcomes:
            match deleted:
                case Deleted(uid=uid):
                    assert_type(deleted, Deleted)
                    assert_type(uid, str)
                case DeleteFailed(error=error):
                    assert_type(deleted, DeleteFailed)
                    assert_type(error, StreamError)
                case _:
                    assert_never(deleted)
    async with stream.wait_many(["uid"], until="playable", timeout=None) as waited:
        assert_type(waited, Bulk[Ready | WaitFailed])
        async for there in waited:
            match there:
                case Ready(uid=uid, video=video):
                    assert_type(there, Ready)
                    assert_type(video, Video)
                case WaitFailed(error=error):
                    assert_type(there, WaitFailed)
                    assert_type(error, StreamError)
                case _:
                    assert_never(there)


async def uploading(
    stream: Stream, file: BinaryIO, pieces: AsyncIterator[bytes], body: StreamReader, ranges: RangeSource
) -> None:
    assert_type(await stream.upload("a.mp4"), Video)
    assert_type(await stream.upload("a.mp4", resume=True), Video)
    assert_type(await stream.upload(Path("a.mp4"), resume="uploads.db"), Video)
    assert_type(await stream.upload(pieces, length=5), Video)
    assert_type(await stream.upload(body), Video)
    assert_type(await stream.upload(ranges), Video)
    assert_type(await stream.upload(Path("a.mp4"), name="n", meta={"k": "v"}, expiry=NOW, chunk_size=5), Video)
    assert_type(await stream.upload(file, on_progress=print), Video)

    async def progress(event: UploadProgress) -> None:
        assert_type(event.bytes, int)
        assert_type(event.rate, float)

    async def state(video: Video) -> None:
        assert_type(video.status.pct_complete, float | None)

    assert_type(await stream.upload(b"", on_progress=progress, require_signed_urls=True), Video)
    assert_type(await stream.wait_until_ready("uid"), Video)
    assert_type(await stream.wait_until_ready("uid", until="playable", timeout=None, on_state=state), Video)
    assert_type(await stream.wait_until_ready("uid", on_state=lambda video: video.name), Video)


async def many_uploads(stream: Stream, files: Iterable[Path], journal: UploadJournal) -> None:
    assert_type(stream.upload_many(files, journal=journal, concurrency=2, max_failures=None, creator="a"), Uploads)
    async with stream.upload_many([UploadJob("a.mp4", name="n", length=5), CopyJob("https://a.example")]) as uploads:
        assert_type(uploads, Uploads)
        async for outcome in uploads:
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
    report = await stream.upload_many(["a.mp4", b"", Path("b.mp4")], journal="uploads.db", on_progress=print).run()
    assert_type(report, UploadReport)
    assert_type(journal.report(), UploadReport)
    assert_type((report.done, report.pending, report.bytes), tuple[int, int, int])
    assert_type(report.failed, tuple[FailedEntry, ...])
    assert_type(report.failed[0].reason, str)


async def saving(stream: Stream) -> None:
    async def progress(event: DownloadProgress) -> None:
        assert_type(event.total, int | None)

    assert_type(await stream.downloads.save("uid", "a.mp4"), Path)
    assert_type(await stream.downloads.save("uid", Path(), download_type="audio", overwrite=True), Path)
    assert_type(await stream.downloads.save("uid", ".", token="t", on_progress=progress), Path)
    assert_type(await stream.captions.language.vtt.save("en", "a.vtt", identifier="uid", overwrite=True), Path)


def models(video: Video, caption: Caption, mark: Watermark, used: StorageUsage) -> None:
    assert_type(video.uid, str)
    assert_type(video.created, datetime)
    assert_type(video.modified, datetime | None)
    assert_type(video.name, str | None)
    assert_type(video.meta, Mapping[str, Any])
    assert_type(video.extra, Mapping[str, Any])
    assert_type(video.allowed_origins, tuple[str, ...])
    assert_type(video.duration, float | None)
    assert_type(video.size, int | None)
    assert_type(video.ready_to_stream, bool)
    assert_type(video.status, VideoStatus)
    assert_type(video.status.error_reason_code, str)
    assert_type(video.playback, Playback)
    assert_type(video.playback.hls, str)
    assert_type(video.input, VideoInput)
    assert_type(video.input.width, int | None)
    assert_type(video.public_details, PublicDetails | None)
    assert_type(video.watermark, Watermark | None)
    assert_type(caption.language, str)
    assert_type(caption.generated, bool)
    assert_type(mark.opacity, float | None)
    assert_type(used.total_storage_minutes, float | None)
    assert_type(to_dict(video, secrets=True), dict[str, Any])
    assert_type(from_dict(Video, {}), Video)
    assert_type(from_dict(Token, {}), Token)


def newer_models(clip: Clip, track: Audio, downloads: Downloads, row: LiveInputSummary, one: LiveInput) -> None:
    assert_type(clip.uid, str)
    assert_type(clip.clipped_from, str | None)
    assert_type(clip.start_time_seconds, int | None)
    assert_type(track.default, bool)
    assert_type(downloads.audio, Download | None)
    if downloads.default is not None:
        assert_type(downloads.default.percent_complete, float | None)
        assert_type(downloads.default.url, str | None)
    assert_type(row.enabled, bool)
    assert_type(row.delete_recording_after_days, float | None)
    assert_type(one.name, str | None)
    assert_type(one.recording, LiveInputRecording)
    assert_type(one.recording.timeout_seconds, int)
    assert_type(one.recording.allowed_origins, tuple[str, ...])
    assert_type(one.playback, Playback)
    assert_type(one.status, LiveInputStatus | None)
    if one.status is not None:
        assert_type(one.status.live, bool)
        assert_type(one.status.current, LiveInputConnection)
        assert_type(one.status.history, tuple[LiveInputConnection, ...])
    assert_type(one.rtmps, Rtmps | None)
    assert_type(one.srt_playback, Srt | None)
    assert_type(one.web_rtc, WebRtc | None)


def secrets(token: Token, upload: TusUpload, key: SigningKey, output: Output, place: DirectUpload) -> None:
    assert_type(token.token, Secret)
    assert_type(key.pem, Secret)
    assert_type(key.jwk, Secret)
    assert_type(output.url, Secret)
    assert_type(output.stream_key, Secret)
    assert_type(place.upload_url, Secret)
    assert_type(upload.upload_url, Secret)
    assert_type(upload.uid, str)


def errors(error: StreamError, limited: RateLimitError, open_: AmbiguousResultError, ended: UploadError) -> None:
    assert_type(error.request, str | None)
    assert_type(error.status, int | None)
    assert_type(error.codes, tuple[int | str, ...])
    assert_type(error.ray_id, str | None)
    assert_type(error.attempts, int)
    assert_type(error.retryable, bool)
    assert_type(limited.retry_at, float | None)
    assert_type(limited.retry_after, float | None)
    assert_type(open_.since, float)
    assert_type(ended.uid, str | None)
    assert_type(ended.offset, int)
    assert_type(CODES, Mapping[int | str, ErrorCode])
    try:
        pass
    except TransportError as caught:
        assert_type(caught.sent, bool)


def hooks(asked: RequestEvent, answered: ResponseEvent, repeated: RetryEvent) -> None:
    assert_type(asked.row, str)
    assert_type(asked.attempt, int)
    assert_type(answered.status, int)
    assert_type(answered.elapsed, float)
    assert_type(answered.ray_id, str | None)
    assert_type(repeated.wait, float)
    assert_type(repeated.error, Exception)
