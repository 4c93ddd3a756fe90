"""Parts of a file, frame by frame: each picture shows its number."""

from importlib import import_module
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import PictureType
from media_samples import NUMBERS, decoded, make, number_of, pitch, samples_of

from cfstream.emulator.media.part import Part

# The name of the module is hidden behind its function's.
encoding = import_module("cfstream.emulator.media.encode")
encode = encoding.encode


def numbered(tmp_path: Path, **kinds: Any) -> Path:
    return make(tmp_path / "a", **{"size": (320, 32), "pattern": NUMBERS, "audio": "aac", **kinds})


def shown(out: Path) -> tuple[list[int], list[float]]:
    frames = decoded(out / "32" / "stream.m3u8")
    return [number_of(frame) for frame in frames], [frame.time or 0 for frame in frames]


@pytest.mark.parametrize(
    ("container", "start", "end"),
    [("mp4", 0, 1), ("mp4", 2, 4), ("mp4", 7, 8), ("mp4", 9, 12), ("mov", 7, 8), ("matroska", 7, 8), ("mpegts", 7, 8)],
)
def test_exactly_those_frames(tmp_path: Path, container: str, start: int, end: int) -> None:
    # In a transport stream sound begins before the picture, which moves all borders by half a frame.
    audio = None if container == "mpegts" else "aac"
    source = numbered(tmp_path, container=container, seconds=12, fps=25, audio=audio)
    result = encode(source, tmp_path / "out", preset="fast", part=Part(start=start, end=end))
    found, times = shown(tmp_path / "out")
    assert found == list(range(start * 25, end * 25))
    assert times == pytest.approx([number / 25 for number in range(len(found))], abs=0.001)
    assert result.seconds == pytest.approx(end - start, abs=0.001)
    if audio is not None:
        heard = len(samples_of(tmp_path / "out" / "audio" / "stream.m3u8")) / 48000
        assert heard == pytest.approx(end - start, abs=0.05)


def test_borders_between_frames(tmp_path: Path) -> None:
    source = numbered(tmp_path, container="mp4", seconds=10, fps=24)
    encode(source, tmp_path / "out", preset="fast", part=Part(start=3.03, end=4.01))
    found, times = shown(tmp_path / "out")
    assert found == list(range(73, 97)), "the frames from 3.0417 s to 4.0 s"
    assert times[1] - times[0] == pytest.approx(1 / 24, abs=0.015)


def test_reading_begins_near_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = numbered(tmp_path, container="mp4", seconds=30, fps=25)
    part = Part(start=25, end=26)
    read: dict[str, int] = {}

    def run(name: str) -> tuple[list[int], list[float]]:
        count = 0

        def counted(each: Any) -> Any:
            nonlocal count
            count += 1
            return original(each)

        original = encoding.decode
        with monkeypatch.context() as patch:
            patch.setattr(encoding, "decode", counted)
            encode(source, tmp_path / name, preset="fast", part=part)
        read[name] = count
        return shown(tmp_path / name)

    near = run("near")
    monkeypatch.setattr(encoding, "go_near", lambda *_: None)
    assert near == run("far")
    sounds = [samples_of(tmp_path / name / "audio" / "stream.m3u8") for name in ("near", "far")]
    assert sounds[0] == sounds[1]
    assert read["near"] < read["far"] / 2


def test_a_file_in_fragments_is_read_from_its_start(tmp_path: Path) -> None:
    options = {"movflags": "frag_keyframe+empty_moov"}
    source = numbered(tmp_path, container="mp4", seconds=12, fps=25, audio=None, options=options)
    encode(source, tmp_path / "out", preset="fast", part=Part(start=10, end=11))
    assert shown(tmp_path / "out")[0] == list(range(250, 275))


def test_the_sound_of_a_part_goes_with_its_picture(tmp_path: Path) -> None:
    source = numbered(tmp_path, container="mp4", seconds=12, fps=25, tone=1000)
    encode(source, tmp_path / "out", preset="fast", part=Part(start=9, end=11))
    assert pitch(samples_of(tmp_path / "out" / "audio" / "stream.m3u8")) == pytest.approx(1000, rel=0.02)


def test_b_frames_do_not_blur_the_borders(tmp_path: Path) -> None:
    source = tmp_path / "b.mp4"
    with (
        av.open(str(numbered(tmp_path, container="mp4", seconds=12, fps=25))) as plain,
        av.open(str(source), "w") as to,
    ):
        stream: Any = to.add_stream("libx264", rate=25, options={"preset": "veryfast", "g": "50", "bf": "3"})
        stream.width, stream.height = 320, 32
        for frame in plain.decode(video=0):
            frame.pict_type = PictureType.NONE
            to.mux(stream.encode(frame))
        to.mux(stream.encode(None))
    encode(source, tmp_path / "out", preset="fast", part=Part(start=7, end=9))
    assert shown(tmp_path / "out")[0] == list(range(175, 225))
