"""The work that is done in a child process, as values that travel there as JSON."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_args

import attrs

PresetName = Literal["fast", "full"]
Fit = Literal["crop", "clip", "scale", "fill"]


@attrs.frozen(kw_only=True)
class Mark:
    """A watermark: a PNG, and where and how it lies on the picture.

    ``scale`` is its share of the picture's width or height, whichever it meets first; 0 leaves it in its own size.
    ``padding`` is what stays free beside it, as a share of the width, and above or below it, of the height.
    """

    image: Path = attrs.field(converter=Path)
    position: str = "upperRight"
    scale: float = 0.15
    opacity: float = 1.0
    padding: float = 0.05


def _marks(given: "Iterable[Mark | Mapping[str, Any]]") -> tuple[Mark, ...]:
    return tuple(each if isinstance(each, Mark) else Mark(**each) for each in given)


@attrs.frozen(kw_only=True)
class EncodeJob:
    """Probe a file and encode it; see ``encode``."""

    name: ClassVar[str] = "encode"

    source: Path = attrs.field(converter=Path)
    out_dir: Path = attrs.field(converter=Path)
    preset: PresetName = attrs.field(default="full", validator=attrs.validators.in_(get_args(PresetName)))
    start: float | None = None
    end: float | None = None
    """Which part of the file to encode, in seconds; both or neither."""
    marks: tuple[Mark, ...] = attrs.field(default=(), converter=_marks)


@attrs.frozen(kw_only=True)
class ThumbnailJob:
    """Write one JPEG of a finished encoding; see ``thumbnail``."""

    name: ClassVar[str] = "thumbnail"

    hls_dir: Path = attrs.field(converter=Path)
    target: Path = attrs.field(converter=Path)
    time: float = 0.0
    width: int = 640
    height: int = 640
    fit: Fit = attrs.field(default="crop", validator=attrs.validators.in_(get_args(Fit)))


@attrs.frozen(kw_only=True)
class GifJob(ThumbnailJob):
    """Write an animated GIF of a finished encoding; see ``animation``."""

    name: ClassVar[str] = "gif"

    duration: float = 5.0
    fps: int = 8


@attrs.frozen(kw_only=True)
class Mp4Job:
    """Write one MP4 from a finished encoding; see ``to_mp4``."""

    name: ClassVar[str] = "mp4"

    hls_dir: Path = attrs.field(converter=Path)
    target: Path = attrs.field(converter=Path)
    sound: str | None = None
    """The folder of its sound."""
    sound_only: bool = False


@attrs.frozen(kw_only=True)
class ProbeJob:
    """Look at a file; see ``probe``."""

    name: ClassVar[str] = "probe"

    source: Path = attrs.field(converter=Path)


@attrs.frozen(kw_only=True)
class TrackJob:
    """Make an additional sound track; see ``encode_track``."""

    name: ClassVar[str] = "track"

    source: Path = attrs.field(converter=Path)
    out_dir: Path = attrs.field(converter=Path)
    seconds: float


@attrs.frozen(kw_only=True)
class RecordingJob:
    """Write what a broadcast left as a file like an uploaded one; see ``record``."""

    name: ClassVar[str] = "recording"

    source: Path = attrs.field(converter=Path)
    target: Path = attrs.field(converter=Path)


@attrs.frozen(kw_only=True)
class MakeJob:
    """Make a video to try things with; see ``make_test_video``."""

    name: ClassVar[str] = "make"

    target: Path = attrs.field(converter=Path)
    seconds: float


@attrs.frozen(kw_only=True)
class PlayJob:
    """Prove that a manifest plays; see ``decode_hls``."""

    name: ClassVar[str] = "play"

    address: str


Job = EncodeJob | ThumbnailJob | GifJob | Mp4Job | ProbeJob | TrackJob | RecordingJob | MakeJob | PlayJob

_KINDS: Final[dict[str, type[Job]]] = {kind.name: kind for kind in get_args(Job)}


def to_arguments(job: Job) -> list[str]:
    """The command line of a job."""
    return [job.name, json.dumps(attrs.asdict(job), default=str)]


def from_arguments(arguments: list[str]) -> Job:
    """The job of a command line."""
    name, fields = arguments
    return _KINDS[name](**json.loads(fields))
