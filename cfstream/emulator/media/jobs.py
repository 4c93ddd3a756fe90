"""The work that is done in a child process, as values that travel there as JSON."""

import json
from pathlib import Path
from typing import ClassVar, Final, Literal, get_args

import attrs

PresetName = Literal["fast", "full"]
Fit = Literal["crop", "clip", "scale", "fill"]


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


@attrs.frozen(kw_only=True)
class ThumbnailJob:
    """Write one JPEG; see ``thumbnail``."""

    name: ClassVar[str] = "thumbnail"

    source: Path = attrs.field(converter=Path)
    target: Path = attrs.field(converter=Path)
    time: float = 0.0
    width: int = 640
    height: int = 640
    fit: Fit = attrs.field(default="crop", validator=attrs.validators.in_(get_args(Fit)))


@attrs.frozen(kw_only=True)
class Mp4Job:
    """Write one MP4 from a finished encoding; see ``to_mp4``."""

    name: ClassVar[str] = "mp4"

    hls_dir: Path = attrs.field(converter=Path)
    target: Path = attrs.field(converter=Path)
    sound_only: bool = False


@attrs.frozen(kw_only=True)
class ProbeJob:
    """Look at a file; see ``probe``."""

    name: ClassVar[str] = "probe"

    source: Path = attrs.field(converter=Path)


@attrs.frozen(kw_only=True)
class SoundJob:
    """Make sure that a file holds sound; see ``check_sound``."""

    name: ClassVar[str] = "sound"

    source: Path = attrs.field(converter=Path)


Job = EncodeJob | ThumbnailJob | Mp4Job | ProbeJob | SoundJob

_KINDS: Final[dict[str, type[Job]]] = {
    kind.name: kind for kind in (EncodeJob, ThumbnailJob, Mp4Job, ProbeJob, SoundJob)
}


def to_arguments(job: Job) -> list[str]:
    """The command line of a job."""
    return [job.name, json.dumps(attrs.asdict(job), default=str)]


def from_arguments(arguments: list[str]) -> Job:
    """The job of a command line."""
    name, fields = arguments
    return _KINDS[name](**json.loads(fields))
