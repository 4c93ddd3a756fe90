"""What is attached to a video: captions, audio tracks, downloads and watermark profiles."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs

from cfstream._types import FileSource
from cfstream.models._base import Between, Url, extra_field

CaptionStatus = Literal["ready", "inprogress", "error"]

AudioStatus = Literal["queued", "ready", "error"]

DownloadStatus = Literal["ready", "inprogress", "error"]

DownloadType = Literal["default", "audio"]
"""``default`` is an MP4 with picture and sound, ``audio`` an M4A."""

WatermarkPosition = Literal["upperRight", "upperLeft", "lowerLeft", "lowerRight", "center"]
"""Where a watermark stands; ``center`` ignores the padding."""


@attrs.frozen(kw_only=True)
class Caption:
    """A caption or subtitle track of a video in one language."""

    language: str
    """BCP 47 tag."""
    label: str | None = None
    """The name of the language as players show it, such as ``English (auto-generated)``."""
    generated: bool = False
    """Whether the service wrote it by speech recognition."""
    status: CaptionStatus | str | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Watermark:
    """A watermark profile: an image and how it is laid over videos."""

    uid: str
    created: datetime | None = None
    downloaded_from: str | None = None
    """The URL the image came from; None for an uploaded one."""
    height: int | None = None
    """Pixels."""
    width: int | None = None
    """Pixels."""
    name: str | None = None
    opacity: float | None = None
    """0.0 (invisible) to 1.0."""
    padding: float | None = None
    """Space to the edges as a share of the video, 0.0 to 1.0."""
    position: WatermarkPosition | str | None = None
    scale: float | None = None
    """Size as a share of the video, 0.0 (not scaled) to 1.0 (fills it)."""
    size: int | None = None
    """Bytes."""
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)


@attrs.frozen(kw_only=True)
class Audio:
    """An additional audio track of a video; the track it was uploaded with is not listed."""

    uid: str
    label: str | None = None
    """The name of the track as players show it."""
    default: bool = False
    """Whether players begin with it."""
    status: AudioStatus | str | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.uid)


@attrs.frozen(kw_only=True)
class Download:
    """A file to download; its address works once the status is ``ready``."""

    status: DownloadStatus | str = ""
    percent_complete: float | None = None
    """0 to 100."""
    url: str | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Downloads:
    """The downloads of a video by type; None for a type that was not made.

    The API reference once had a single download here; it is read as the default one.
    """

    default: Download | None = None
    """The MP4."""
    audio: Download | None = None
    """The M4A."""
    extra: Mapping[str, Any] = extra_field()

    @staticmethod
    def _reshaped(value: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("status"), str):
            return value
        return {"default": value}


@attrs.frozen(kw_only=True)
class DownloadProgress:
    """How far the saving of a download is; ``bytes`` goes back when the file has to be fetched from its beginning."""

    uid: str
    """The video."""
    path: str
    """Where the file will be."""
    bytes: int
    """Of the file that are there."""
    total: int | None = None
    """Of the whole file; None where the media host does not tell before its end."""
    rate: float
    """Bytes per second over the last few seconds."""
    attempt: int
    """1, and one more for every time the download was taken up again."""


class WatermarkCreateParams(TypedDict, total=False):
    """Keywords of ``stream.watermarks.create`` (watermark page of the Stream docs); ``file`` or ``url`` is needed."""

    file: FileSource
    """The PNG image, up to 2 MiB: a path, bytes or a binary file object."""
    url: Url
    """The address of the PNG image, which the service fetches itself."""
    name: str
    """A short description of the profile."""
    opacity: Annotated[float, Between(0, 1)]
    """0.0 makes the image invisible, 1.0 (the service's default) opaque."""
    padding: Annotated[float, Between(0, 1)]
    """Space between the image and the edges as a share of the video; the service's default is 0.05."""
    position: WatermarkPosition
    """The corner, or the centre; the service's default is ``upperRight``."""
    scale: Annotated[float, Between(0, 1)]
    """Size as a share of the video; the service's default is 0.15, and 0.0 keeps the image's own size."""


class AudioTrackEditParams(TypedDict, total=False):
    """Keywords of ``stream.audio_tracks.edit`` (API reference, edit additional audio tracks)."""

    label: str
    """The name of the track; each track of a video has its own."""
    default: bool
    """Whether players begin with it; True takes this from the track that had it."""


class _AudioTrackLabel(TypedDict):
    label: str
    """The name of the track; each track of a video has its own."""


class AudioTrackCopyParams(_AudioTrackLabel, total=False):
    """Keywords of ``stream.audio_tracks.copy`` (API reference, add audio tracks to a video)."""

    url: Url
    """The http or https address of the audio file, which the service must be able to reach."""


class AudioTrackUploadParams(_AudioTrackLabel):
    """Keywords of ``stream.audio_tracks.upload`` (audio track page of the Stream docs)."""

    file: FileSource
    """The audio file, up to 200 MB: a path, bytes or a binary file object."""


class CaptionFile(TypedDict):
    """The body of ``stream.captions.language.update``."""

    file: FileSource
    """The WebVTT file, up to 10 MB: a path, bytes, a binary file object, or the text itself."""
