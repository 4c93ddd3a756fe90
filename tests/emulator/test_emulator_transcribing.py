"""Captions written by a function of the user's: what it hears, what it may give, how it ends."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import attrs
import av
import pytest
import pytest_asyncio
from emulator_kit import SMALL, Api, clip, connected, form, running

from cfstream._limits import Limits
from cfstream.emulator import Emulator, EmulatorError
from cfstream.emulator.encoding import transcribing, vtt

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"


@asynccontextmanager
async def listening(
    transcriber: Any, data: bytes | None = None, limits: Limits = SMALL
) -> AsyncGenerator[tuple[Api, str]]:
    async with running(transcriber=transcriber, limits=limits) as api:
        uid = await api.upload(clip() if data is None else data)
        await api.until(uid, "ready")
        yield api, uid


class Swapped:
    """Calls what the test at hand puts there."""

    function: Callable[[Path, str], Any]

    def __call__(self, audio: Path, language: str) -> Any:
        return self.function(audio, language)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared() -> AsyncGenerator[tuple[Api, str, Swapped]]:
    """One encoded video for all that a transcriber may give."""
    swapped = Swapped()
    async with listening(swapped) as (api, uid):
        yield api, uid, swapped


async def ended(api: Api, uid: str, language: str = "en") -> tuple[str, list[str]]:
    """The state in which captions end, and the messages that stand beside them."""
    async with asyncio.timeout(30):
        while True:
            answer = await api.call("GET", f"/{uid}/captions/{language}")
            if answer.result["status"] != "inprogress":
                return answer.result["status"], [each["message"] for each in answer.json["messages"]]
            await asyncio.sleep(0.01)


async def text(api: Api, uid: str, language: str = "en") -> bytes:
    return (await api.call("GET", f"/{uid}/captions/{language}/vtt")).body


async def test_an_async_function_gets_the_real_sound_and_gives_cues() -> None:
    heard: list[tuple[float, str, str]] = []

    async def transcriber(audio: Path, language: str) -> list[vtt.Cue]:
        with av.open(str(audio)) as container:
            assert len(container.streams.video) == 0
            stream = container.streams.audio[0]
            assert any(any(bytes(frame.planes[0])) for frame in container.decode(stream)), "it is silent"
            heard.append((float((stream.duration or 0) * (stream.time_base or 0)), stream.codec.name, language))
        return [(0.5, 1, "a < b & c --> d\n\n  second line "), (0, 0.25, "Hello")]

    async with listening(transcriber) as (api, uid):
        answer = (await api.call("POST", f"/{uid}/captions/en-GB/generate")).result
        assert answer == {
            "language": "en-GB",
            "label": "British English (auto-generated)",
            "generated": True,
            "status": "inprogress",
        }
        assert await ended(api, uid, "en-GB") == ("ready", [])
        assert await text(api, uid, "en-GB") == (
            b"WEBVTT\n\n00:00:00.000 --> 00:00:00.250\nHello\n\n"
            b"00:00:00.500 --> 00:00:01.000\na &lt; b &amp; c --&gt; d\nsecond line\n"
        )
        listed = (await api.call("GET", f"/{uid}/captions")).result
        assert listed == [{**answer, "status": "ready"}]
    ((seconds, codec, language),) = heard
    assert (codec, language) == ("aac", "en-GB")
    assert seconds == pytest.approx(1, abs=0.1)


async def test_a_plain_function_runs_beside_the_loop_and_may_give_a_file() -> None:
    threads: list[threading.Thread] = []

    def transcriber(audio: Path, language: str) -> str:
        threads.append(threading.current_thread())
        return VTT

    async with listening(transcriber) as (api, uid):
        await api.call("POST", f"/{uid}/captions/en/generate")
        assert await ended(api, uid) == ("ready", [])
        assert await text(api, uid) == VTT.encode()
    assert threads[0] is not threading.current_thread()


async def test_cues_that_are_made_while_they_are_read_hold_nothing_up() -> None:
    begun, go = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def transcriber(audio: Path, language: str) -> Iterator[vtt.Cue]:
        threads.append(threading.current_thread())
        begun.set()
        assert go.wait(30)
        yield 0, 1, "Hello"

    async def later(audio: Path, language: str) -> Iterator[vtt.Cue]:
        return transcriber(audio, language)

    each: Any
    for each in (transcriber, later):
        begun.clear()
        go.clear()
        async with listening(each) as (api, uid):
            await api.call("POST", f"/{uid}/captions/en/generate")
            assert await asyncio.to_thread(begun.wait, 30)
            assert threads[-1] is not threading.current_thread()
            assert (await api.call("GET", f"/{uid}/captions/en")).result["status"] == "inprogress"
            go.set()
            assert await ended(api, uid) == ("ready", [])


def without_end(audio: Path, language: str) -> Iterator[vtt.Cue]:
    while True:
        yield 0, 1, "again"


@pytest.mark.parametrize(
    "transcriber",
    [
        without_end,
        lambda audio, language: [(0, 1, "é" * 500)],
        lambda audio, language: "WEBVTT\n\nNOTE " + "é" * 500,
        lambda audio, language: "WEBVTT\n\nNOTE " + "e" * 1000,
    ],
)
async def test_a_file_is_no_larger_than_one_that_is_uploaded(transcriber: Any) -> None:
    async with listening(transcriber, limits=attrs.evolve(SMALL, caption_max=1000)) as (api, uid):
        await api.call("POST", f"/{uid}/captions/en/generate")
        status, messages = await ended(api, uid)
    assert status == "error"
    assert "the file has more than 1000 bytes" in messages[0]


async def test_an_object_and_a_function_that_gives_an_awaitable_are_good_too() -> None:
    class Model:
        async def __call__(self, audio: Path, language: str) -> str:
            return VTT

    async def later() -> list[vtt.Cue]:
        return []

    for transcriber, expected in ((Model(), VTT.encode()), (lambda audio, language: later(), b"WEBVTT\n")):
        async with listening(transcriber) as (api, uid):
            await api.call("POST", f"/{uid}/captions/de/generate")
            assert await ended(api, uid, "de") == ("ready", [])
            assert await text(api, uid, "de") == expected


def gives(value: object) -> Callable[[Path, str], Any]:
    return lambda audio, language: value


def cues_that_raise(error: BaseException) -> Callable[[Path, str], Any]:
    def transcriber(audio: Path, language: str) -> Iterator[vtt.Cue]:
        yield 0, 1, "a"
        raise error

    return transcriber


def raises_later(error: BaseException) -> Callable[[Path, str], Any]:
    async def transcriber(audio: Path, language: str) -> NoReturn:
        await asyncio.sleep(0)
        raise error

    return transcriber


def promises(error: BaseException) -> Callable[[Path, str], Any]:
    """A function that is not async itself."""
    later = raises_later(error)
    return lambda audio, language: later(audio, language)  # noqa: PLW0108  # the function itself would be async


def raises(error: BaseException) -> Callable[[Path, str], Any]:
    def transcriber(audio: Path, language: str) -> Any:
        raise error

    return transcriber


@pytest.mark.parametrize(
    ("transcriber", "reason"),
    [
        (raises(ValueError("no model")), "The transcriber failed: ValueError: no model"),
        (raises(SystemExit(3)), "The transcriber failed: RuntimeError: SystemExit(3)"),
        (raises(StopIteration()), "The transcriber failed: RuntimeError: StopIteration()"),
        (raises_later(ValueError("no model")), "The transcriber failed: ValueError: no model"),
        (raises_later(SystemExit(3)), "The transcriber failed: RuntimeError: SystemExit(3)"),
        (raises_later(GeneratorExit()), "The transcriber failed: RuntimeError: GeneratorExit()"),
        (raises_later(asyncio.CancelledError()), "The transcriber failed: RuntimeError: it was cancelled"),
        (promises(SystemExit(3)), "The transcriber failed: RuntimeError: SystemExit(3)"),
        (cues_that_raise(SystemExit(3)), "The transcriber failed: RuntimeError: SystemExit(3)"),
        (cues_that_raise(OSError("gone")), "The transcriber failed: OSError: gone"),
        (gives("WEBVTT\n\nNOTE \ud800"), "surrogates not allowed"),
        (gives([(0, 1, "\ud800")]), "surrogates not allowed"),
        (gives(None), "neither a WebVTT file nor cues"),
        (gives(b"WEBVTT"), "cue 1 is no (start, end, text)"),
        (gives("Hello"), "the first line is not WEBVTT"),
        (gives("WEBVTT\nHello"), "line 2 is not empty"),
        (gives("WEBVTT\n\nHello\n"), "line 4 is no timing of a cue"),
        (gives("WEBVTT\n\n00:01.000 --> 00:00.500\nx\n"), "line 3: the cue ends before it begins"),
        (gives("WEBVTT\n\n00:00.000 --> 00:01.000\na --> b\n"), "line 4: the text of the cue has an arrow"),
        (gives("WEBVTT\n\n1\n0:00 --> 0:01\nx\n"), "line 4 is no timing"),
        (gives([(0, 1)]), "cue 1 is no (start, end, text)"),
        (gives([(0, 1, "a"), (1, 1, "b")]), "cue 2 is no (start, end, text)"),
        (gives([(-1, 1, "a")]), "cue 1 is no"),
        (gives([(float("nan"), 1, "a")]), "cue 1 is no"),
        (gives([(0, float("inf"), "a")]), "cue 1 is no"),
        (gives([(0, 1, " \n ")]), "cue 1 is no"),
        (gives([("0", "1", "a")]), "cue 1 is no"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_no_transcript_becomes_an_error_that_says_why(
    shared: tuple[Api, str, Swapped], transcriber: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    api, uid, swapped = shared
    swapped.function = transcriber
    await api.call("POST", f"/{uid}/captions/en/generate")
    status, messages = await ended(api, uid)
    assert status == "error"
    assert reason in messages[0]
    assert (await api.call("GET", f"/{uid}/captions/en/vtt")).status == 404
    await api.call("DELETE", f"/{uid}/captions/en")
    assert reason in caplog.text


@pytest.mark.parametrize(
    "good",
    [
        "WEBVTT",
        "\ufeffWEBVTT a title\r\n\r\n00:00.000 --> 00:01.000 align:start\r\nx\r\n",
        "WEBVTT\n\nNOTE\nanything\n\nSTYLE\n::cue { color: red }\n\nname\n100:00:00.000 --> 100:00:01.000\nx\ny\n",
        "WEBVTT\n\n\n\n00:00.000 --> 00:01.000\n",
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_files_that_are_good_are_kept_as_they_are(shared: tuple[Api, str, Swapped], good: str) -> None:
    api, uid, swapped = shared
    swapped.function = gives(good)
    await api.call("POST", f"/{uid}/captions/de/generate")
    assert await ended(api, uid, "de") == ("ready", [])
    assert await text(api, uid, "de") == good.encode()
    await api.call("DELETE", f"/{uid}/captions/de")


async def test_without_a_transcriber_it_is_an_error_that_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "cfstream.emulator"):
        async with listening(None) as (api, uid):
            await api.call("POST", f"/{uid}/captions/en/generate")
            status, messages = await ended(api, uid)
    assert (status, len(messages)) == ("error", 1)
    assert "--transcriber module:function" in messages[0]
    assert messages[0] in caplog.text


async def test_a_video_without_sound_has_nothing_to_listen_to(tmp_path: Path) -> None:
    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame(64, 64, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    called: list[Path] = []

    def transcriber(audio: Path, language: str) -> str:
        called.append(audio)
        return VTT

    async with listening(transcriber, silent.read_bytes()) as (api, uid):
        await api.call("POST", f"/{uid}/captions/en/generate")
        status, messages = await ended(api, uid)
        assert status == "error"
        assert messages[0].startswith("The sound of the video cannot be listened to: ")
    assert called == []


class Held:
    """An async transcriber that waits until it is let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.calls = 0
        self.cancelled = 0

    async def __call__(self, audio: Path, language: str) -> str:
        self.calls += 1
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return VTT


async def test_deleting_or_replacing_the_captions_or_the_video_ends_the_listening() -> None:
    held = Held()
    async with listening(held) as (api, uid):
        for number in (1, 2, 3):
            held.begun.clear()
            assert (await api.call("POST", f"/{uid}/captions/en/generate")).status == 200
            await held.begun.wait()
            if number == 1:
                assert (await api.call("DELETE", f"/{uid}/captions/en")).status == 200
                assert (await api.call("GET", f"/{uid}/captions")).result == []
            elif number == 2:
                put = await api.call("PUT", f"/{uid}/captions/en", data=form(b"WEBVTT\n\nmine"))
                assert (put.result["generated"], put.result["label"]) == (False, "English")
                assert await text(api, uid) == b"WEBVTT\n\nmine"
                await api.call("DELETE", f"/{uid}/captions/en")
            else:
                assert (await api.call("DELETE", f"/{uid}")).status == 200
                assert not api.emulator._running.library.folder(uid).exists()
            assert held.cancelled == number


async def test_closing_does_not_wait_for_a_thread_that_listens() -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def transcriber(audio: Path, language: str) -> str:
        begun.set()
        go.wait(30)
        ended.set()
        return VTT

    async with listening(transcriber) as (api, uid):
        await api.call("POST", f"/{uid}/captions/en/generate")
        await asyncio.to_thread(begun.wait, 30)
    assert not ended.is_set()
    go.set()
    assert await asyncio.to_thread(ended.wait, 30)


async def test_it_begins_anew_after_a_restart(tmp_path: Path) -> None:
    held = Held()
    options: dict[str, Any] = {"data_dir": tmp_path, "limits": SMALL}
    async with Emulator(**options, transcriber=held) as emulator, connected(emulator) as api:
        uid = await api.upload(clip())
        await api.until(uid, "ready")
        await api.call("POST", f"/{uid}/captions/en/generate")
        await held.begun.wait()
    assert held.cancelled == 1
    held.go.set()
    async with Emulator(**options, transcriber=held) as emulator, connected(emulator) as api:
        assert await ended(api, uid) == ("ready", [])
        assert (await text(api, uid), held.calls) == (VTT.encode(), 2)


def test_the_function_of_the_command_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_ears_of_test.py").write_text("class Ears:\n    def hear(audio, language): return 'WEBVTT'\nx = 1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    found: Any = transcribing.load("my_ears_of_test:Ears.hear")
    assert found(None, "en") == "WEBVTT"
    for name, message in (
        ("my_ears_of_test", "not of the form module:function"),
        (":f", "not of the form"),
        ("my_ears_of_test:nothing", "has no attribute"),
        ("my_ears_of_test:x", "is no function"),
        ("no_such_module_of_test:f", "No module named"),
    ):
        with pytest.raises(EmulatorError, match=message):
            transcribing.load(name)
