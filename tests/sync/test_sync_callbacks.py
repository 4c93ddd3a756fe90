"""Callbacks of a blocking caller: nobody would await an async one, so that it is refused before anything is sent."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import cfstream
from cfstream import Hooks, InvalidInputError, UploadFailed, UploadJob
from cfstream.emulator import BlockingEmulator, Emulator
from cfstream.sync import Stream

UID = "0" * 32
CALLS: dict[str, Callable[[Stream, Any], object]] = {
    "on_progress of upload": lambda stream, given: stream.upload(b"x" * 1000, on_progress=given),
    "on_progress of upload_many": lambda stream, given: stream.upload_many([b"x" * 1000], on_progress=given),
    "on_progress of downloads.save": lambda stream, given: stream.downloads.save(UID, ".", on_progress=given),
    "on_state of wait_until_ready": lambda stream, given: stream.wait_until_ready(UID, on_state=given),
    "on_request of with_options": lambda stream, given: stream.with_options(hooks=Hooks(on_request=given)),
}


async def note(_: object) -> None:
    pytest.fail("it was called")


class Noting:
    """A function that is an object."""

    async def __call__(self, event: object) -> None:
        await note(event)

    async def event(self, event: object) -> None:
        await note(event)


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@pytest.mark.parametrize("given", [note, partial(note), Noting(), Noting().event], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("call", CALLS)
def test_an_async_callback_is_refused_and_nothing_is_sent(emulator: BlockingEmulator, call: str, given: Any) -> None:
    sent: list[object] = []
    with emulator.stream(hooks=Hooks(on_request=sent.append)) as stream:
        with pytest.raises(InvalidInputError) as refused:
            CALLS[call](stream, given)
        name = call.partition(" ")[0]
        assert str(refused.value) == f"{name}: expected a plain function, got an async one, which needs cfstream.Stream"
        assert sent == []


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_function_is_refused_the_same_way(emulator: BlockingEmulator, call: str) -> None:
    with emulator.stream() as stream, pytest.raises(InvalidInputError, match="expected a function, got int"):
        CALLS[call](stream, 5)


def test_plain_functions_of_every_kind_are_called(emulator: BlockingEmulator) -> None:
    seen: list[object] = []

    class Plain:
        def __call__(self, event: object) -> None:
            seen.append(event)

    kinds: tuple[Callable[[object], None], ...] = (seen.append, partial(seen.append), Plain())
    with emulator.stream() as stream:
        for number, given in enumerate(kinds):
            seen.clear()
            stream.upload(bytes([number]) * 1000, on_progress=given)
            assert seen, given


@pytest.mark.parametrize("kept", [False, True], ids=["no journal", "journal"])
def test_a_job_with_an_async_callback_fails_alone(emulator: BlockingEmulator, tmp_path: Path, *, kept: bool) -> None:
    job, other = UploadJob(b"x" * 1000, on_progress=note), UploadJob(b"y" * 1000, on_progress=lambda _: None)
    with emulator.stream() as stream:
        before = len(list(stream.list()))
        outcomes = list(stream.upload_many([job, other], journal=tmp_path / "uploads.db" if kept else None))
        (failed,) = (outcome for outcome in outcomes if isinstance(outcome, UploadFailed))
        assert failed.source is job
        assert isinstance(failed.error, InvalidInputError)
        assert str(failed.error).startswith("on_progress: expected a plain function")
        assert len(list(stream.list())) == before + 1


def test_the_blocking_signature_shows_nothing_to_await() -> None:
    there, here = (inspect.signature(client.upload_many).parameters for client in (cfstream.Stream, Stream))
    assert here.keys() == there.keys()
    assert "Awaitable" in str(there["on_progress"].annotation)
    assert "Awaitable" not in str(here["on_progress"].annotation)


def test_the_blocking_keyword_set_is_that_of_the_async_client_but_for_the_callback() -> None:
    there, here = (
        get_type_hints(inspect.get_annotations(client.upload_many)["options"].__args__[0])
        for client in (cfstream.Stream, Stream)
    )
    assert {name: hint for name, hint in here.items() if name != "on_progress"} == {
        name: hint for name, hint in there.items() if name != "on_progress"
    }
