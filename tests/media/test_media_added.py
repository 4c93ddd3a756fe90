"""Additional sound tracks and captions: as long as the video, told apart in the manifests, heard by players."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import pytest
from media_samples import make, pitch, samples_of

from cfstream.emulator.media.added import encode_track
from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.manifest import AudioTrack, Presentation, TextTrack, description, master, text_playlist
from cfstream.emulator.media.remux import to_mp4
from cfstream.emulator.media.renditions import Renditions

SPACE = "{urn:mpeg:dash:schema:mpd:2011}"


def tone(path: Path, frequency: int, seconds: float = 3, container: str = "wav", codec: str = "pcm_s16le") -> Path:
    return make(path, codec=None, container=container, audio=codec, seconds=seconds, tone=frequency)


@pytest.mark.parametrize(("given", "rest"), [(5.0, 0.0), (2.0, 0.0), (0.5, 1.5)])
def test_a_track_is_as_long_as_the_video(tmp_path: Path, given: float, rest: float) -> None:
    made = encode_track(tone(tmp_path / "a", 1000, given), tmp_path / "audio-1", 2.0)
    assert made.timing.seconds == pytest.approx(2.0, abs=0.03)
    samples = samples_of(tmp_path / "audio-1" / "stream.m3u8")
    assert len(samples) / 48000 == pytest.approx(2.0, abs=0.03)
    heard = round((2.0 - rest - 0.05) * 48000)
    assert pitch(samples[:heard]) == pytest.approx(1000, rel=0.03)
    silence = samples[round((2.05 - rest) * 48000) :]
    assert max(map(abs, silence), default=0) < 0.001


@pytest.mark.parametrize(
    ("container", "codec"), [("mp3", "mp3"), ("flac", "flac"), ("ogg", "libopus"), ("adts", "aac"), ("mp4", "aac")]
)
def test_formats_of_sound(tmp_path: Path, container: str, codec: str) -> None:
    encode_track(tone(tmp_path / "a", 800, 2, container, codec), tmp_path / "audio-1", 1.0)
    assert pitch(samples_of(tmp_path / "audio-1" / "stream.m3u8")) == pytest.approx(800, rel=0.03)


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "silent.mp4", seconds=0.5)
    (tmp_path / "text").write_bytes(b"no sound at all" * 100)
    for name in ("silent.mp4", "text"):
        with pytest.raises(MediaError):
            encode_track(tmp_path / name, tmp_path / "audio-1", 1.0)


def presented(tmp_path: Path) -> Presentation:
    """A video with a tone of 440 Hz, and two more tracks of 1000 and 2000 Hz."""
    encode(make(tmp_path / "a.mp4", audio="aac", seconds=3), tmp_path / "hls", preset="fast")
    made = Renditions.load(tmp_path / "hls")
    assert made is not None
    added = tuple(
        AudioTrack(
            uid=str(number),
            label=label,
            default=label == 'Say "hi"\n',
            rendition=encode_track(tone(tmp_path / "t", pitched), tmp_path / "hls" / f"audio-{number}", made.seconds),
        )
        for number, (label, pitched) in enumerate([('Say "hi"\n', 1000), ("Original", 2000)])
    )
    return Presentation.of(made).with_tracks(added)


def test_tracks_in_the_playlist_are_counted_and_told_apart_by_ear(tmp_path: Path) -> None:
    shown = presented(tmp_path)
    text = master(shown)
    (tmp_path / "hls" / "video.m3u8").write_text(text)
    lines = re.findall(r'TYPE=AUDIO,GROUP-ID="audio",NAME="([^"]*)",DEFAULT=(YES|NO).*URI="([^"]*)"', text)
    assert [(name, default) for name, default, _ in lines] == [
        ("Original", "NO"),
        ("Say 'hi''", "YES"),
        ("Original (2)", "NO"),
    ]
    with av.open(str(tmp_path / "hls" / "video.m3u8")) as container:
        assert len(container.streams.audio) == 3
    pitches = [pitch(samples_of(tmp_path / "hls" / uri)) for _, _, uri in lines]
    assert pitches == [pytest.approx(each, rel=0.03) for each in (440, 1000, 2000)]


def test_tracks_and_captions_in_the_description(tmp_path: Path) -> None:
    shown = presented(tmp_path).with_texts((TextTrack(language="en", label="English"),))
    root = ET.fromstring(description(shown))
    sets = [each for each in root.iter(f"{SPACE}AdaptationSet") if each.get("contentType") == "audio"]
    assert [each.get("lang") for each in sets] == ["original", "und", "und"]
    assert [next(each.iter(f"{SPACE}Role")).get("value") for each in sets] == ["alternate", "main", "alternate"]
    assert [next(each.iter(f"{SPACE}Representation")).get("id") for each in sets] == ["audio", "audio-0", "audio-1"]
    (text,) = (each for each in root.iter(f"{SPACE}AdaptationSet") if each.get("contentType") == "text")
    assert (text.get("lang"), text.get("mimeType")) == ("en", "text/vtt")
    assert next(text.iter(f"{SPACE}BaseURL")).text == "captions/en.vtt"


def test_bandwidth_covers_the_loudest_choice(tmp_path: Path) -> None:
    shown = presented(tmp_path)
    most = max(track.rendition.timing.peak for track in shown.tracks)
    assert f"BANDWIDTH={shown.videos[0].timing.peak + most}," in master(shown)


def test_captions_in_the_playlist(tmp_path: Path) -> None:
    shown = presented(tmp_path).with_texts((TextTrack(language="en", label="English"),))
    text = master(shown)
    assert 'TYPE=SUBTITLES,GROUP-ID="text",NAME="English",DEFAULT=NO' in text
    assert 'LANGUAGE="en",URI="captions/en.m3u8"' in text
    assert text.count('SUBTITLES="text"') == len(shown.videos)
    assert "en.vtt" in text_playlist("en", shown.seconds)
    folder = tmp_path / "hls"
    (folder / "captions").mkdir()
    (folder / "captions" / "en.m3u8").write_text(text_playlist("en", shown.seconds))
    (folder / "captions" / "en.vtt").write_text("WEBVTT\n\n00:00.500 --> 00:01.500\nHello\n")
    (folder / "video.m3u8").write_text(text)
    with av.open(str(folder / "captions" / "en.m3u8"), options={"allowed_extensions": "ALL"}) as container:
        (cue,) = (packet for packet in container.demux() if packet.size)
    assert bytes(cue) == b"Hello"
    assert float((cue.pts or 0) * cue.time_base) == pytest.approx(0.5)


def test_one_file_with_the_sound_that_is_chosen(tmp_path: Path) -> None:
    presented(tmp_path)
    for sound, heard in (("audio", 440), ("audio-1", 2000)):
        for only in (False, True):
            to_mp4(tmp_path / "hls", tmp_path / "b.mp4", sound=sound, sound_only=only)
            assert pitch(samples_of(tmp_path / "b.mp4")) == pytest.approx(heard, rel=0.03)
            with av.open(str(tmp_path / "b.mp4")) as container:
                assert len(container.streams.video) == (0 if only else 1)
