"""What is attached to a video: captions and watermark profiles."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs

from cfstream._types import FileSource
from cfstream.models._base import Between, extra_field

CaptionStatus = Literal["ready", "inprogress", "error"]

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


class _WatermarkFile(TypedDict):
    file: FileSource
    """The PNG image, up to 2 MiB: a path, bytes or a binary file object."""


class WatermarkCreateParams(_WatermarkFile, total=False):
    """Keywords of ``stream.watermarks.create`` (watermark page of the Stream docs)."""

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


class CaptionFile(TypedDict):
    """The body of ``stream.captions.language.update``."""

    file: FileSource
    """The WebVTT file, up to 10 MB: a path, bytes or a binary file object."""
