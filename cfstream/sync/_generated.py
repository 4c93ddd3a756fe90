"""The blocking managers, written by `cfstream.sync._generate` from the async ones: change those."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack

from cfstream._types import FileSource
from cfstream.bulk import Deleted, DeleteFailed, Edited, EditFailed
from cfstream.models import (
    Audio,
    AudioTrackCopyParams,
    AudioTrackEditParams,
    AudioTrackUploadParams,
    Caption,
    Clip,
    ClipCreateParams,
    CopyCreateParams,
    DirectUpload,
    DirectUploadCreateParams,
    Downloads,
    DownloadType,
    LiveInput,
    LiveInputCreateParams,
    LiveInputListParams,
    LiveInputSummary,
    LiveInputUpdateParams,
    Output,
    OutputCreateParams,
    SigningKey,
    SigningKeySummary,
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
    Webhook,
    WebhookUpdateParams,
)
from cfstream.models.video import StorageUsageParams, UploadProgress
from cfstream.resources import (
    audio_tracks,
    captions,
    captions_language,
    captions_language_vtt,
    clip,
    copy,
    direct_upload,
    downloads,
    embed,
    keys,
    live_inputs,
    live_inputs_outputs,
    stream,
    token,
    videos,
    watermarks,
    webhooks,
)
from cfstream.sync._base import Bulk, Pager, Resource
from cfstream.sync._portal import Portal, in_callers_thread, read_by_caller
from cfstream.uploads.sources import UploadSource


class AudioTracks(Resource):
    """Additional audio tracks of a video: ``stream.audio_tracks``."""

    _impl: audio_tracks.AudioTracks

    def get(self, identifier: str) -> Pager[Audio]:
        """List the tracks that were added to a video; the one it was uploaded with is not among them.

        Args:
            identifier: the uid of the video.
        """
        return Pager(self._portal, self._impl.get(identifier))

    def copy(self, identifier: str, **params: Unpack[AudioTrackCopyParams]) -> Audio:
        """Add a track that the service fetches from an address; it is ``queued`` at first.

        A longer track is cut to the length of the video, a shorter one ends in silence.
        """
        return self._call(self._impl.copy(identifier, **params))

    def upload(self, identifier: str, **params: Unpack[AudioTrackUploadParams]) -> Audio:
        """Add a track from a file of at most 200 MB; a file given by its path is read while it is sent.

        A lost connection is not repeated once bytes were sent, because that could add the track twice. The client's
        timeout bounds the whole call: over a slow line, give it longer by ``with_options(timeout=...)``.

        Raises:
            AmbiguousResultError: nobody knows whether the track was added; list them to see.
        """
        return self._call(self._impl.upload(identifier, **params))

    def edit(self, audio_identifier: str, *, identifier: str, **params: Unpack[AudioTrackEditParams]) -> Audio:
        """Rename a track, or let players begin with it.

        Args:
            audio_identifier: the uid of the track.
            identifier: the uid of the video.
            params: what to change.
        """
        return self._call(self._impl.edit(audio_identifier, identifier=identifier, **params))

    def delete(self, audio_identifier: str, *, identifier: str) -> None:
        """Delete a track; the service refuses this for the default one.

        Args:
            audio_identifier: the uid of the track.
            identifier: the uid of the video.
        """
        self._call(self._impl.delete(audio_identifier, identifier=identifier))


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

    def get(self, language: str, *, identifier: str) -> Caption:
        """Give the track in one language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
        """
        return self._call(self._impl.get(language, identifier=identifier))

    def create(self, language: str, *, identifier: str) -> Caption:
        """Let the service write a track by speech recognition; it is ``inprogress`` at first.

        The video must be ready and have no track in this language yet. When an answer is lost, the track is looked
        for before the call is repeated.

        Args:
            language: BCP 47 tag of the language that is spoken.
            identifier: the uid of the video.
        """
        return self._call(self._impl.create(language, identifier=identifier))

    def update(self, language: str, *, identifier: str, file: FileSource) -> Caption:
        """Upload a WebVTT file of at most 10 MB; it replaces the track there is in this language.

        Args:
            language: BCP 47 tag, such as ``en`` or ``pt-BR``.
            identifier: the uid of the video.
            file: a path, bytes, a binary file object, or the text itself (it begins with ``WEBVTT``).
        """
        return self._call(self._impl.update(language, identifier=identifier, file=file))

    def delete(self, language: str, *, identifier: str) -> None:
        """Delete the track in one language.

        Args:
            language: BCP 47 tag of the track.
            identifier: the uid of the video.
        """
        self._call(self._impl.delete(language, identifier=identifier))


class Captions(Resource):
    """Captions and subtitles of a video: ``stream.captions``."""

    _impl: captions.Captions

    def __init__(self, portal: Portal, impl: captions.Captions) -> None:
        super().__init__(portal, impl)
        self.language = CaptionsLanguage(portal, impl.language)

    def get(self, identifier: str) -> Pager[Caption]:
        """List the tracks of a video, also those that are being generated or failed.

        Args:
            identifier: the uid of the video.
        """
        return Pager(self._portal, self._impl.get(identifier))


class Clips(Resource):
    """Videos cut out of others: ``stream.clip``."""

    _impl: clip.Clips

    def create(self, **params: Unpack[ClipCreateParams]) -> Clip:
        """Cut a new video out of a ready one; it is encoded anew and does not inherit a scheduled deletion."""
        return self._call(self._impl.create(**params))


class Copies(Resource):
    """Videos that the service fetches itself: ``stream.copy``."""

    _impl: copy.Copies

    def create(self, **params: Unpack[CopyCreateParams]) -> Video:
        """Let the service fetch a video from an address; `wait_until_ready` tells when it is there, or that it failed.

        Raises:
            AmbiguousResultError: nobody knows whether the video was made; list the videos to see.
        """
        return self._call(self._impl.create(**params))


class DirectUploads(Resource):
    """One-time addresses for uploads by end users: ``stream.direct_upload``."""

    _impl: direct_upload.DirectUploads

    def create(self, **params: Unpack[DirectUploadCreateParams]) -> DirectUpload:
        """Make an address that takes one form upload of up to 200 MB without credentials.

        For larger files make a resumable one: ``stream.create(upload_length=..., direct_user=True)``.
        """
        return self._call(self._impl.create(**params))


class Embed(Resource):
    """The player as HTML: ``stream.embed``."""

    _impl: embed.Embed

    def get(self, identifier: str) -> str:
        """Give the HTML that embeds the player; the service calls it legacy.

        Args:
            identifier: the uid of the video.
        """
        return self._call(self._impl.get(identifier))


class Keys(Resource):
    """Keys that sign tokens: ``stream.keys``."""

    _impl: keys.Keys

    def get(self) -> Pager[SigningKeySummary]:
        """List the keys, without their private parts."""
        return Pager(self._portal, self._impl.get())

    def create(self) -> SigningKey:
        """Make a key; its private part is shown only this once. An account has at most 1,000."""
        return self._call(self._impl.create())

    def delete(self, identifier: str) -> None:
        """Delete a key: every token it has signed stops working.

        Args:
            identifier: the id of the key.
        """
        self._call(self._impl.delete(identifier))


class LiveInputsOutputs(Resource):
    """Where a live input sends its picture on to: ``stream.live_inputs.outputs``."""

    _impl: live_inputs_outputs.LiveInputsOutputs

    def list(self, live_input_identifier: str) -> Pager[Output]:
        """List the outputs of a live input.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return Pager(self._portal, self._impl.list(live_input_identifier))

    def create(self, live_input_identifier: str, **params: Unpack[OutputCreateParams]) -> Output:
        """Add an output; a live input sends to 50 at once at most.

        Args:
            live_input_identifier: the uid of the live input.
            params: where to send to.
        """
        return self._call(self._impl.create(live_input_identifier, **params))

    def update(self, output_identifier: str, *, live_input_identifier: str, enabled: bool) -> Output:
        """Turn an output on or off, which takes up to 30 seconds; nothing else of it can be changed.

        Args:
            output_identifier: the uid of the output.
            live_input_identifier: the uid of the live input.
            enabled: whether the picture is sent on.
        """
        return self._call(
            self._impl.update(output_identifier, live_input_identifier=live_input_identifier, enabled=enabled)
        )

    def delete(self, output_identifier: str, *, live_input_identifier: str) -> None:
        """Delete an output.

        Args:
            output_identifier: the uid of the output.
            live_input_identifier: the uid of the live input.
        """
        self._call(self._impl.delete(output_identifier, live_input_identifier=live_input_identifier))


class LiveInputs(Resource):
    """Places to broadcast to: ``stream.live_inputs``."""

    _impl: live_inputs.LiveInputs

    def __init__(self, portal: Portal, impl: live_inputs.LiveInputs) -> None:
        super().__init__(portal, impl)
        self.outputs = LiveInputsOutputs(portal, impl.outputs)

    def list(self, **params: Unpack[LiveInputListParams]) -> Pager[LiveInputSummary]:
        """List the live inputs, without addresses and keys; the service gives all of them in one answer."""
        return Pager(self._portal, self._impl.list(**params))

    def get(self, live_input_identifier: str) -> LiveInput:
        """Give one live input with its addresses and keys.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return self._call(self._impl.get(live_input_identifier))

    def create(self, **params: Unpack[LiveInputCreateParams]) -> LiveInput:
        """Make a live input; an idempotency key goes along, so that a lost answer does not make two."""
        return self._call(self._impl.create(**params))

    def update(self, live_input_identifier: str, **params: Unpack[LiveInputUpdateParams]) -> LiveInput:
        """Change a live input: keywords left out stay as they are.

        Args:
            live_input_identifier: the uid of the live input.
            params: what to change.
        """
        return self._call(self._impl.update(live_input_identifier, **params))

    def delete(self, live_input_identifier: str) -> None:
        """Delete a live input; its recordings stay.

        Args:
            live_input_identifier: the uid of the live input.
        """
        self._call(self._impl.delete(live_input_identifier))

    def enable(self, live_input_identifier: str) -> LiveInput:
        """Let a live input accept broadcasts.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return self._call(self._impl.enable(live_input_identifier))

    def disable(self, live_input_identifier: str) -> LiveInput:
        """Let a live input refuse broadcasts; a running one ends.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return self._call(self._impl.disable(live_input_identifier))

    def rotate_keys(self, live_input_identifier: str) -> LiveInput:
        """Give a live input new keys; the old ones stop working.

        Args:
            live_input_identifier: the uid of the live input.

        Raises:
            AmbiguousResultError: nobody knows whether the keys were changed; get the input to see.
        """
        return self._call(self._impl.rotate_keys(live_input_identifier))

    def videos(self, live_input_identifier: str) -> Pager[Video]:
        """List the broadcasts of a live input, newest first; a running one is ``live-inprogress``.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return Pager(self._portal, self._impl.videos(live_input_identifier))


class VideoDownloads(Resource):
    """Files of a video to download: ``stream.downloads``."""

    _impl: downloads.VideoDownloads

    def get(self, identifier: str) -> Downloads:
        """Give the downloads that were made, and how far they are.

        Args:
            identifier: the uid of the video.
        """
        return self._call(self._impl.get(identifier))

    def create(self, identifier: str) -> Downloads:
        """Make the MP4 download of a ready video, or give the one there is.

        Args:
            identifier: the uid of the video.
        """
        return self._call(self._impl.create(identifier))

    def delete(self, identifier: str) -> None:
        """Delete the MP4 download; others stay.

        Args:
            identifier: the uid of the video.
        """
        self._call(self._impl.delete(identifier))

    def create_type(self, download_type: DownloadType, *, identifier: str) -> Downloads:
        """Make the download of one type, or give the one there is.

        Args:
            download_type: ``default`` for MP4, ``audio`` for M4A.
            identifier: the uid of the video.
        """
        return self._call(self._impl.create_type(download_type, identifier=identifier))

    def delete_type(self, download_type: DownloadType, *, identifier: str) -> None:
        """Delete the download of one type.

        Args:
            download_type: ``default`` for MP4, ``audio`` for M4A.
            identifier: the uid of the video.
        """
        self._call(self._impl.delete_type(download_type, identifier=identifier))


class Tokens(Resource):
    """Signed tokens made by the service: ``stream.token``."""

    _impl: token.Tokens

    def create(self, identifier: str, **params: Unpack[TokenCreateParams]) -> Token:
        """Make a token that opens a private video; it is valid for an hour unless ``exp`` says otherwise.

        The docs ask for fewer than 1,000 calls a day: sign locally beyond that.
        """
        return self._call(self._impl.create(identifier, **params))


class Videos(Resource):
    """The account's videos taken together: ``stream.videos``."""

    _impl: videos.Videos

    def storage_usage(self, **params: Unpack[StorageUsageParams]) -> StorageUsage:
        """Tell how many minutes of storage are used and allowed."""
        return self._call(self._impl.storage_usage(**params))


class Watermarks(Resource):
    """Watermark profiles: ``stream.watermarks``."""

    _impl: watermarks.Watermarks

    def list(self) -> Pager[Watermark]:
        """List the profiles."""
        return Pager(self._portal, self._impl.list())

    def get(self, identifier: str) -> Watermark:
        """Give one profile.

        Args:
            identifier: the uid of the profile.
        """
        return self._call(self._impl.get(identifier))

    def create(self, **params: Unpack[WatermarkCreateParams]) -> Watermark:
        """Make a profile from a PNG image of at most 2 MiB; profiles cannot be changed afterwards."""
        return self._call(self._impl.create(**params))

    def delete(self, identifier: str) -> None:
        """Delete a profile; videos that were made with it keep the watermark.

        Args:
            identifier: the uid of the profile.
        """
        self._call(self._impl.delete(identifier))


class Webhooks(Resource):
    """Where the service reports videos that are ready or failed: ``stream.webhooks``."""

    _impl: webhooks.Webhooks

    def get(self) -> Webhook:
        """Give the webhook of the account, with its secret.

        Raises:
            NotFoundError: the account has none.
        """
        return self._call(self._impl.get())

    def update(self, **params: Unpack[WebhookUpdateParams]) -> Webhook:
        """Set the address of the account's one webhook; this replaces the one there was and makes a new secret."""
        return self._call(self._impl.update(**params))

    def delete(self) -> None:
        """Delete the webhook."""
        self._call(self._impl.delete())


class StreamCalls(Resource):
    """The calls on videos, and the managers of everything around them."""

    _impl: stream.StreamCalls

    def __init__(self, portal: Portal, impl: stream.StreamCalls) -> None:
        super().__init__(portal, impl)
        self.audio_tracks = AudioTracks(portal, impl.audio_tracks)
        self.captions = Captions(portal, impl.captions)
        self.clip = Clips(portal, impl.clip)
        self.copy = Copies(portal, impl.copy)
        self.direct_upload = DirectUploads(portal, impl.direct_upload)
        self.downloads = VideoDownloads(portal, impl.downloads)
        self.embed = Embed(portal, impl.embed)
        self.keys = Keys(portal, impl.keys)
        self.live_inputs = LiveInputs(portal, impl.live_inputs)
        self.token = Tokens(portal, impl.token)
        self.videos = Videos(portal, impl.videos)
        self.watermarks = Watermarks(portal, impl.watermarks)
        self.webhooks = Webhooks(portal, impl.webhooks)

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

    def edit_many(
        self,
        changes: Iterable[tuple[str, StreamEditParams]],
        *,
        concurrency: int = 8,
    ) -> Bulk[Edited | EditFailed]:
        """Change many videos, a few at a time; each has its outcome, told in the order of completion.

        ``for`` walks the outcomes; ``outcome.error is None`` tells success.

        Args:
            changes: pairs of a uid and the keywords of `edit`; read as places become free.
            concurrency: how many at once, 1 to 1,000.
        """
        return Bulk(self._portal, self._impl.edit_many(read_by_caller(changes), concurrency=concurrency))

    def delete_many(self, uids: Iterable[str], *, concurrency: int = 8) -> Bulk[Deleted | DeleteFailed]:
        """Delete many videos, a few at a time; each has its outcome, and one that is gone already counts as deleted.

        ``for`` walks the outcomes; ``outcome.error is None`` tells success.

        Args:
            uids: the videos; read as places become free.
            concurrency: how many at once, 1 to 1,000.
        """
        return Bulk(self._portal, self._impl.delete_many(read_by_caller(uids), concurrency=concurrency))

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
