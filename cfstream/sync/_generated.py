"""The blocking managers, written by `cfstream.sync._generate` from the async ones: change those."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from cfstream._types import FileSource
from cfstream.models import (
    Caption,
    StorageUsage,
    StreamCreateParams,
    StreamEditParams,
    StreamListParams,
    Token,
    TokenCreateParams,
    TusUpload,
    Video,
    Watermark,
    WatermarkCreateParams,
)
from cfstream.models.video import StorageUsageParams, UploadProgress
from cfstream.resources import captions, captions_language, captions_language_vtt, stream, token, videos, watermarks
from cfstream.sync._base import Pager, Resource
from cfstream.sync._portal import Portal, in_callers_thread
from cfstream.uploads.sources import UploadSource


class CaptionsLanguageVtt(Resource):
    """The text of a caption track: ``stream.captions.language.vtt``."""

    _impl: captions_language_vtt.CaptionsLanguageVtt

    def get(self, language: str, *, identifier: str) -> str:
        """Give the WebVTT text.

        Args:
            language: BCP 47 tag of the track.
            identifier: the uid of the video.
        """
        return self._call(self._impl.get(language, identifier=identifier))


class CaptionsLanguage(Resource):
    """The caption track in one language: ``stream.captions.language``."""

    _impl: captions_language.CaptionsLanguage

    def __init__(self, portal: Portal, impl: captions_language.CaptionsLanguage) -> None:
        super().__init__(portal, impl)
        self.vtt = CaptionsLanguageVtt(portal, impl.vtt)

    def update(self, language: str, *, identifier: str, file: FileSource) -> Caption:
        """Upload a WebVTT file of at most 10 MB; it replaces the track there is in this language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
            file: a path, bytes or a binary file object.
        """
        return self._call(self._impl.update(language, identifier=identifier, file=file))


class Captions(Resource):
    """Captions and subtitles of a video: ``stream.captions``."""

    _impl: captions.Captions

    def __init__(self, portal: Portal, impl: captions.Captions) -> None:
        super().__init__(portal, impl)
        self.language = CaptionsLanguage(portal, impl.language)


class Videos(Resource):
    """The account's videos taken together: ``stream.videos``."""

    _impl: videos.Videos

    def storage_usage(self, **params: Unpack[StorageUsageParams]) -> StorageUsage:
        """Tell how many minutes of storage are used and allowed."""
        return self._call(self._impl.storage_usage(**params))


class Tokens(Resource):
    """Signed tokens made by the service: ``stream.token``."""

    _impl: token.Tokens

    def create(self, identifier: str, **params: Unpack[TokenCreateParams]) -> Token:
        """Make a token that opens a private video; it is valid for an hour unless ``exp`` says otherwise.

        The docs ask for fewer than 1,000 calls a day: sign locally beyond that.
        """
        return self._call(self._impl.create(identifier, **params))


class Watermarks(Resource):
    """Watermark profiles: ``stream.watermarks``."""

    _impl: watermarks.Watermarks

    def create(self, **params: Unpack[WatermarkCreateParams]) -> Watermark:
        """Make a profile from a PNG image of at most 2 MiB; profiles cannot be changed afterwards."""
        return self._call(self._impl.create(**params))


class StreamCalls(Resource):
    """The calls on videos, and the managers of everything around them."""

    _impl: stream.StreamCalls

    def __init__(self, portal: Portal, impl: stream.StreamCalls) -> None:
        super().__init__(portal, impl)
        self.videos = Videos(portal, impl.videos)
        self.token = Tokens(portal, impl.token)
        self.captions = Captions(portal, impl.captions)
        self.watermarks = Watermarks(portal, impl.watermarks)

    def list(self, **params: Unpack[StreamListParams]) -> Pager[Video]:
        """List videos, newest first: ``for`` walks all of them, ``page()`` gives the first page.

        Raises:
            PaginationError: more videos than one page holds share one creation instant.
        """
        return Pager(self._portal, self._impl.list(**params))

    def get(self, identifier: str) -> Video:
        """Give one video.

        Args:
            identifier: the uid of the video.

        Raises:
            NotFoundError: the account has no such video.
        """
        return self._call(self._impl.get(identifier))

    def create(self, **params: Unpack[StreamCreateParams]) -> TusUpload:
        """Make room for a resumable upload and give its address; `upload` does this and sends the file too."""
        return self._call(self._impl.create(**params))

    def edit(self, identifier: str, **params: Unpack[StreamEditParams]) -> Video:
        """Change a video: keywords left out stay as they are, and ``meta`` is replaced whole.

        Args:
            identifier: the uid of the video.
            params: what to change.
        """
        return self._call(self._impl.edit(identifier, **params))

    def delete(self, identifier: str) -> None:
        """Delete a video and its copies.

        Args:
            identifier: the uid of the video.

        Raises:
            NotFoundError: the account has no such video.
        """
        self._call(self._impl.delete(identifier))

    def upload(
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
        on_progress: Callable[[UploadProgress], object] | None = None,
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
            on_progress: called with an `UploadProgress` after every piece of about a tenth of a second.

        Returns:
            The video, usually still queued for encoding; `wait_until_ready` waits for it.

        Raises:
            InvalidInputError: the source or an option is refused, before any I/O.
            FileChangedError: the file changed while it was sent.
            UploadError: the server took no more bytes, or its answers contradict themselves.
            AmbiguousResultError: nobody knows whether the upload was begun; nothing was sent.
        """
        return self._call(
            self._impl.upload(
                source,
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
                on_progress=in_callers_thread(on_progress),
            )
        )

    def wait_until_ready(
        self,
        uid: str,
        *,
        until: Literal["ready", "playable"] = "ready",
        timeout: float | None = 3600,
        on_state: Callable[[Video], object] | None = None,
    ) -> Video:
        """Wait until a video is encoded.

        Args:
            uid: the video.
            until: ``ready`` waits for every quality, ``playable`` for the first one.
            timeout: seconds; None waits as long as it takes.
            on_state: called with the video whenever its state or progress changed.

        Raises:
            EncodingFailedError: the service could not encode the video; ``codes`` says why.
            WaitTimeoutError: it was not ready in time.
            NotFoundError: the account has no such video.
        """
        return self._call(
            self._impl.wait_until_ready(uid, until=until, timeout=timeout, on_state=in_callers_thread(on_state))
        )
