"""What a look at a file tells of it, and why a file is refused."""

import socket
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.stream import Disposition
from media_samples import HALVES, corrupt, decoded, make, sound_frames

from cfstream.emulator.media.errors import MediaError
from cfstream.emulator.media.probe import probe


def code_of(path: Path) -> str:
    with pytest.raises(MediaError) as caught:
        probe(path)
    return caught.value.code


def test_facts_of_a_plain_video(tmp_path: Path) -> None:
    facts = probe(make(tmp_path / "a.mp4", seconds=2, fps=25, audio="aac"))

    assert facts.duration == pytest.approx(2.0, abs=0.05)
    assert (facts.width, facts.height, facts.rotation) == (160, 90, 0)
    assert facts.sample_aspect_ratio == 1
    assert facts.fps == pytest.approx(25)
    assert facts.video_codec == "h264"
    assert facts.audio_tracks == 1
    assert facts.has_audio


def test_no_sound(tmp_path: Path) -> None:
    facts = probe(make(tmp_path / "a.mp4", seconds=1))
    assert not facts.has_audio


@pytest.mark.parametrize(("turn", "size"), [(90, (90, 160)), (-90, (90, 160)), (180, (160, 90))])
def test_size_is_the_one_on_screen(tmp_path: Path, turn: int, size: tuple[int, int]) -> None:
    facts = probe(make(tmp_path / "a.mp4", seconds=0.5, rotation=turn))
    assert (facts.width, facts.height) == size
    assert facts.rotation == turn % 360


def test_wide_pixels_count(tmp_path: Path) -> None:
    facts = probe(make(tmp_path / "a.mp4", size=(144, 90), seconds=0.5, aspect=Fraction(4, 3)))
    assert (facts.width, facts.height) == (192, 90)
    assert facts.sample_aspect_ratio == Fraction(4, 3)


@pytest.mark.parametrize(
    ("container", "codec", "audio", "size"),
    [
        ("mov", "libx264", "pcm_s16le", (160, 90)),
        ("matroska", "libx264", "aac", (160, 90)),
        ("webm", "libvpx", "libopus", (160, 90)),
        ("avi", "mpeg4", "mp3", (160, 90)),
        ("flv", "libx264", "aac", (160, 90)),
        ("mpegts", "libx264", "aac", (160, 90)),
        ("mpeg", "mpeg2video", "mp2", (160, 90)),
        ("3gp", "mpeg4", "aac", (160, 90)),
        ("mxf", "mpeg2video", "pcm_s16le", (720, 576)),
    ],
)
def test_accepted_containers(tmp_path: Path, container: str, codec: str, audio: str, size: tuple[int, int]) -> None:
    fps = 25 if container == "mxf" else 30
    facts = probe(make(tmp_path / "a", container=container, codec=codec, audio=audio, size=size, fps=fps))
    assert facts.duration == pytest.approx(2.0, abs=0.2)
    assert facts.has_audio


def test_length_of_a_browser_recording(tmp_path: Path) -> None:
    path = make(tmp_path / "a.webm", container="webm", codec="libvpx", options={"live": "1"}, seconds=1.5)
    with av.open(str(path)) as container:
        assert container.duration is None
    assert probe(path).duration == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("content", [b"", b"x", b"\x00" * 5000, b"Just a note.\n" * 500, bytes(range(256)) * 40])
def test_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert code_of(path) == "ERR_NON_VIDEO"


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("wav", "pcm_s16le"), ("mp3", "mp3")])
def test_sound_alone(tmp_path: Path, container: str, codec: str) -> None:
    path = make(tmp_path / "a.mp4", codec=None, container=container, audio=codec, seconds=1)
    assert code_of(path) == "ERR_NON_VIDEO"


def test_sound_with_a_cover(tmp_path: Path) -> None:
    picture = decoded(make(tmp_path / "b.mp4", size=(64, 64), seconds=0.1))[0]
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=48000)
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        output.mux(cover.encode(picture.reformat(format="yuvj420p")))
        for frame in [*sound_frames(1.0), None]:
            output.mux(sound.encode(frame))
    assert code_of(path) == "ERR_NON_VIDEO"


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif"])
def test_pictures(tmp_path: Path, suffix: str) -> None:
    codec, pixels = {"png": ("png", "rgb24"), "jpg": ("mjpeg", "yuvj420p"), "gif": ("gif", "rgb8")}[suffix]
    kind = "gif" if suffix == "gif" else "image2"
    path = make(
        tmp_path / f"a.{suffix}",
        codec=codec,
        pixels=pixels,
        container=kind,
        options={} if kind == "gif" else {"update": "1"},
        seconds=0.5,
    )
    assert code_of(path) == "ERR_NON_VIDEO"


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated(tmp_path: Path, options: dict[str, str], share: float) -> None:
    path = make(tmp_path / "a.mp4", options=options, audio="aac")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert code_of(path) == "ERR_MALFORMED_VIDEO"


def test_corrupt_data(tmp_path: Path) -> None:
    assert code_of(corrupt(make(tmp_path / "a.mp4"))) == "ERR_MALFORMED_VIDEO"


def test_too_short(tmp_path: Path) -> None:
    assert code_of(make(tmp_path / "a.mp4", seconds=0.06, fps=30)) == "ERR_DURATION_TOO_SHORT"


def test_missing_file_is_not_a_matter_of_media(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        probe(tmp_path / "none.mp4")


def test_title_in_an_old_character_set(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(make(tmp_path / "a.mp4", seconds=0.5))) as source, av.open(str(path), "w") as output:
        output.metadata["title"] = "CafeCafe"
        copy = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                output.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"CafeCafe", "Café1Caf".encode("latin-1")))
    assert probe(path).width == 160


def test_names_that_look_like_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("a.mp4"), seconds=0.5).rename("concat:a|b%d?.mp4")
    assert probe(Path("concat:a|b%d?.mp4")).width == 160


def test_playlists_in_disguise_are_refused_unread(tmp_path: Path) -> None:
    secret = make(tmp_path / "secret.mp4", pattern=HALVES, seconds=1)
    disguise = tmp_path / "upload.mp4"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/secret.mp4"
        for named in (f"file://{secret}", "secret.mp4", address):
            hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n{named}\n#EXT-X-ENDLIST\n"
            dash = (
                '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
                f'<AdaptationSet><Representation id="1"><BaseURL>{named}</BaseURL></Representation>'
                "</AdaptationSet></Period></MPD>"
            )
            for text in (hls, f"ffconcat version 1.0\nfile '{named}'\n", dash):
                disguise.write_text(text)
                # Had the secret been read, the answer would be the facts of a sound video.
                assert code_of(disguise) == "ERR_NON_VIDEO"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_the_disguise_would_work_without_the_guard(tmp_path: Path) -> None:
    make(tmp_path / "secret.mp4", seconds=0.5)
    disguise = tmp_path / "upload.mp4"
    disguise.write_text("ffconcat version 1.0\nfile secret.mp4\n")
    with av.open(str(disguise)) as container:
        assert container.streams.video
