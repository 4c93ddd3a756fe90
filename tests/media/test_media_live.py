"""Live HLS and recordings made of broadcasts, decoded again and measured."""

import re
from collections.abc import Iterable
from pathlib import Path

import attrs
import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import VIDEO, Tag, tags
from media_samples import decoded

from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.live.boxes import BoxSplitter
from cfstream.emulator.media.live.recording import record
from cfstream.emulator.media.live.segmenter import broadcast
from cfstream.emulator.rtmp import flv
from cfstream.emulator.rtmp.session import Media

NAME = "broadcast"


def flv_of(sent: Iterable[Tag]) -> bytes:
    """A broadcast as the child process reads it."""
    media = [Media(is_video=tag.kind == VIDEO, timestamp=tag.time, body=tag.body) for tag in sent]
    headers = flv.Headers()
    for each in media:
        headers = headers.with_one(each) if flv.is_header(each) else headers
    return flv.opening(headers) + b"".join(flv.tag(each) for each in media if not flv.is_header(each))


def segmented(folder: Path, sent: Iterable[Tag]) -> Path:
    source = folder / "source.flv"
    source.write_bytes(flv_of(sent))
    out = folder / "100%d out"
    with source.open("rb") as stream:
        broadcast(stream, out, NAME)
    return out


def entries(out: Path) -> list[tuple[float, str]]:
    text = (out / "stream.m3u8").read_text()
    return [(float(seconds), name) for seconds, name in re.findall(r"#EXTINF:([0-9.]+),\n(.+)", text)]


def target(out: Path) -> int:
    return int(re.findall(r"#EXT-X-TARGETDURATION:(\d+)", (out / "stream.m3u8").read_text())[0])


@attrs.frozen
class Piece:
    """One packet of a segment."""

    kind: str
    is_key: bool
    seconds: float


def piece(out: Path, name: str) -> list[Piece]:
    """The packets of one segment, as a player reads it that begins with it."""
    path = out / f"alone-{name}"
    path.write_bytes((out / "init.mp4").read_bytes() + (out / name).read_bytes())
    with av.open(str(path)) as container:
        return [
            Piece(packet.stream.type, packet.is_keyframe, float((packet.duration or 0) * packet.time_base))
            for packet in container.demux()
            if packet.dts is not None
        ]


def pictures(out: Path, name: str) -> list[Piece]:
    return [each for each in piece(out, name) if each.kind == "video"]


@pytest.mark.parametrize(
    ("key_every", "expected", "longest"), [(1.0, [2, 2, 2, 0.5], 4), (3.0, [3, 3, 0.5], 4), (5.0, [5, 1.5], 5)]
)
def test_segments_begin_with_key_frames(tmp_path: Path, key_every: float, expected: list[float], longest: int) -> None:
    out = segmented(tmp_path, tags(6.5, key_every=key_every))
    assert [seconds for seconds, _ in entries(out)] == pytest.approx(expected, abs=0.05)
    assert target(out) == longest
    frames = 0
    for seconds, name in entries(out):
        shown = pictures(out, name)
        assert shown[0].is_key
        assert sum(each.seconds for each in shown) == pytest.approx(seconds, abs=0.05)
        assert len(piece(out, name)) > len(shown)  # there is sound, too
        frames += len(decoded(out / f"alone-{name}"))
    assert frames == 195
    assert (out / "stream.m3u8").read_text().endswith("#EXT-X-ENDLIST\n")


def test_the_master_playlist_says_what_is_in_it(tmp_path: Path) -> None:
    out = segmented(tmp_path, tags(3.0))
    text = (out / "video.m3u8").read_text()
    found = re.findall(r"BANDWIDTH=(\d+),RESOLUTION=160x90,CODECS=\"avc1\.42[0-9A-F]{4},mp4a\.40\.2\"", text)
    densest = max((out / name).stat().st_size * 8 / seconds for seconds, name in entries(out))
    assert densest <= int(found[0]) < densest * 1.01
    assert text.splitlines()[-1] == f"live/{NAME}/stream.m3u8"
    assert [(out / name).read_text().splitlines()[1] for name in ("video.m3u8", "stream.m3u8")] == [
        "#EXT-X-VERSION:6",
        "#EXT-X-VERSION:6",
    ]


def test_a_picture_without_sound(tmp_path: Path) -> None:
    out = segmented(tmp_path, tags(3.0, audio=False))
    assert 'CODECS="avc1.42' in (out / "video.m3u8").read_text()
    assert "mp4a" not in (out / "video.m3u8").read_text()
    assert sum(len(piece(out, name)) for _, name in entries(out)) == 90


def test_what_came_in_is_kept_byte_for_byte_and_recorded_frame_by_frame(tmp_path: Path) -> None:
    sent = tags(3.0)
    out = segmented(tmp_path, sent)
    assert (out / "recording.flv").read_bytes() == flv_of(sent)
    record(out / "recording.flv", tmp_path / "source.mp4")
    before, after = decoded(out / "recording.flv"), decoded(tmp_path / "source.mp4")
    assert len(after) == 90
    assert [bytes(frame.planes[0]) for frame in after] == [bytes(frame.planes[0]) for frame in before]
    with av.open(str(tmp_path / "source.mp4")) as container:
        assert (container.duration or 0) / av.time_base == pytest.approx(3.0, abs=0.1)
        assert [stream.type for stream in container.streams] == ["video", "audio"]


@pytest.mark.parametrize("share", [0.4, 0.73, 0.9, 0.999])
def test_a_broadcast_that_breaks_off_is_recorded_as_far_as_it_came(tmp_path: Path, share: float) -> None:
    whole = flv_of(tags(3.0))
    (tmp_path / "recording.flv").write_bytes(whole[: int(len(whole) * share)])
    record(tmp_path / "recording.flv", tmp_path / "source.mp4")
    frames = decoded(tmp_path / "source.mp4")
    assert 90 * share * 0.6 < len(frames) <= 90


@pytest.mark.parametrize("data", [b"", b"no broadcast at all", b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"])
def test_what_is_no_broadcast_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as stream, pytest.raises(MediaError):
        broadcast(stream, tmp_path / "out", NAME)
    with pytest.raises(MediaError):
        record(tmp_path / "source", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_times_that_go_back_do_no_harm(tmp_path: Path) -> None:
    sent = list(tags(3.0))
    twice = [*sent[:100], *sent[60:]]
    out = segmented(tmp_path, twice)
    assert sum(len(pictures(out, name)) for _, name in entries(out)) == 90
    record(out / "recording.flv", tmp_path / "source.mp4")
    assert len(decoded(tmp_path / "source.mp4")) == 90


def test_a_leap_in_time_ends_the_broadcast_and_leaves_what_was(tmp_path: Path) -> None:
    sent = list(tags(3.0))[:-1]
    leap = [attrs.evolve(tag, time=tag.time + 60_000) for tag in sent[-3:]]
    with pytest.raises(MediaError) as caught:
        segmented(tmp_path, [*sent, *leap])
    assert caught.value.code == "ERR_GOP_OUT_OF_RANGE"
    out = tmp_path / "100%d out"
    assert (out / "stream.m3u8").read_text().endswith("#EXT-X-ENDLIST\n")
    assert [seconds for seconds, _ in entries(out)] == pytest.approx([2.0], abs=0.05)


@pytest.mark.parametrize("from_key", [True, False])
def test_a_recording_ends_before_a_leap_in_time(tmp_path: Path, from_key: bool) -> None:
    sent = list(tags(4.0))
    first = 3000 if from_key else 2500
    leapt = [attrs.evolve(tag, time=tag.time + (3_600_000 if tag.time >= first else 0)) for tag in sent]
    with pytest.raises(MediaError) as caught:
        segmented(tmp_path, leapt)
    assert caught.value.code == "ERR_GOP_OUT_OF_RANGE"
    out = tmp_path / "100%d out"
    assert all(seconds < 20 for seconds, _ in entries(out))
    record(out / "recording.flv", tmp_path / "source.mp4")
    assert len(decoded(tmp_path / "source.mp4")) == pytest.approx(first * 30 / 1000, abs=1)
    with av.open(str(tmp_path / "source.mp4")) as container:
        assert (container.duration or 0) / av.time_base == pytest.approx(first / 1000, abs=0.1)


def test_gaps_that_are_no_leap_stay_in_the_recording(tmp_path: Path) -> None:
    sent = [attrs.evolve(tag, time=tag.time + (15_000 if tag.time >= 2000 else 0)) for tag in tags(3.0)]
    out = segmented(tmp_path, sent)
    record(out / "recording.flv", tmp_path / "source.mp4")
    assert len(decoded(tmp_path / "source.mp4")) == 90


def box(kind: bytes, body: bytes) -> bytes:
    return (8 + len(body)).to_bytes(4, "big") + kind + body


@given(st.lists(st.binary(max_size=30), max_size=5), st.data())
def test_fragments_come_out_however_they_were_written(bodies: list[bytes], data: st.DataObject) -> None:
    opening = box(b"ftyp", b"isom") + box(b"moov", b"header")
    fragments = [box(b"moof", body) + box(b"mdat", body * 2) for body in bodies]
    stream = opening + b"".join(box(b"sidx", b"index") + fragment for fragment in fragments) + box(b"mfra", b"")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    splitter, found = BoxSplitter(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        assert splitter.write(stream[start:end]) == end - start
        found += splitter.take()
    assert bytes(splitter.opening) == opening
    assert found == fragments


def test_the_last_piece_lasts_as_long_as_its_frames(tmp_path: Path) -> None:
    out = segmented(tmp_path, [tag for tag in tags(3.0) if tag.time <= 2600])
    seconds, name = entries(out)[-1]
    assert seconds == pytest.approx(sum(each.seconds for each in pictures(out, name)), abs=0.05)
