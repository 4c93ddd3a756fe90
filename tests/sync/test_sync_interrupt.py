"""Ctrl-C while the server takes nothing more: the blocking upload ends within a second and can be gone on with."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from cfstream.emulator import BlockingEmulator, Emulator, Fault
from cfstream.sync import Stream

SECOND = 1.0
ROUNDS = 3
"""A busy machine may hold up one of them; what waits for the server holds up all."""


@pytest.fixture
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@attrs.define
class CtrlC:
    """Comes as soon as the server has a chunk that it will not answer."""

    emulator: BlockingEmulator
    came: float = 0.0

    def come(self) -> None:
        while not self.emulator.faults.spent:
            time.sleep(0.001)
        self.came = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)


def upload_interrupted(emulator: BlockingEmulator, stream: Stream, film: Path, journal: Path) -> float:
    """Upload until Ctrl-C comes, and give the seconds from there to the end."""
    emulator.faults.clear()
    emulator.faults.add("TUS_PATCH", Fault.stall())
    ctrl_c = CtrlC(emulator)
    thread = threading.Thread(target=ctrl_c.come)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        stream.upload(film, resume=journal)
    ended = time.monotonic()
    thread.join()
    return ended - ctrl_c.came


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_an_upload_within_a_second_while_the_server_stands_still(
    emulator: BlockingEmulator, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(100_000))
    journals = [tmp_path / f"{number}.db" for number in range(ROUNDS)]
    with emulator.stream() as stream:
        took = [upload_interrupted(emulator, stream, film, journal) for journal in journals]
        assert min(took) < SECOND, took
        emulator.faults.clear()
        for journal in journals:
            assert stream.upload(film, resume=journal).size == 100_000
    assert emulator.requests.count("STREAM_CREATE") == ROUNDS
