"""``stream`` itself: the calls on videos, uploading and waiting."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.bulk import Bulk, Deleted, DeleteFailed, Edited, EditFailed, delete_many, edit_many
from cfstream.models import StreamCreateParams, StreamEditParams, StreamListParams, TusUpload, Video
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
from cfstream.uploads.options import UploadOptions
from cfstream.uploads.single import upload
from cfstream.uploads.sources import UploadSource
from cfstream.waiting import wait_until_ready


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
        chunk_size: int | None = None,
        on_progress: Callable[[UploadProgress], Awaitable[object] | object] | None = None,
    ) -> Video:
        """Upload a video of any size; lost connections are resumed where the server stands.

        None means not given. The call has no total timeout, but gives up when the server takes nothing for long.

        Args:
            source: a path, bytes, or a binary file object that can seek.
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
            chunk_size: bytes in one request: 5 to 200 MiB in steps of 256 KiB; 50 MiB unless given.
            on_progress: called with an `UploadProgress` after every piece of about a tenth of a second; may be async.

        Returns:
            The video, usually still queued for encoding; `wait_until_ready` waits for it.

        Raises:
            InvalidInputError: the source or an option is refused, before any I/O.
            FileChangedError: the file changed while it was sent.
            UploadError: the server took no more bytes, or its answers contradict themselves.
            AmbiguousResultError: nobody knows whether the upload was begun; nothing was sent.
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
        return await upload(self._transport, source, options, on_progress)

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
