"""Which sizes a video is encoded in, and how hard the encoder tries."""

from typing import Final

import attrs

from cfstream.emulator.media.jobs import PresetName
from cfstream.emulator.media.picture import even, even_floor


@attrs.frozen(kw_only=True)
class Preset:
    """How a ladder is made; ``ceilings`` gives the bit rate that each rung may not exceed."""

    x264: str
    scaler: str
    ceilings: dict[int, int]


@attrs.frozen(kw_only=True)
class Rung:
    """One size of the ladder; the name is its folder."""

    name: str
    width: int
    height: int
    ceiling: int


PRESETS: Final[dict[PresetName, Preset]] = {
    "fast": Preset(x264="ultrafast", scaler="bilinear", ceilings={240: 600_000, 480: 1_800_000}),
    "full": Preset(
        x264="veryfast",
        scaler="bicubic",
        ceilings={240: 500_000, 360: 900_000, 480: 1_500_000, 720: 3_000_000, 1080: 5_500_000},
    ),
}


def rungs(width: int, height: int, preset: Preset) -> tuple[Rung, ...]:
    """The rungs for a displayed size, smallest first.

    The number of a rung is the short side, so a portrait video of full HD is 1080 wide. Nothing is enlarged:
    a video below the lowest rung keeps its own size.
    """
    short = min(width, height)
    fitting = {side: limit for side, limit in preset.ceilings.items() if side <= short}
    if not fitting:
        fitting = {even_floor(short): min(preset.ceilings.values())}
    return tuple(
        Rung(
            name=str(side),
            width=side if width == short else even(width * side / short),
            height=side if height == short else even(height * side / short),
            ceiling=limit,
        )
        for side, limit in fitting.items()
    )
