"""Stills and GIFs are decoded again and measured."""

from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from media_samples import HALVES, colour, make

from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.thumbnail import animation, thumbnail

# Red in the first second, blue in the next, and so on.
BLINKING = ("color=c=red", "drawbox=color=blue:t=fill:enable='between(mod(t,2),1,1.99)'")


def picture(data: bytes) -> VideoFrame:
    assert data.startswith(b"\xff\xd8\xff")
    with av.open(BytesIO(data), "r", format="mjpeg") as container:
        return next(container.decode(video=0))


def encoded(source: Path) -> Path:
    out = source.parent / "hls"
    if not out.exists():
        encode(source, out, preset="fast")
    return out


def shot(source: Path, **wishes: Any) -> VideoFrame:
    return picture(thumbnail(encoded(source), **wishes))


@pytest.mark.parametrize(
    ("fit", "size"),
    [("crop", (100, 100)), ("clip", (100, 56)), ("scale", (100, 100)), ("fill", (100, 100))],
)
def test_size_by_fit(tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    frame = shot(make(tmp_path / "a.mp4", seconds=0.5), width=100, height=100, fit=fit)
    assert (frame.width, frame.height) == size


def test_default_size(tmp_path: Path) -> None:
    frame = shot(make(tmp_path / "a.mp4", seconds=0.5))
    assert (frame.width, frame.height) == (640, 640)


def test_crop_cuts_the_sides(tmp_path: Path) -> None:
    frame = shot(make(tmp_path / "a.mp4", seconds=0.5, pattern=HALVES), width=60, height=60, fit="crop")
    assert (colour(frame, 0.1, 0.5), colour(frame, 0.9, 0.5)) == ("red", "blue")
    assert colour(frame, 0.1, 0.02) == "red"


def test_fill_keeps_the_frame_on_black(tmp_path: Path) -> None:
    frame = shot(make(tmp_path / "a.mp4", seconds=0.5, pattern=HALVES), width=60, height=60, fit="fill")
    assert colour(frame, 0.5, 0.05) == "black"
    assert colour(frame, 0.5, 0.95) == "black"
    assert (colour(frame, 0.05, 0.5), colour(frame, 0.95, 0.5)) == ("red", "blue")


@pytest.mark.parametrize(("width", "height"), [(75, 31), (31, 75), (2, 2), (1, 640), (1999, 10)])
@pytest.mark.parametrize("fit", ["crop", "fill", "scale"])
def test_odd_boxes(tmp_path: Path, width: int, height: int, fit: str) -> None:
    frame = shot(make(tmp_path / "a.mp4", seconds=0.2), width=width, height=height, fit=fit)
    assert (frame.width, frame.height) == (width, height)


def test_upright(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", seconds=0.5, pattern=HALVES, rotation=90)
    frame = shot(source, width=100, height=100, fit="clip")
    assert (frame.width, frame.height) == (56, 100)
    assert (colour(frame, 0.5, 0.1), colour(frame, 0.5, 0.9)) == ("blue", "red")


def test_wide_pixels(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mp4", size=(120, 90), seconds=0.5, aspect=Fraction(3, 2))
    frame = shot(source, width=180, height=180, fit="clip")
    assert (frame.width, frame.height) == (180, 90)


@pytest.mark.parametrize("container", ["mp4", "matroska", "mpegts"])
@pytest.mark.parametrize(
    ("time", "expected"), [(0.0, "red"), (0.9, "red"), (1.05, "blue"), (2.5, "red"), (3.5, "blue"), (99.0, "blue")]
)
def test_time(tmp_path: Path, container: str, time: float, expected: str) -> None:
    source = make(tmp_path / "a", container=container, seconds=4, pattern=BLINKING)
    assert colour(shot(source, time=time, width=32, height=32), 0.5, 0.5) == expected


def test_recording_without_length(tmp_path: Path) -> None:
    source = make(tmp_path / "a", container="webm", codec="libvpx", options={"live": "1"}, seconds=2, pattern=BLINKING)
    assert colour(shot(source, time=1.5, width=32, height=32), 0.5, 0.5) == "blue"
    assert colour(shot(source, time=50, width=32, height=32), 0.5, 0.5) == "blue"


def test_of_nothing_there_is_no_still(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        thumbnail(tmp_path)


def test_broken_segments(tmp_path: Path) -> None:
    out = encoded(make(tmp_path / "a.mp4", seconds=0.5))
    for segment in out.glob("*/seg_*.mp4"):
        segment.write_bytes(b"x" * 100)
    with pytest.raises(MediaError, match="ERR_MALFORMED_VIDEO"):
        thumbnail(out)


def moving(source: Path, **wishes: Any) -> list[tuple[float, VideoFrame]]:
    """The pictures of an animation, each with its time."""
    target = source.parent / "a.gif"
    animation(encoded(source), target, **{"width": 64, "height": 36, **wishes})
    with av.open(str(target)) as container:
        return [(frame.time, frame.reformat(format="rgb24")) for frame in container.decode(video=0)]


@pytest.mark.parametrize(
    ("wishes", "count", "last"),
    [
        ({}, 24, 2.88),
        ({"duration": 2.0}, 16, 1.88),
        ({"duration": 2.0, "fps": 15}, 30, 1.93),
        ({"duration": 1.0, "fps": 1}, 1, 0.0),
        ({"time": 2.5}, 4, 0.38),
        ({"time": 99.0}, 1, 0.0),
    ],
)
def test_animation_has_so_many_pictures(tmp_path: Path, wishes: dict[str, Any], count: int, last: float) -> None:
    pictures = moving(make(tmp_path / "a.mp4", seconds=3), **wishes)
    assert len(pictures) == count
    assert pictures[0][0] == 0
    assert pictures[-1][0] == pytest.approx(last, abs=0.011)


def test_animation_shows_its_part_of_the_video(tmp_path: Path) -> None:
    pictures = moving(make(tmp_path / "a.mp4", seconds=4, pattern=BLINKING), time=1.6, duration=2.0, fps=4)
    shown = [colour(frame, 0.5, 0.5) for _, frame in pictures]
    assert shown == ["blue"] * 2 + ["red"] * 4 + ["blue"] * 2


@pytest.mark.parametrize(
    ("fit", "size"), [("crop", (60, 60)), ("clip", (60, 34)), ("scale", (60, 60)), ("fill", (60, 60))]
)
def test_size_of_an_animation(tmp_path: Path, fit: str, size: tuple[int, int]) -> None:
    source = make(tmp_path / "a.mp4", seconds=1, pattern=HALVES)
    for _, frame in moving(source, width=60, height=60, fit=fit, duration=0.5):
        assert (frame.width, frame.height) == size
        assert (colour(frame, 0.1, 0.5), colour(frame, 0.9, 0.5)) == ("red", "blue")
