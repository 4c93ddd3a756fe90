"""``stream`` itself: the calls on videos, uploading and waiting."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream._types import PathSource
from cfstream.bulk import Bulk, Deleted, DeleteFailed, Edited, EditFailed, delete_many, edit_many
from cfstream.models import StreamCreateParams, StreamEditParams, StreamListParams, TusUpload, UploadJobParams, Video
from cfstream.models.video import UploadProgress
from cfstream.pages import ByCreated, Pager
from cfstream.resources._base import Resource
from cfstream.resources.audio_tracks import AudioTracks
from cfstream.resources.captions import Captions
from cfstream.resources.clip import Clips
from cfstream.resources.copy import Copies
from cfstream.resources.direct_upload import DirectUploads
from cfstream.resources.downloads import VideoDownloads
from cfstream.resources.embed import Embed
from cfstream.resources.keys import Keys
from cfstream.resources.live_inputs import LiveInputs
from cfstream.resources.token import Tokens
from cfstream.resources.videos import Videos
from cfstream.resources.watermarks import Watermarks
from cfstream.resources.webhooks import Webhooks
from cfstream.uploads.journal import UploadJournal
from cfstream.uploads.many import Job, Uploads, upload_many
from cfstream.uploads.one import upload
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.sources import UploadSource
from cfstream.waiting import Ready, WaitFailed, wait_many, wait_until_ready


class StreamCalls(Resource):
    """The calls on videos, and the managers of everything around them."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.audio_tracks = AudioTracks(transport)
        self.captions = Captions(transport)
        self.clip = Clips(transport)
        self.copy = Copies(transport)
        self.direct_upload = DirectUploads(transport)
        self.downloads = VideoDownloads(transport)
        self.embed = Embed(transport)
        self.keys = Keys(transport)
        self.live_inputs = LiveInputs(transport)
        self.token = Tokens(transport)
        self.videos = Videos(transport)
        self.watermarks = Watermarks(transport)
        self.webhooks = Webhooks(transport)

    def list(self, **params: Unpack[StreamListParams]) -> Pager[Video]:
        """List videos, newest first: ``async for`` walks all of them, ``await`` gives the first page.

        Raises:
            PaginationError: more videos than one page holds share one creation instant.
        """
        return Pager(self._transport, lambda: ByCreated(endpoints.STREAM_LIST, params))

    async def get(self, identifier: str) -> Video:
        """Give one video.

        Args:
            identifier: the uid of the video.

        Raises:
            NotFoundError: the account has no such video.
        """
        return await self._send(endpoints.STREAM_GET(identifier=identifier))

    async def create(self, **params: Unpack[StreamCreateParams]) -> TusUpload:
        """Make room for a resumable upload and give its address; `upload` does this and sends the file too."""
        return await self._send(endpoints.STREAM_CREATE(params))

    async def edit(self, identifier: str, **params: Unpack[StreamEditParams]) -> Video:
        """Change a video: keywords left out stay as they are, and ``meta`` is replaced whole.

        Args:
            identifier: the uid of the video.
            params: what to change.
        """
        return await self._send(endpoints.STREAM_EDIT(params, identifier=identifier))

    async def delete(self, identifier: str) -> None:
        """Delete a video and its copies.

        Args:
            identifier: the uid of the video.

        Raises:
            NotFoundError: the account has no such video.
        """
        await self._send(endpoints.STREAM_DELETE(identifier=identifier))

    def edit_many(
        self,
        changes: Iterable[tuple[str, StreamEditParams]] | AsyncIterable[tuple[str, StreamEditParams]],
        *,
        concurrency: int = 8,
    ) -> Bulk[Edited | EditFailed]:
        """Change many videos, a few at a time; each has its outcome, told in the order of completion.

        ``async for`` walks the outcomes; ``outcome.error is None`` tells success.

        Args:
            changes: pairs of a uid and the keywords of `edit`; read as places become free.
            concurrency: how many at once, 1 to 1,000.
        """
        return edit_many(self._transport, changes, concurrency)

    def delete_many(
        self, uids: Iterable[str] | AsyncIterable[str], *, concurrency: int = 8
    ) -> Bulk[Deleted | DeleteFailed]:
        """Delete many videos, a few at a time; each has its outcome, and one that is gone already counts as deleted.

        ``async for`` walks the outcomes; ``outcome.error is None`` tells success.

        Args:
            uids: the videos; read as places become free.
            concurrency: how many at once, 1 to 1,000.
        """
        return delete_many(self._transport, uids, concurrency)

    async def upload(
        self,
        source: UploadSource,
        *,
        name: str | None = None,
        meta: Mapping[str, str] | None = None,
        creator: str | None = None,
        require_signed_urls: bool | None = None,
        allowed_origins: Sequence[str] | None = None,
        thumbnail_timestamp_pct: float | None = None,
        watermark: str | None = None,
        scheduled_deletion: datetime | None = None,
        max_duration_seconds: int | None = None,
        expiry: datetime | None = None,
        length: int | None = None,
        chunk_size: int | None = None,
        on_progress: Callable[[UploadProgress], Awaitable[object] | object] | None = None,
        resume: bool | PathSource = False,
    ) -> Video:
        """Upload a video of any size; lost connections are resumed where the server stands.

        None means not given. The call has no total timeout, but gives up when the server takes nothing for long.

        Args:
            source: a path, bytes, a binary file object (also with an async ``read``: a stream reader, the body of a
                request), an async iterator of bytes, or a `RangeSource`. A file object is read from where it stands
                and left open, an iterator is closed. What cannot seek goes through a temporary file that holds one
                chunk where ``length`` is given, and all bytes where it is not.
            name: what the dashboard shows; the file's name unless given.
            meta: further free metadata, texts by key.
            creator: your own id of whoever made the video, up to 64 characters.
            require_signed_urls: whether playback needs a signed token.
            allowed_origins: where the video may be embedded.
            thumbnail_timestamp_pct: where the thumbnail is taken, 0.0 to 1.0 of the duration.
            watermark: the uid of a watermark profile.
            scheduled_deletion: when the video is to be deleted, 30 to 1,096 days from now.
            max_duration_seconds: refuse a longer video after the upload.
            expiry: until when the upload must be complete.
            length: the size in bytes, for a source that does not know it.
            chunk_size: bytes in one request: 5 to 200 MiB in steps of 256 KiB; 50 MiB unless given.
            on_progress: called with an `UploadProgress` after every piece of about a tenth of a second; may be async.
            resume: the path of a journal, or True for the one in the user's state folder: an upload of the same file
                to the same account that an earlier process has begun is gone on with, and one that is done is not
                repeated. (A lost connection is resumed without it.)

        Returns:
            The video, usually still queued for encoding; `wait_until_ready` waits for it.

        Raises:
            InvalidInputError: the source or an option is refused, before any I/O.
            FileChangedError: the file changed while it was sent, or a source has fewer or more bytes than announced.
            UploadError: the server took no more bytes, its answers contradict themselves, or the source cannot be read.
            JournalError: the journal cannot be used.
        """
        options = UploadOptions(
            name=name,
            meta=meta,
            creator=creator,
            require_signed_urls=require_signed_urls,
            allowed_origins=allowed_origins,
            thumbnail_timestamp_pct=thumbnail_timestamp_pct,
            watermark=watermark,
            scheduled_deletion=scheduled_deletion,
            max_duration_seconds=max_duration_seconds,
            expiry=expiry,
            chunk_size=chunk_size,
        )
        return await upload(self._transport, source, options, on_progress, length=length, resume=resume)

    def upload_many(
        self,
        sources: Iterable[Job] | AsyncIterable[Job],
        *,
        journal: PathSource | UploadJournal | None = None,
        concurrency: int = 16,
        max_failures: int | None = None,
        **options: Unpack[UploadJobParams],
    ) -> Uploads:
        """Upload many videos, a few at a time; each has its outcome, told in the order of completion.

        ``async for`` walks the outcomes; ``outcome.error is None`` tells success. ``run()`` does all of it and gives
        a report. With a journal, a run that was cut off at any moment is gone on with by the same call: what is done
        is told without a request, what was begun continues where the server stands, and nothing is there twice.

        Fewer run at once while connections are lost or slow. While the service's encoder is full, new videos wait;
        when its storage is full, the run ends.

        Args:
            sources: what `upload` takes, `UploadJob` for one with options of its own, `CopyJob` for an address that
                the service fetches; read as places become free.
            journal: where to keep what was begun and what is done: a path on a local disk.
            concurrency: how many at once at most, 1 to 1,000.
            max_failures: end the run with an error after more failures than that.
            options: the options of `upload` for all sources.
        """
        return upload_many(
            self._transport,
            sources,
            journal=journal,
            concurrency=concurrency,
            max_failures=max_failures,
            options=options,
        )

    async def wait_until_ready(
        self,
        uid: str,
        *,
        until: Literal["ready", "playable"] = "ready",
        timeout: float | None = 3600,  # noqa: ASYNC109  # the face: every waiting call takes its timeout so
        on_state: Callable[[Video], Awaitable[object] | object] | None = None,
    ) -> Video:
        """Wait until a video is encoded.

        Args:
            uid: the video.
            until: ``ready`` waits for every quality, ``playable`` for the first one.
            timeout: seconds; None waits as long as it takes.
            on_state: called with the video whenever its state or progress changed; may be async.

        Raises:
            EncodingFailedError: the service could not encode the video; ``codes`` says why.
            WaitTimeoutError: it was not ready in time.
            NotFoundError: the account has no such video.
        """
        return await wait_until_ready(self._transport, uid, until=until, timeout=timeout, on_state=on_state)

    def wait_many(
        self,
        uids: Iterable[str] | AsyncIterable[str],
        *,
        until: Literal["ready", "playable"] = "ready",
        timeout: float | None = 3600,
    ) -> Bulk[Ready | WaitFailed]:
        """Wait until many videos are encoded; each has its outcome, told in the order in which they are there.

        ``async for`` walks the outcomes; ``outcome.error is None`` tells success. However many videos are waited for,
        here and by `wait_until_ready`, the client asks for them with one request at a time, at most two in a second.

        Args:
            uids: the videos; read ahead, so that those that come late hold up nobody.
            until: ``ready`` waits for every quality, ``playable`` for the first one.
            timeout: seconds for each video from when it was read; None waits as long as it takes.
        """
        return wait_many(self._transport, uids, until, timeout)
