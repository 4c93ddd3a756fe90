"""The blocking managers, written by `cfstream.sync._generate` from the async ones: change those."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Unpack

from cfstream._types import FileSource, PathSource
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
    DownloadProgress,
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
from cfstream.sync._base import Bulk, Pager, Resource, Uploads
from cfstream.sync._jobs import UploadJobParams, jobs_read_by_caller
from cfstream.sync._portal import Portal, callbacks_in_callers_thread, in_callers_thread, read_by_caller
from cfstream.uploads.journal import UploadJournal
from cfstream.uploads.many import Job
from cfstream.uploads.sources import UploadSource
from cfstream.waiting import Ready, WaitFailed


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

    def save(self, language: str, path: PathSource, *, identifier: str, overwrite: bool = False) -> Path:
        """Save the WebVTT text as a file, which is there only once it is whole.

        Args:
            language: BCP 47 tag of the track.
            path: the new file, or a folder that gets ``<uid>.<language>.vtt``.
            identifier: the uid of the video.
            overwrite: replace a file that is there.

        Returns:
            Where the file is.

        Raises:
            InvalidInputError: an argument is refused, or there is something at ``path``; nothing was asked for.
            NotFoundError: the video has no such track.
            OSError: the file cannot be written.
        """
        return self._call(self._impl.save(language, path, identifier=identifier, overwrite=overwrite))


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

    def save(
        self,
        identifier: str,
        path: PathSource,
        *,
        download_type: DownloadType = "default",
        token: str | None = None,
        on_progress: Callable[[DownloadProgress], object] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Save a ready video as a file: have it made where it is not, wait until it can be fetched, and fetch it.

        The bytes go to ``<path>.part``, with the permissions that the umask leaves; ``path`` itself is there only
        when the file is whole. A lost connection is taken up where the file ends. So is a call that failed, was
        cancelled or killed, by the next one for the same file, in whole blocks of 64 MiB; less than a block is
        removed. Where the file has changed on the media host in the meantime it is fetched from its beginning: two
        versions are never joined. The credentials of the API are not sent to the media host.

        There is no total timeout. The call ends when the service tells no progress of the making for an hour, and
        when eight attempts in a row, or ten minutes, bring nothing new; an attempt ends when nothing comes for
        ``RetryPolicy.response_timeout``.

        Args:
            identifier: the uid of the video.
            path: the new file, or a folder that gets ``<uid>.mp4`` or ``<uid>.m4a``.
            download_type: ``default`` for MP4, ``audio`` for M4A.
            token: for a video with signed URLs: a token for it, made with ``downloadable=True``.
            on_progress: called with a `DownloadProgress` about ten times a second.
            overwrite: replace a file that is there, once the new one is whole.

        Returns:
            Where the file is.

        Raises:
            InvalidInputError: an argument is refused, or there is something at ``path``; nothing was asked for.
            BadRequestError: the video is not ready.
            EncodingFailedError: the video could not be encoded.
            PermissionDeniedError: the token is missing, expired, for another video or not for downloads; or
                `AuthenticationError`, by the media host's answer.
            WaitTimeoutError: the service told no progress for an hour.
            TransportError: nothing more came, or the media host sends to an address without TLS.
            DecodeError: the media host gave something else than a video or audio file.
            StreamError: the service could not make the file, or another download writes to the same ``.part``.
            OSError: the file cannot be written.
        """
        return self._call(
            self._impl.save(
                identifier,
                path,
                download_type=download_type,
                token=token,
                on_progress=in_callers_thread(on_progress, "on_progress"),
                overwrite=overwrite,
            )
        )


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
        length: int | None = None,
        chunk_size: int | None = None,
        on_progress: Callable[[UploadProgress], object] | None = None,
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
            on_progress: called with an `UploadProgress` after every piece of about a tenth of a second.
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
                length=length,
                chunk_size=chunk_size,
                on_progress=in_callers_thread(on_progress, "on_progress"),
                resume=resume,
            )
        )

    def upload_many(
        self,
        sources: Iterable[Job],
        *,
        journal: PathSource | UploadJournal | None = None,
        concurrency: int = 16,
        max_failures: int | None = None,
        **options: Unpack[UploadJobParams],
    ) -> Uploads:
        """Upload many videos, a few at a time; each has its outcome, told in the order of completion.

        ``for`` walks the outcomes; ``outcome.error is None`` tells success. ``run()`` does all of it and gives
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
        return Uploads(
            self._portal,
            self._impl.upload_many(
                jobs_read_by_caller(sources),
                journal=journal,
                concurrency=concurrency,
                max_failures=max_failures,
                **callbacks_in_callers_thread(options),
            ),
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
            self._impl.wait_until_ready(
                uid, until=until, timeout=timeout, on_state=in_callers_thread(on_state, "on_state")
            )
        )

    def wait_many(
        self,
        uids: Iterable[str],
        *,
        until: Literal["ready", "playable"] = "ready",
        timeout: float | None = 3600,
    ) -> Bulk[Ready | WaitFailed]:
        """Wait until many videos are encoded; each has its outcome, told in the order in which they are there.

        ``for`` walks the outcomes; ``outcome.error is None`` tells success. However many videos are waited for,
        here and by `wait_until_ready`, the client asks for them with one request at a time, at most two in a second.

        Args:
            uids: the videos; read ahead, so that those that come late hold up nobody.
            until: ``ready`` waits for every quality, ``playable`` for the first one.
            timeout: seconds for each video from when it was read; None waits as long as it takes.
        """
        return Bulk(self._portal, self._impl.wait_many(read_by_caller(uids), until=until, timeout=timeout))
