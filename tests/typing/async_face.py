"""What type checkers make of the asyncio face; nothing here is run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, assert_type

from cfstream import (
    AmbiguousResultError,
    Hooks,
    Page,
    Pager,
    RateLimit,
    RateLimitError,
    RawResponse,
    RequestEvent,
    ResponseEvent,
    RetryEvent,
    RetryPolicy,
    Secret,
    Stream,
    StreamError,
    TransportError,
    UploadError,
    UploadProgress,
    Video,
    from_dict,
    to_dict,
)
from cfstream.errors import CODES, ErrorCode
from cfstream.models import (
    AccessRule,
    Caption,
    Playback,
    PublicDetails,
    StorageUsage,
    StreamEditParams,
    StreamListParams,
    Token,
    TusUpload,
    VideoInput,
    VideoStatus,
    Watermark,
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


async def others(stream: Stream, file: BinaryIO) -> None:
    assert_type(await stream.videos.storage_usage(), StorageUsage)
    assert_type(await stream.videos.storage_usage(creator="a"), StorageUsage)
    assert_type(await stream.token.create("uid"), Token)
    assert_type(
        await stream.token.create("uid", exp=5, access_rules=[AccessRule("any", "block")], flags={"original": True}),
        Token,
    )
    assert_type(await stream.captions.language.update("en", identifier="uid", file=Path("a.vtt")), Caption)
    assert_type(await stream.captions.language.update("en", identifier="uid", file=file), Caption)
    assert_type(await stream.captions.language.vtt.get("en", identifier="uid"), str)
    assert_type(await stream.watermarks.create(file=b"", name="n", position="center", scale=1), Watermark)


async def uploading(stream: Stream, file: BinaryIO) -> None:
    assert_type(await stream.upload("a.mp4"), Video)
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


def secrets(token: Token, upload: TusUpload) -> None:
    assert_type(token.token, Secret)
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
