"""Watermarks: where they lie, how large and how strong they are, and that the rest of the picture stays."""

from pathlib import Path
from typing import Any

import pytest
from media_samples import GREY, decoded, image, make, pixel, red_box

from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.jobs import Mark
from cfstream.emulator.media.thumbnail import thumbnail


def marked(tmp_path: Path, *marks: Mark, preset: Any = "fast", **kinds: Any) -> Path:
    source = make(tmp_path / "a.mp4", **{"size": (320, 180), "seconds": 0.5, "pattern": GREY, **kinds})
    encode(source, tmp_path / "out", preset=preset, marks=marks)
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("position", "box"),
    [
        ("upperRight", (208, 18, 288, 58)),
        ("upperLeft", (32, 18, 112, 58)),
        ("lowerLeft", (32, 122, 112, 162)),
        ("lowerRight", (208, 122, 288, 162)),
        ("center", (120, 70, 200, 110)),
    ],
)
def test_position(tmp_path: Path, position: str, box: tuple[int, int, int, int]) -> None:
    mark = Mark(image=image(tmp_path / "m.png"), position=position, scale=0.25, padding=0.1)
    frames = decoded(marked(tmp_path, mark) / "180" / "stream.m3u8")
    assert len(frames) == 15
    for frame in (frames[0], frames[-1]):
        assert red_box(frame) == pytest.approx(box, abs=2)


@pytest.mark.parametrize(
    ("size", "scale", "padding", "box"),
    [
        ((320, 180), 1.0, 0.0, (0, 10, 320, 170)),  # as wide as the picture
        ((180, 320), 0.5, 0.0, (90, 0, 180, 45)),  # of an upright picture the width comes first
        ((320, 180), 0.0, 0.0, (280, 0, 320, 20)),  # as it is
        ((320, 180), 0.25, 1.0, (0, 140, 80, 180)),  # padding cannot push it out
    ],
)
def test_scale_and_padding(
    tmp_path: Path, size: tuple[int, int], scale: float, padding: float, box: tuple[int, int, int, int]
) -> None:
    position = "center" if scale == 1 else "upperRight"
    mark = Mark(image=image(tmp_path / "m.png"), position=position, scale=scale, padding=padding)
    out = marked(tmp_path, mark, size=size)
    assert red_box(decoded(out / "180" / "stream.m3u8")[0]) == pytest.approx(box, abs=2)


@pytest.mark.parametrize(("opacity", "red", "green"), [(1.0, 254, 0), (0.5, 191, 64), (0.25, 160, 96), (0.0, 128, 128)])
def test_opacity(tmp_path: Path, opacity: float, red: int, green: int) -> None:
    mark = Mark(image=image(tmp_path / "m.png"), position="center", scale=0.5, opacity=opacity)
    shown = pixel(decoded(marked(tmp_path, mark) / "180" / "stream.m3u8")[0], 160, 90)
    assert shown[0] == pytest.approx(red, abs=8)
    assert shown[1] == pytest.approx(green, abs=8)


def test_an_image_that_is_half_transparent_stays_so(tmp_path: Path) -> None:
    mark = Mark(image=image(tmp_path / "m.png", rgba=(255, 0, 0, 128)), position="center", scale=0.5)
    shown = pixel(decoded(marked(tmp_path, mark) / "180" / "stream.m3u8")[0], 160, 90)
    assert shown[0] == pytest.approx(191, abs=8)
    assert shown[1] == pytest.approx(64, abs=8)


def test_every_size_shows_it_and_nothing_else_changes(tmp_path: Path) -> None:
    mark = Mark(image=image(tmp_path / "m.png"), scale=0.25, padding=0.0)
    with_it = marked(tmp_path, mark, size=(854, 480), preset="full")
    encode(tmp_path / "a.mp4", tmp_path / "plain", preset="full")
    for name in ("240", "360", "480"):
        one, other = (decoded(out / name / "stream.m3u8")[3] for out in (with_it, tmp_path / "plain"))
        width, height = one.width, one.height
        assert red_box(one) == pytest.approx((width - width // 4, 0, width, width // 8), abs=3)
        assert red_box(other) is None
        for x, y in ((5, 5), (width // 2, height // 2), (5, height - 5), (width - 5, height - 5)):
            assert pixel(one, x, y) == pytest.approx(pixel(other, x, y), abs=4)


def test_segments_begin_where_they_do_without_it(tmp_path: Path) -> None:
    mark = Mark(image=image(tmp_path / "m.png"))
    out = marked(tmp_path, mark, size=(160, 90), seconds=9, fps=10)
    frames = decoded(out / "90" / "stream.m3u8")
    assert [frame.time for frame in frames] == pytest.approx([number / 10 for number in range(90)])
    assert [frame.time for frame in frames if frame.key_frame] == [0, 4, 8]


def test_a_turned_picture_has_it_upright(tmp_path: Path) -> None:
    mark = Mark(image=image(tmp_path / "m.png"), scale=0.5, padding=0.0)
    out = marked(tmp_path, mark, rotation=90)
    frame = decoded(out / "180" / "stream.m3u8")[0]
    assert (frame.width, frame.height) == (180, 320)
    assert red_box(frame) == pytest.approx((90, 0, 180, 45), abs=2)


def test_it_stays_when_the_size_changes_on_the_way(tmp_path: Path) -> None:
    parts = [
        make(tmp_path / f"{wide}.ts", container="mpegts", size=(wide, 90), seconds=1, pattern=GREY,
             options={"output_ts_offset": str(offset)})
        for offset, wide in enumerate((160, 120))
    ]  # fmt: skip
    (tmp_path / "a.ts").write_bytes(b"".join(each.read_bytes() for each in parts))
    encode(tmp_path / "a.ts", tmp_path / "out", preset="fast", marks=(Mark(image=image(tmp_path / "m.png")),))
    frames = decoded(tmp_path / "out" / "90" / "stream.m3u8")
    assert red_box(frames[0]) is not None
    assert red_box(frames[0]) == red_box(frames[-1])


def test_two_lie_over_each_other(tmp_path: Path) -> None:
    first = Mark(image=image(tmp_path / "1.png"), position="center", scale=0.5)
    second = Mark(image=image(tmp_path / "2.png", rgba=(0, 0, 255, 255)), position="center", scale=0.1)
    frame = decoded(marked(tmp_path, first, second) / "180" / "stream.m3u8")[0]
    assert pixel(frame, 160, 90)[2] > 200
    assert pixel(frame, 100, 90)[0] > 200


def test_stills_show_it(tmp_path: Path) -> None:
    mark = Mark(image=image(tmp_path / "m.png"), scale=0.25, padding=0.0)
    (tmp_path / "still.jpg").write_bytes(thumbnail(marked(tmp_path, mark), width=320, height=180))
    assert red_box(decoded(tmp_path / "still.jpg")[0]) == pytest.approx((240, 0, 320, 40), abs=3)


def _header_of_a_giant(whole: bytes) -> bytes:
    return whole[:16] + b"\x00\x01\x00\x00\x00\x01\x00\x00" + whole[24:]


@pytest.mark.parametrize(
    "broken",
    [
        lambda whole: b"",
        lambda whole: whole[:33],
        lambda whole: b"no image at all" * 10,
        lambda whole: whole[:40] + bytes(len(whole) - 40),
        _header_of_a_giant,
    ],
)
def test_a_broken_image_fails_and_says_why(tmp_path: Path, broken: Any) -> None:
    path = image(tmp_path / "m.png")
    path.write_bytes(broken(path.read_bytes()))
    with pytest.raises(MediaError, match="ERR_UNKNOWN: The image of the watermark cannot be read"):
        marked(tmp_path, Mark(image=path))
