"""Promises of the blocking client that were once broken: each of these tests failed before its fault was mended."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from cfstream import ClientClosedError, Hooks, RequestEvent, ResponseEvent
from cfstream.emulator import BlockingEmulator, Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@pytest.fixture(scope="module")
def uids(emulator: BlockingEmulator) -> list[str]:
    with emulator.stream() as client:
        return [client.create(upload_length=10, upload_metadata={"name": f"video {n}"}).uid for n in range(4)]


def test_hooks_of_pages_asked_for_ahead_run_in_the_callers_thread(emulator: BlockingEmulator, uids: list[str]) -> None:
    threads: list[str] = []

    def note(event: RequestEvent | ResponseEvent) -> None:
        threads.append(threading.current_thread().name)

    with emulator.stream(hooks=Hooks(on_request=note, on_response=note)) as stream:
        walked = []
        for video in stream.list(limit=1):
            walked.append(video.uid)
            time.sleep(0.05)  # the next page arrives while nobody waits for it
    assert sorted(walked) == sorted(uids)
    assert len(threads) > 2 * len(uids) - 1
    assert set(threads) == {threading.current_thread().name}


def test_closing_the_client_under_a_suspended_walk_logs_nothing(
    emulator: BlockingEmulator, uids: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for pause in (0.0, 0.05):
        stream = emulator.stream()
        walk = iter(stream.list(limit=1))
        assert next(walk).uid in uids
        time.sleep(pause)
        stream.close()
        with pytest.raises(ClientClosedError):
            list(walk)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.usefixtures("interruptible")
def test_a_call_given_up_by_ctrl_c_before_the_loop_took_it_is_not_sent(
    emulator: BlockingEmulator,
) -> None:
    with emulator.stream() as stream:
        uid = stream.create(upload_length=10).uid
        loop = stream._portal._loop
        assert loop is not None
        loop.call_soon_threadsafe(time.sleep, 0.8)
        time.sleep(0.05)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            stream.delete(uid)
        timer.join()
        time.sleep(1.0)
        assert stream.get(uid).uid == uid
