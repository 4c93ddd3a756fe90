"""The proof of a played video and its MP4, each held against what is wrong with broken ones."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import av.error
import pytest
from media_samples import decoded, make

from cfstream.emulator.media.encode import encode
from cfstream.emulator.media.playback import decode_hls
from cfstream.emulator.media.probe import probe
from cfstream.emulator.media.remux import to_mp4
from cfstream.emulator.media.testvideo import make_test_video


class Handler(SimpleHTTPRequestHandler):
    paths: list[str]
    ticket: str | None = None

    def do_GET(self) -> None:
        self.paths.append(self.path)
        if self.ticket is not None and self.headers.get("X-Ticket") != self.ticket:
            self.send_error(403)
            return
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path, ticket: str | None = None) -> Iterator[tuple[str, list[str]]]:
    paths: list[str] = []
    handler = type("Bound", (Handler,), {"paths": paths, "ticket": ticket})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoded")
    make_test_video(folder / "source.mp4", seconds=5, size=(854, 480), fps=10)
    encode(folder / "source.mp4", folder / "hls", preset="fast")
    return folder / "hls"


def test_proof_over_http(encoded: Path) -> None:
    with served(encoded) as (address, paths):
        proof = decode_hls(f"{address}/video.m3u8")

    assert (proof.frames, proof.width, proof.height) == (50, 854, 480)
    assert proof.seconds == pytest.approx(5.0, abs=0.1)
    assert proof.audio_frames == pytest.approx(235, abs=3)
    assert "/480/seg_00001.mp4" in paths
    assert "/audio/seg_00001.mp4" in paths
    assert "/240/seg_00001.mp4" not in paths


def test_proof_with_headers(encoded: Path) -> None:
    with served(encoded, ticket="let me in") as (address, _):
        proof = decode_hls(f"{address}/video.m3u8", headers={"X-Ticket": "let me in"})
        assert proof.frames == 50
        with pytest.raises(av.error.HTTPForbiddenError):
            decode_hls(f"{address}/video.m3u8")


def test_no_proof_without_segments(encoded: Path, tmp_path: Path) -> None:
    for name in ("video.m3u8", "480/stream.m3u8", "240/stream.m3u8", "audio/stream.m3u8"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((encoded / name).read_bytes())
    with pytest.raises(av.error.FFmpegError):
        decode_hls(tmp_path / "video.m3u8")


def test_a_remote_manifest_cannot_name_local_files(encoded: Path, tmp_path: Path) -> None:
    text = (encoded / "480" / "stream.m3u8").read_text()
    folder = (encoded / "480").as_uri()
    (tmp_path / "video.m3u8").write_text(text.replace("seg_", f"{folder}/seg_").replace("init", f"{folder}/init"))
    with served(tmp_path) as (address, _), pytest.raises(av.error.FFmpegError):
        decode_hls(f"{address}/video.m3u8")


def test_download_is_a_whole_copy(encoded: Path, tmp_path: Path) -> None:
    target = tmp_path / "default.mp4"
    to_mp4(encoded, target, sound="audio")

    facts = probe(target)
    assert (facts.width, facts.height, facts.audio_tracks) == (854, 480, 1)
    assert facts.duration == pytest.approx(5.0, abs=0.1)
    frames = decoded(target)
    assert len(frames) == 50
    assert frames[0].time == 0
    assert [path.name for path in tmp_path.iterdir()] == ["default.mp4"]
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_download_without_sound(tmp_path: Path) -> None:
    encode(make(tmp_path / "a.mp4", seconds=1), tmp_path / "hls", preset="fast")
    to_mp4(tmp_path / "hls", tmp_path / "b.mp4")
    assert not probe(tmp_path / "b.mp4").has_audio


def test_no_download_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "hls").mkdir()
    with pytest.raises(FileNotFoundError):
        to_mp4(tmp_path / "hls", tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


@pytest.mark.parametrize("audio", [True, False])
def test_test_video(tmp_path: Path, audio: bool) -> None:
    make_test_video(tmp_path / "a.mp4", seconds=1.5, size=(320, 180), fps=20, audio=audio)

    facts = probe(tmp_path / "a.mp4")
    assert facts.duration == pytest.approx(1.5, abs=0.05)
    assert (facts.width, facts.height, facts.fps, facts.has_audio) == (320, 180, 20, audio)
    first, *_, last = decoded(tmp_path / "a.mp4")
    assert bytes(first.planes[0]) != bytes(last.planes[0])
