"""From upload to playback on real media: states as they pass, failures with their reason."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cfstream import EncodingFailedError, InvalidInputError, Stream, Video, WaitTimeoutError
from cfstream.emulator import Emulator
from cfstream.emulator.media.testvideo import make_test_video


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    make_test_video(path, seconds=2, size=(320, 180))
    return path


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    emulator.resume_encoding()
    async with emulator.stream() as client:
        yield client


async def test_a_video_becomes_ready_and_its_states_pass_by(stream: Stream, film: Path) -> None:
    seen: list[Video] = []

    async def note(video: Video) -> None:
        seen.append(video)

    uploaded = await stream.upload(film)
    video = await stream.wait_until_ready(uploaded.uid, on_state=note)
    assert seen[-1] == video
    assert [state for state, _ in itertools.groupby(video.status.state for video in seen)][-1] == "ready"
    assert video.ready_to_stream
    assert video.duration == pytest.approx(2, abs=0.2)
    assert (video.input.width, video.input.height) == (320, 180)
    assert video.status.pct_complete == 100
    assert video.playback.hls.endswith(f"/{video.uid}/manifest/video.m3u8")


async def test_playable_comes_no_later_than_ready(stream: Stream, film: Path) -> None:
    uploaded = await stream.upload(film)
    assert (await stream.wait_until_ready(uploaded.uid, until="playable")).ready_to_stream


async def test_a_file_that_is_no_video_fails_with_its_reason(stream: Stream) -> None:
    uploaded = await stream.upload(b"this is a text" * 100, name="text")
    with pytest.raises(EncodingFailedError, match="ERR_NON_VIDEO") as caught:
        await stream.wait_until_ready(uploaded.uid)
    assert (caught.value.uid, caught.value.codes) == (uploaded.uid, ("ERR_NON_VIDEO",))
    assert "upload one of the containers" in str(caught.value)


class FastClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_waiting_gives_up_in_time_and_asks_more_seldom(emulator: Emulator) -> None:
    clock = FastClock()
    async with emulator.stream(_clock=clock) as stream:
        uid = (await stream.create(upload_length=10)).uid
        with pytest.raises(WaitTimeoutError, match="is not ready after 600 s; it is 'pendingupload'") as caught:
            await stream.wait_until_ready(uid, timeout=600)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.state == "pendingupload"
    assert clock.slept[:-1] == sorted(clock.slept[:-1])
    assert max(clock.slept) == 15
    assert sum(clock.slept) == pytest.approx(600)


async def test_an_unknown_goal_is_refused(stream: Stream) -> None:
    with pytest.raises(InvalidInputError, match="until: expected 'ready' or 'playable', got 'done'"):
        await stream.wait_until_ready("0" * 32, until="done")  # type: ignore[arg-type]  # what is tested
