"""Encodings are decoded again and measured: sizes, frames, sound and times, of plain videos and of odd ones."""

import math
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import av
import pytest
from attrs import evolve
from av.video.frame import VideoFrame
from media_samples import HALVES, colour, corrupt, decoded, make, samples_of

from cfstream.emulator.media import containers, picture
from cfstream.emulator.media.clock import Timeline
from cfstream.emulator.media.encode import EncodeResult, encode
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.ladder import PRESETS, rungs
from cfstream.emulator.media.playback import decode_hls
from cfstream.emulator.media.probe import probe
from cfstream.emulator.media.segments import Segment, average_rate, peak_rate

NAMESPACE = "{urn:mpeg:dash:schema:mpd:2011}"


def sizes(result: EncodeResult) -> list[tuple[int, int]]:
    return [(each.width, each.height) for each in result.renditions]


def seconds_of(playlist: Path) -> list[float]:
    return [float(each) for each in re.findall(r"#EXTINF:([0-9.]+)", playlist.read_text())]


def peaks(samples: list[float], rate: int, beginning: float, end: float) -> float:
    return max(abs(each) for each in samples[int(beginning * rate) : int(end * rate)])


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[EncodeResult, Path]]:
    def run(preset: Any = "fast", **kinds: Any) -> tuple[EncodeResult, Path]:
        out = tmp_path / "100%d out"
        return encode(make(tmp_path / "source", **kinds), out, preset=preset), out

    return run


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), [(426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080)]),
        ((3840, 2160), [(426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080)]),
        ((1080, 1920), [(240, 426), (360, 640), (480, 854), (720, 1280), (1080, 1920)]),
        ((1280, 720), [(426, 240), (640, 360), (854, 480), (1280, 720)]),
        ((641, 361), [(426, 240), (640, 360)]),
        ((320, 180), [(320, 180)]),
        ((321, 181), [(320, 180)]),
        ((240, 240), [(240, 240)]),
        ((1, 1), [(2, 2)]),
    ],
)
def test_full_ladder(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    assert [(each.width, each.height) for each in rungs(*size, PRESETS["full"])] == expected


def test_five_sizes_come_of_one_decoding(
    run: Callable[..., tuple[EncodeResult, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    decodings = 0

    def counted(packet: Any) -> Any:
        nonlocal decodings
        frames = containers.decode(packet)
        decodings += sum(isinstance(frame, VideoFrame) for frame in frames or ())
        return frames

    monkeypatch.setattr("cfstream.emulator.media.encode.decode", counted)
    result, out = run("full", size=(1920, 1080), seconds=1, fps=10, audio="aac")
    assert decodings == 10
    assert sizes(result) == [(426, 240), (640, 360), (854, 480), (1280, 720), (1920, 1080)]
    for rendition in result.renditions:
        frames = decoded(out / rendition.name / "stream.m3u8")
        assert [(frame.width, frame.height) for frame in frames] == [(rendition.width, rendition.height)] * 10


def test_a_small_video_keeps_its_size(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(seconds=2, audio="aac")

    assert sizes(result) == [(160, 90)]
    assert (result.frames, result.has_audio) == (60, True)
    assert result.seconds == pytest.approx(2.0)
    proof = decode_hls(out / "video.m3u8")
    assert (proof.frames, proof.width, proof.height) == (60, 160, 90)
    assert proof.seconds == pytest.approx(2.0, abs=1 / 30)
    assert proof.audio_frames == pytest.approx(94, abs=2)


def test_two_rungs_of_three_segments(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(size=(854, 480), seconds=9, fps=10, audio="aac")

    assert sizes(result) == [(428, 240), (854, 480)]
    for rendition in result.renditions:
        frames = decoded(out / rendition.name / "stream.m3u8")
        assert len(frames) == 90
        assert {(frame.width, frame.height) for frame in frames} == {(rendition.width, rendition.height)}
        assert [frame.time for frame in frames if frame.key_frame] == [0, 4, 8]
        assert seconds_of(out / rendition.name / "stream.m3u8") == [4, 4, 1]
    _check_master(out, result)
    _check_description(out, result)


def _check_master(out: Path, result: EncodeResult) -> None:
    text = (out / "video.m3u8").read_text()
    assert text.startswith("#EXTM3U\n")
    assert 'TYPE=AUDIO,GROUP-ID="audio"' in text
    assert 'URI="audio/stream.m3u8"' in text
    entries = re.findall(r"#EXT-X-STREAM-INF:(.*)\n(.*)\n", text)
    assert [uri for _, uri in entries] == ["240/stream.m3u8", "480/stream.m3u8"]
    for rendition, (fields, _) in zip(result.renditions, entries, strict=True):
        bandwidth, average = (int(each) for each in re.findall(r"BANDWIDTH=(\d+)", fields))
        assert average <= bandwidth
        assert bandwidth >= _peak(out / rendition.name) + _peak(out / "audio")
        total = sum(_sizes(out / rendition.name)) * 8 / 9 + sum(_sizes(out / "audio")) * 8 / 9
        assert average == pytest.approx(total, rel=0.02)
        assert f"RESOLUTION={rendition.width}x{rendition.height}" in fields
        assert "FRAME-RATE=10.000" in fields
        assert 'AUDIO="audio"' in fields
        assert f'CODECS="{_codec(out / rendition.name)},mp4a.40.2"' in fields


def _sizes(folder: Path) -> list[int]:
    return [each.stat().st_size for each in sorted(folder.glob("seg_*.mp4"))]


def _peak(folder: Path) -> float:
    whole = [
        (size, seconds)
        for size, seconds in zip(_sizes(folder), seconds_of(folder / "stream.m3u8"), strict=True)
        if seconds >= 2
    ]
    return max(size * 8 / seconds for size, seconds in whole)


def _codec(folder: Path) -> str:
    """The name of the codec from the avcC box of the init file: profile, constraints and level are its bytes 1 to 3."""
    data = (folder / "init.mp4").read_bytes()
    at = data.index(b"avcC") + 4
    return f"avc1.{data[at + 1 : at + 4].hex().upper()}"


def _check_description(out: Path, result: EncodeResult) -> None:
    root = ET.parse(out / "video.mpd").getroot()
    assert root.get("type") == "static"
    pictures, sounds = root.iter(f"{NAMESPACE}AdaptationSet")
    names = [each.get("id") for each in pictures.iter(f"{NAMESPACE}Representation")]
    assert names == [each.name for each in result.renditions]
    for group in (pictures, sounds):
        template = next(group.iter(f"{NAMESPACE}SegmentTemplate"))
        lengths = [
            int(each.attrib["d"]) for each in group.iter(f"{NAMESPACE}S") for _ in range(1 + int(each.get("r", "0")))
        ]
        starts = [sum(lengths[:index]) for index in range(len(lengths))]
        for representation in group.iter(f"{NAMESPACE}Representation"):
            folder = out / representation.attrib["id"]
            segments = [folder / f"seg_{number:05d}.mp4" for number in range(len(lengths))]
            assert [_first_time(each) for each in segments] == starts
            assert not (folder / f"seg_{len(lengths):05d}.mp4").exists()
            assert (out / template.attrib["initialization"].replace("$RepresentationID$", folder.name)).exists()


def _first_time(segment: Path) -> int:
    data = segment.read_bytes()
    at = data.index(b"tfdt") + 4
    (time,) = struct.unpack_from(">Q" if data[at] else ">I", data, at + 4)
    return int(time)


def test_progress_rises_to_the_end(tmp_path: Path) -> None:
    told: list[float] = []
    encode(make(tmp_path / "a.mp4", audio="aac"), tmp_path / "out", preset="fast", on_progress=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("turn", "red", "blue"),
    [(90, (0.5, 0.9), (0.5, 0.1)), (-90, (0.5, 0.1), (0.5, 0.9)), (180, (0.9, 0.5), (0.1, 0.5))],
)
def test_rotated_video_is_set_upright(
    run: Callable[..., tuple[EncodeResult, Path]], turn: int, red: tuple[float, float], blue: tuple[float, float]
) -> None:
    result, out = run(pattern=HALVES, rotation=turn, seconds=0.5)

    assert sizes(result) == [(160, 90) if turn == 180 else (90, 160)]
    frame = decoded(out / result.renditions[0].name / "stream.m3u8")[0]
    assert frame.rotation == 0
    assert colour(frame, *red) == "red"
    assert colour(frame, *blue) == "blue"


def test_wide_pixels_become_square(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(size=(144, 90), aspect=Fraction(4, 3), seconds=0.5)

    assert sizes(result) == [(192, 90)]
    with av.open(str(out / "90" / "stream.m3u8")) as container:
        assert picture.pixel_aspect(container.streams.video[0]) == 1


def test_no_sound_no_audio_group(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(seconds=1)

    assert not result.has_audio
    assert not (out / "audio").exists()
    assert "AUDIO" not in (out / "video.m3u8").read_text()
    assert decode_hls(out / "video.m3u8").audio_frames == 0


def test_odd_size(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, _ = run(size=(163, 91), pixels="yuv444p", seconds=0.5)
    assert sizes(result) == [(162, 90)]


def test_uneven_times_are_kept(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    times = [0.0, 0.04, 0.1, 0.5, 0.51, 1.3, 1.34, 4.2, 4.25, 5.0]
    result, out = run(times=times, container="matroska")

    frames = decoded(out / "90" / "stream.m3u8")
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.001)
    assert seconds_of(out / "90" / "stream.m3u8")[0] == pytest.approx(4.2, abs=0.001)
    assert result.frames == len(times)


def test_bursts_between_long_pauses(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.2, 40.0, 40.1, 80.0, 80.1]
    source = make(tmp_path / "a.mkv", times=times, container="matroska", seconds=3)
    facts = evolve(probe(source), fps=7 / 80)

    encode(source, tmp_path / "out", preset="fast", facts=facts)

    frames = decoded(tmp_path / "out" / "90" / "stream.m3u8")
    assert [frame.time for frame in frames] == pytest.approx(times, abs=0.001)


def test_very_high_frame_rate_is_thinned(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(fps=120, seconds=1)

    assert result.frames == 60
    assert "FRAME-RATE=60.000" in (out / "video.m3u8").read_text()
    assert result.seconds == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 2)])
def test_sound_is_at_most_stereo(run: Callable[..., tuple[EncodeResult, Path]], layout: str, channels: int) -> None:
    _, out = run(container="matroska", audio="ac3", layout=layout, seconds=1)

    with av.open(str(out / "audio" / "stream.m3u8")) as container:
        assert container.streams.audio[0].channels == channels
    assert f'CHANNELS="{channels}"' in (out / "video.m3u8").read_text()


def test_unnamed_speakers(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    _, out = run(container="avi", codec="mpeg4", audio="pcm_s16le", layout="6 channels", seconds=1)
    assert decode_hls(out / "video.m3u8").audio_frames > 40


def test_late_sound_is_preceded_by_silence(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    _, out = run(audio="aac", audio_delay=1.0, seconds=2)

    samples = samples_of(out / "audio" / "stream.m3u8")
    assert peaks(samples, 48000, 0, 0.97) < 0.001
    assert peaks(samples, 48000, 1.03, 2.0) > 0.05
    assert len(samples) / 48000 == pytest.approx(3.0, abs=0.05)


def test_sound_and_picture_stay_together(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    _, out = run(audio="pcm_s16le", container="mov", audio_delay=0.5, seconds=1.0)

    samples = samples_of(out / "audio" / "stream.m3u8")
    begins = next(index for index, each in enumerate(samples) if abs(each) > 0.02)
    assert begins / 48000 == pytest.approx(0.5, abs=0.005)


def test_late_picture_is_held_from_the_start(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    times = [1.0 + each / 10 for each in range(10)]
    _, out = run(times=times, audio="aac", container="matroska", seconds=2)

    frames = decoded(out / "90" / "stream.m3u8")
    assert [frame.time for frame in frames][:3] == pytest.approx([0.0, 1.1, 1.2], abs=0.001)


def test_streams_that_do_not_begin_at_zero(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    result, out = run(container="mpegts", audio="aac", seconds=1)

    frames = decoded(out / result.renditions[0].name / "stream.m3u8")
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(1, abs=0.07)


def test_size_that_changes_on_the_way(tmp_path: Path) -> None:
    parts = [
        make(
            tmp_path / f"{width}.ts",
            container="mpegts",
            size=(width, 90),
            seconds=1,
            options={"output_ts_offset": str(offset)},
        )
        for offset, width in enumerate((160, 120))
    ]
    source = tmp_path / "source.ts"
    source.write_bytes(b"".join(each.read_bytes() for each in parts))

    result = encode(source, tmp_path / "out", preset="fast")

    assert sizes(result) == [(160, 90)]
    frames = decoded(tmp_path / "out" / "90" / "stream.m3u8")
    assert {frame.width for frame in frames} == {160}
    assert len(frames) == pytest.approx(60, abs=2)


@pytest.mark.parametrize("leap", [-100, 100_000])
def test_leap_in_time_is_closed(tmp_path: Path, leap: int) -> None:
    parts = [
        make(tmp_path / f"{offset}.ts", container="mpegts", audio="aac", options={"output_ts_offset": str(offset)})
        for offset in (200, 200 + leap)
    ]
    source = tmp_path / "source.ts"
    source.write_bytes(b"".join(each.read_bytes() for each in parts))
    facts = evolve(probe(parts[0]), duration=4.0)

    result = encode(source, tmp_path / "out", preset="fast", facts=facts)

    assert result.frames == pytest.approx(120, abs=3)
    assert result.seconds == pytest.approx(4, abs=0.2)
    assert len(samples_of(tmp_path / "out" / "audio" / "stream.m3u8")) / 48000 == pytest.approx(4, abs=0.2)


def test_timeline() -> None:
    timeline = Timeline(Fraction(5), 1000)
    tenth = Fraction(1, 10)
    given = [5, 5.1, None, 5.05, 400, 3000, 3000.1, 4, None]
    placed = [timeline.place(None if each is None else Fraction(str(each)), tenth) for each in given]
    expected = ["0", "0.1", "0.2", "0.05", "395", "395.1", "395.2", "395.3", "395.4"]
    assert placed == [Fraction(each) for each in expected]


def test_ten_bits_and_full_range(run: Callable[..., tuple[EncodeResult, Path]]) -> None:
    _, out = run(pixels="yuv444p10le", seconds=0.5)
    assert {frame.format.name for frame in decoded(out / "90" / "stream.m3u8")} == {"yuv420p"}


def test_broken_after_a_good_start(tmp_path: Path) -> None:
    source = make(tmp_path / "a.mkv", container="matroska", seconds=4, size=(320, 180))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 4])
    with pytest.raises(MediaError, match="ERR_MALFORMED_VIDEO"):
        encode(source, tmp_path / "out", preset="fast")


def test_corrupt_video_leaves_no_open_files(tmp_path: Path) -> None:
    facts_of_good = make(tmp_path / "a.mp4", seconds=1)
    facts = probe(facts_of_good)
    with pytest.raises(MediaError, match="ERR_MALFORMED_VIDEO"):
        encode(corrupt(facts_of_good), tmp_path / "out", preset="fast", facts=facts)


def test_a_mistake_of_the_listener_is_not_hidden(tmp_path: Path) -> None:
    def fail(_: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encode(make(tmp_path / "a.mp4", seconds=1), tmp_path / "out", preset="fast", on_progress=fail)


def test_rates_cover_the_densest_run() -> None:
    segments = [Segment(seconds=4, size=1000), Segment(seconds=4, size=3000), Segment(seconds=0.1, size=900)]
    assert average_rate(segments) == math.ceil(4900 * 8 / 8.1)
    assert peak_rate(segments) == math.ceil(3900 * 8 / 4.1)


@pytest.mark.parametrize("fps", [0.0, 1e-9, 1e9])
def test_absurd_frame_rates(tmp_path: Path, fps: float) -> None:
    source = make(tmp_path / "a.mp4", seconds=0.5)
    result = encode(source, tmp_path / "out", preset="fast", facts=evolve(probe(source), fps=fps))
    assert result.frames == 15
    assert result.seconds == pytest.approx(0.5, abs=0.05)
