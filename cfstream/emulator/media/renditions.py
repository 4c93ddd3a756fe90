"""The facts of what an encoding made, kept beside it so that manifests can be written at any later time."""

import json
from pathlib import Path
from typing import Any, Final

import attrs

from cfstream.emulator.media.files import whole
from cfstream.emulator.media.segments import Timing

FACTS: Final = "renditions.json"


def _timing(value: Timing | dict[str, Any]) -> Timing:
    return value if isinstance(value, Timing) else Timing(**value)


@attrs.frozen(kw_only=True)
class VideoRendition:
    """One finished size of the picture; the name is its folder."""

    name: str
    width: int
    height: int
    fps: float
    codecs: str
    timing: Timing = attrs.field(converter=_timing)


@attrs.frozen(kw_only=True)
class AudioRendition:
    """One finished sound track; the name is its folder."""

    name: str
    rate: int
    channels: int
    codecs: str
    timing: Timing = attrs.field(converter=_timing)


@attrs.frozen(kw_only=True)
class Renditions:
    """All that was made of one file: the sizes, smallest first, and its own sound if there was any."""

    videos: tuple[VideoRendition, ...]
    audio: AudioRendition | None

    @property
    def seconds(self) -> float:
        """How long it plays."""
        picture = self.videos[0].timing.seconds
        return picture if self.audio is None else max(picture, self.audio.timing.seconds)

    def save(self, folder: Path) -> None:
        """Writes the facts."""
        with whole(folder / FACTS) as part:
            part.write_text(json.dumps(attrs.asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Renditions | None":
        """The facts of a folder, or None where no finished encoding lies."""
        try:
            read = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        audio = read["audio"]
        return cls(
            videos=tuple(VideoRendition(**each) for each in read["videos"]),
            audio=None if audio is None else AudioRendition(**audio),
        )
