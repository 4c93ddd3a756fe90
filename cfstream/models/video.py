"""Videos: what the service tells about one, and the keywords that list, make and change them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs

from cfstream._limits import LIMITS
from cfstream._types import Secret
from cfstream.models._base import (
    AtLeast,
    Between,
    DaysAhead,
    MaxLength,
    Url,
    also_read,
    extra_field,
    minus_one_is_none,
    name_in,
)
from cfstream.models.media import Watermark

VideoState = Literal["pendingupload", "downloading", "queued", "inprogress", "ready", "error", "live-inprogress"]
"""The life of a video (API reference, list videos): a new state of the service is kept as a plain string."""

Creator = Annotated[str, MaxLength(LIMITS.creator_length)]
Duration = Annotated[int, Between(1, LIMITS.duration_max)]
DeletionTime = Annotated[datetime, DaysAhead(LIMITS.deletion_days_min, LIMITS.deletion_days_max)]
Uid = Annotated[str, MaxLength(LIMITS.uid_length)]
Share = Annotated[float, Between(0, 1)]


@attrs.frozen(kw_only=True)
class VideoInput:
    """The picture size of the source in pixels; None until the service has looked at the file."""

    width: int | None = minus_one_is_none()
    height: int | None = minus_one_is_none()
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Playback:
    """The manifests of a video; empty texts where the service sent none."""

    hls: str = ""
    dash: str = ""
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class PublicDetails:
    """What the Stream player shows beside the video."""

    title: str | None = None
    share_link: str | None = None
    channel_link: str | None = None
    logo: str | None = None
    media_id: int | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class VideoStatus:
    """Where a video stands on its way to playback."""

    state: VideoState | str = ""
    pct_complete: float | None = None
    """Encoding progress, 0 to 100; may be below 100 while the state is already ``ready``."""
    error_reason_code: str = also_read("", "errReasonCode")
    """Why encoding failed, such as ``ERR_NON_VIDEO``; empty otherwise."""
    error_reason_text: str = also_read("", "errReasonText")
    step: str | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Video:
    """A video of the account (API reference, Stream video)."""

    uid: str
    created: datetime
    allowed_origins: tuple[str, ...] = ()
    """Where the video may be embedded; empty means anywhere."""
    clipped_from: str | None = None
    """The uid of the video this one was cut from."""
    creator: str | None = None
    duration: float | None = minus_one_is_none()
    """Seconds; None until known."""
    input: VideoInput = attrs.field(factory=VideoInput)
    live_input: str | None = None
    """The uid of the live input that was recorded."""
    max_duration_seconds: int | None = minus_one_is_none()
    max_size_bytes: int | None = None
    meta: Mapping[str, Any] = attrs.field(factory=dict)
    """Free metadata; the service keeps the name in it."""
    modified: datetime | None = None
    playback: Playback = attrs.field(factory=Playback)
    preview: str | None = None
    """The address of the stand-alone player page."""
    public_details: PublicDetails | None = None
    ready_to_stream: bool = False
    """Whether at least one quality plays."""
    ready_to_stream_at: datetime | None = None
    require_signed_urls: bool = False
    scheduled_deletion: datetime | None = None
    size: int | None = None
    """Bytes of the source."""
    status: VideoStatus = attrs.field(factory=VideoStatus)
    thumbnail: str | None = None
    thumbnail_timestamp_pct: float | None = None
    uploaded: datetime | None = None
    upload_expiry: datetime | None = None
    watermark: Watermark | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)

    @property
    def name(self) -> str | None:
        """The name in ``meta``, where there is one."""
        return name_in(self.meta)


@attrs.frozen(kw_only=True)
class Clip(Video):
    """A video cut out of another one.

    The service answers with a video; the API reference once had an object of its own, which names the source and the
    borders but not the clip itself: then ``uid`` is empty.
    """

    uid: str = ""
    clipped_from_video_uid: str | None = None
    """The same as ``clipped_from``."""
    start_time_seconds: int | None = None
    end_time_seconds: int | None = None

    __hash__ = Video.__hash__

    @staticmethod
    def _reshaped(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        source = value.get("clippedFrom") or value.get("clippedFromVideoUID")
        status = value.get("status")
        both = {"clippedFrom": source, "clippedFromVideoUID": source} if source else {}
        return {**value, **both, "status": {"state": status} if isinstance(status, str) else status}


@attrs.frozen(kw_only=True)
class DirectUpload:
    """A one-time address that an end user uploads a video to without credentials."""

    uid: str
    """The video it becomes."""
    upload_url: Secret
    """Takes one form upload (``multipart/form-data``, part ``file``) of up to 200 MB."""
    scheduled_deletion: datetime | None = None
    watermark: Watermark | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)


@attrs.frozen(kw_only=True)
class TusUpload:
    """A resumable upload that the service has made room for; its bytes go to ``upload_url``."""

    uid: str
    upload_url: Secret
    """Where the chunks go; whoever has it can write to this upload."""


@attrs.frozen(kw_only=True)
class StorageUsage:
    """How much of the account's storage is used."""

    creator: str | None = None
    total_storage_minutes: float | None = None
    total_storage_minutes_limit: int | None = None
    video_count: int | None = None
    extra: Mapping[str, Any] = extra_field()


class PublicDetailsParams(TypedDict, total=False):
    """What the Stream player shows beside the video; None clears a text."""

    title: str | None
    """The title on the player."""
    share_link: str | None
    """Where the share button leads."""
    channel_link: str | None
    """Where the logo leads."""
    logo: str | None
    """The address of the logo image."""


class StreamListParams(TypedDict, total=False):
    """Keywords of ``stream.list`` (API reference, list videos)."""

    id: str
    """Uids, joined by commas."""
    creator: Creator
    """Only videos of this creator."""
    status: VideoState
    """Only videos in this state."""
    type: Literal["vod", "live"]
    """Only uploads, or only live broadcasts and their recordings."""
    search: str
    """Part of the name; slow on large accounts."""
    name: str
    """The name."""
    video_name: str
    """The exact name."""
    live_input_id: str
    """Only recordings of this live input."""
    start: datetime
    """Created at this time or later."""
    after: datetime
    """The same as ``start``."""
    end: datetime
    """Created at this time or earlier."""
    before: datetime
    """The same as ``end``."""
    asc: bool
    """Oldest first instead of newest first."""
    limit: Annotated[int, Between(1, LIMITS.page_max)]
    """Videos in one request, 1 to 1,000 (the default here); the walk goes on past it."""
    include_counts: bool
    """Whether pages carry ``total`` and ``range``."""


class _StreamCreateLength(TypedDict):
    upload_length: Annotated[int, Between(0, LIMITS.file_max)]
    """Bytes of the whole file."""


class StreamCreateParams(_StreamCreateLength, total=False):
    """Keywords of ``stream.create`` (API reference, initiate video uploads using tus)."""

    direct_user: bool
    """Make a one-time address that an end user uploads to without credentials."""
    upload_creator: Creator
    """The creator of the video."""
    upload_metadata: str | Mapping[str, str | None]
    """The ``Upload-Metadata`` header as it stands, or its keys and values, which are then encoded; a None value
    sends the bare key."""
    tus_resumable: Literal["1.0.0"]
    """The version of tus; there is one."""


class StreamEditParams(TypedDict, total=False):
    """Keywords of ``stream.edit`` (API reference, edit video details): what is left out stays as it is."""

    allowed_origins: Sequence[str]
    """Where the video may be embedded; an empty list means anywhere."""
    creator: Creator
    """The creator, up to 64 characters."""
    max_duration_seconds: Duration
    """The longest video that a pending upload accepts."""
    meta: Mapping[str, Any]
    """Free metadata. The service replaces it whole: send every key that is to stay."""
    public_details: PublicDetailsParams
    """What the Stream player shows beside the video."""
    require_signed_urls: bool
    """Whether playback needs a signed token."""
    scheduled_deletion: Annotated[datetime, DaysAhead(0, LIMITS.deletion_days_max)] | None
    """When the video is to be deleted, 30 to 1,096 days after it was created; None keeps it."""
    thumbnail_timestamp_pct: Share
    """Where the thumbnail is taken, as a share of the duration."""
    upload_expiry: datetime
    """Until when a pending upload may be completed."""
    uid: str
    """The uid again; the service accepts it and does not need it."""


class WatermarkAtUpload(TypedDict):
    """The watermark of a new video."""

    uid: Uid
    """The uid of a watermark profile."""


class NewVideoParams(TypedDict, total=False):
    """Keywords that every call takes which makes a video without its bytes."""

    allowed_origins: Sequence[str]
    """Where the video may be embedded; an empty list means anywhere."""
    creator: Creator
    """The creator, up to 64 characters."""
    meta: Mapping[str, Any]
    """Free metadata; ``name`` in it is what the dashboard shows."""
    require_signed_urls: bool
    """Whether playback needs a signed token."""
    scheduled_deletion: DeletionTime
    """When the video is to be deleted, 30 to 1,096 days from now."""
    thumbnail_timestamp_pct: Share
    """Where the thumbnail is taken, as a share of the duration."""
    watermark: WatermarkAtUpload
    """The watermark; it cannot be changed afterwards."""


class _ClipPart(NewVideoParams):
    clipped_from_video_uid: Uid
    """The video to cut from; it must be ready."""
    start_time_seconds: Annotated[int, AtLeast(0)]
    """Where the clip begins, in whole seconds."""
    end_time_seconds: Annotated[int, AtLeast(1)]
    """Where it ends, in whole seconds; behind the beginning."""


class ClipCreateParams(_ClipPart, total=False):
    """Keywords of ``stream.clip.create`` (API reference, clip videos given a start and end time)."""

    name: str
    """The name of the clip."""
    input: Url
    """An address, as the API reference lists it for clips; its use is not documented."""
    url: Url
    """The same under its older name."""


class CopyJobParams(NewVideoParams, total=False):
    """The options of a video that the service fetches itself."""

    name: str
    """The name of the video."""
    upload_creator: Creator
    """The creator, sent as a header instead of in the body."""


class CopyCreateParams(CopyJobParams, total=False):
    """Keywords of ``stream.copy.create`` (API reference, upload videos from a URL); ``input`` or ``url`` is needed."""

    input: Url
    """The http or https address of the video, which the service must be able to reach."""
    url: Url
    """The same under its older name."""


class _DirectUploadDuration(NewVideoParams):
    max_duration_seconds: Duration
    """The longest video accepted, 1 to 36,000; so much storage is reserved until the upload is processed."""


class DirectUploadCreateParams(_DirectUploadDuration, total=False):
    """Keywords of ``stream.direct_upload.create`` (API reference, upload videos via direct upload URLs)."""

    expiry: datetime
    """Until when the address can be used; the service's default is 30 minutes from now."""
    upload_creator: Creator
    """The creator, sent as a header instead of in the body."""


class StorageUsageParams(TypedDict, total=False):
    """Keywords of ``stream.videos.storage_usage``."""

    creator: Creator
    """Only the videos of this creator."""


@attrs.frozen(kw_only=True)
class UploadProgress:
    """How far an upload is; ``bytes`` may go back when the server turns out to have less than was sent."""

    source: str
    """What is uploaded, as it can be shown."""
    uid: str
    """The video it becomes; empty before the service has named it."""
    bytes: int
    """Handed over to the connection so far; what the server has confirmed may be up to one chunk less."""
    total: int
    rate: float
    """Bytes per second over the last few seconds."""
    attempt: int
    """1, and one more for every time the upload was taken up again."""


class UploadParams(TypedDict, total=False):
    """The options of an upload that the service sees, checked by the rules of the calls they stand for."""

    name: str
    """The name."""
    creator: Creator
    """The creator."""
    require_signed_urls: bool
    """Whether playback needs a signed token."""
    allowed_origins: Sequence[str]
    """Where the video may be embedded."""
    thumbnail_timestamp_pct: Share
    """Where the thumbnail is taken."""
    watermark: str
    """The uid of a watermark profile."""
    scheduled_deletion: DeletionTime
    """When the video is to be deleted."""
    max_duration_seconds: Duration
    """The longest video accepted."""
    expiry: datetime
    """Until when the upload must be complete."""


class UploadJobParams(UploadParams, total=False):
    """The options of one of many uploads, or the defaults of all; those of `stream.upload`."""

    meta: Mapping[str, str]
    """Further free metadata, texts by key."""
    length: int
    """The size in bytes, for a source that does not know it."""
    chunk_size: int
    """Bytes in one request: 5 to 200 MiB in steps of 256 KiB."""
    on_progress: Callable[[UploadProgress], Awaitable[object] | object]
    """Called with an `UploadProgress` of this upload; may be async."""
