"""What type checkers make of the blocking face; nothing here is run."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, assert_type

from cfstream import Hooks, Page, RateLimit, RawResponse, RetryPolicy, UploadProgress, Video
from cfstream.models import (
    AccessRule,
    Caption,
    StorageUsage,
    StreamEditParams,
    StreamListParams,
    Token,
    TusUpload,
    Watermark,
)
from cfstream.sync import Pager, Stream

NOW = datetime.now(UTC)


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


def others(stream: Stream, file: BinaryIO) -> None:
    assert_type(stream.videos.storage_usage(creator="a"), StorageUsage)
    assert_type(stream.token.create("uid", exp=5, access_rules=[AccessRule("any", "block")]), Token)
    assert_type(stream.captions.language.update("en", identifier="uid", file=Path("a.vtt")), Caption)
    assert_type(stream.captions.language.vtt.get("en", identifier="uid"), str)
    assert_type(stream.watermarks.create(file=file, name="n", position="center", scale=1), Watermark)


def uploading(stream: Stream, file: BinaryIO) -> None:
    def progress(event: UploadProgress) -> None:
        assert_type(event.bytes, int)

    assert_type(stream.upload("a.mp4"), Video)
    assert_type(stream.upload(Path("a.mp4"), name="n", meta={"k": "v"}, expiry=NOW, chunk_size=5), Video)
    assert_type(stream.upload(file, on_progress=progress, require_signed_urls=True), Video)
    assert_type(stream.wait_until_ready("uid"), Video)
    assert_type(
        stream.wait_until_ready("uid", until="playable", timeout=None, on_state=lambda video: video.name), Video
    )
