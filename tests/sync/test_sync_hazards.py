"""What threads, signals, forks and running loops do to a blocking client with a background loop."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cfstream import ClientClosedError, Hooks, NotFoundError, ResponseEvent, StreamError, UploadProgress
from cfstream.emulator import BlockingEmulator, Emulator
from cfstream.sync import Stream

MISSING = "0" * 32


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@pytest.fixture
def stream(emulator: BlockingEmulator) -> Iterator[Stream]:
    with emulator.stream() as client:
        yield client


@pytest.fixture(scope="module")
def uids(emulator: BlockingEmulator) -> list[str]:
    with emulator.stream() as client:
        return [client.create(upload_length=10, upload_metadata={"name": f"video {n}"}).uid for n in range(5)]


def background_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("cfstream.sync")]


def test_a_call_from_the_loops_own_thread_is_an_error_and_no_deadlock(stream: Stream) -> None:
    seen: list[BaseException] = []

    def ask_again() -> None:
        try:
            stream.get(MISSING)
        except StreamError as error:
            seen.append(error)

    async def on_the_loop() -> None:
        ask_again()

    stream._portal.call(on_the_loop())
    assert "background thread" in str(seen[0])


def test_it_works_inside_somebody_elses_running_loop(stream: Stream, uids: list[str]) -> None:
    async def in_a_notebook() -> str:
        return stream.get(uids[0]).uid

    assert asyncio.run(in_a_notebook()) == uids[0]


def test_64_threads_get_their_own_answers(stream: Stream, uids: list[str]) -> None:
    def ask(number: int) -> bool:
        uid = uids[number % len(uids)]
        return stream.get(uid).uid == uid

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(ask, range(640)))
    assert len(background_threads()) == 1


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_call_and_leaves_the_client_usable(stream: Stream, uids: list[str]) -> None:
    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ended = threading.Event()
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        stream._portal.call(forever())
    assert time.monotonic() - started < 1.5
    assert ended.wait(1)
    assert stream.get(uids[0]).uid == uids[0]


def test_a_forked_child_gets_its_own_loop_and_leaves_the_parents_sockets_alone(
    emulator: BlockingEmulator, uids: list[str]
) -> None:
    with emulator.stream() as stream:
        assert stream.get(uids[0]).uid == uids[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forking with threads
            child = os.fork()
        if child == 0:
            try:
                answered = stream.get(uids[1]).uid == uids[1]
                stream.close()
                os._exit(0 if answered else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert [stream.get(uid).uid for uid in uids] == uids


def run_script(emulator: BlockingEmulator, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_BASE_URL": emulator.base_url,
    }
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
        check=False,
    )


def test_exit_without_close_is_quick_and_warns_once(emulator: BlockingEmulator) -> None:
    done = run_script(
        emulator,
        """
        from cfstream.sync import Stream
        stream = Stream()
        stream.list().page()
        """,
        "-W",
        "always",
    )
    assert done.returncode == 0
    assert done.stderr.count("ResourceWarning") == 1
    assert "unclosed cfstream.sync.Stream" in done.stderr
    assert "Traceback" not in done.stderr


def test_exit_in_the_middle_of_a_call_leaves_no_traceback_of_ours(emulator: BlockingEmulator) -> None:
    done = run_script(
        emulator,
        """
        import threading, time
        from cfstream.sync import Stream
        stream = Stream()
        threading.Thread(target=lambda: stream.wait_until_ready("0" * 32), daemon=True).start()
        time.sleep(0.1)
        stream.close()
        """,
    )
    assert done.returncode == 0
    assert "Task was destroyed" not in done.stderr


def test_dropping_an_unclosed_client_warns_once_and_ends_its_thread(emulator: BlockingEmulator) -> None:
    stream = emulator.stream()
    before = len(background_threads())
    stream.list().page()
    assert len(background_threads()) == before + 1
    with pytest.warns(ResourceWarning, match="unclosed cfstream.sync.Stream") as caught:
        del stream
    assert len(caught) == 1
    assert len(background_threads()) == before


def test_100_clients_opened_and_closed_leave_nothing(emulator: BlockingEmulator, uids: list[str]) -> None:
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with emulator.stream() as stream:
        stream.get(uids[0])
    threads, files = len(background_threads()), open_files()
    for _ in range(100):
        with emulator.stream() as stream:
            stream.get(uids[0])
    assert len(background_threads()) == threads
    assert open_files() <= files + 5


def test_a_walk_left_early_asks_for_nothing_more(emulator: BlockingEmulator, uids: list[str]) -> None:
    asked: list[str] = []
    with emulator.stream(hooks=Hooks(on_request=lambda event: asked.append(event.row))) as stream:
        for video in stream.list(limit=2):
            assert video.uid in uids
            break
        walk = iter(stream.list(limit=2))
        next(walk)
        walk.close()  # type: ignore[attr-defined]  # it is a generator
        count = len(asked)
        stream.get(uids[0])
        assert len(asked) == count + 1
        assert stream._portal.call(_pending()) == 0


async def _pending() -> int:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return len([task for task in others if "main" not in repr(task.get_coro())])


def test_a_walk_survives_the_client_being_closed_under_it(emulator: BlockingEmulator, uids: list[str]) -> None:
    stream = emulator.stream()
    walk = iter(stream.list(limit=1))
    assert next(walk).uid in uids
    stream.close()
    with pytest.raises(ClientClosedError):
        list(walk)


def test_an_error_shows_the_line_that_called(stream: Stream) -> None:
    with pytest.raises(NotFoundError) as caught:
        stream.get(MISSING)
    text = "".join(traceback.format_exception(caught.value))
    assert "stream.get(MISSING)" in text
    assert "in get" in text


def test_callbacks_run_in_the_callers_thread(emulator: BlockingEmulator) -> None:
    seen: set[str] = set()

    def note(event: UploadProgress | ResponseEvent) -> None:
        seen.add(threading.current_thread().name)

    with emulator.stream(hooks=Hooks(on_response=note)) as stream:
        stream.upload(b"no video, but bytes", on_progress=note)
    assert seen == {threading.current_thread().name}


def test_an_error_in_a_callback_ends_the_upload_and_reaches_the_caller(stream: Stream) -> None:
    def refuse(event: UploadProgress) -> None:
        raise ZeroDivisionError(event.source)

    with pytest.raises(ZeroDivisionError):
        stream.upload(b"no video, but bytes", on_progress=refuse)
    assert stream.list().page().items


def test_after_close_every_call_says_so(emulator: BlockingEmulator) -> None:
    stream = emulator.stream()
    stream.list().page()
    stream.close()
    stream.close()
    with pytest.raises(ClientClosedError, match=r"cfstream\.sync\.Stream is closed"):
        stream.get(MISSING)


def test_a_view_shares_the_thread_and_its_close_does_nothing(stream: Stream, uids: list[str]) -> None:
    view = stream.with_options(timeout=5)
    threads = len(background_threads())
    assert view.get(uids[0]).uid == uids[0]
    view.close()
    assert len(background_threads()) in (threads, threads + 1)
    assert stream.get(uids[0]).uid == uids[0]
    assert repr(view) == repr(stream)


def test_the_colour_shows(stream: Stream) -> None:
    assert repr(stream).startswith("cfstream.sync.Stream(account_id=")
    with pytest.raises(TypeError, match="cannot be pickled"):
        stream.__reduce__()
