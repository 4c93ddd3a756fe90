"""A process forked in the middle of a run with a journal is told that the journal is taken, and does not hang."""

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from cfstream import JournalLockedError
from cfstream.emulator import Emulator

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def told_by_child(work: Callable[[], int]) -> int:
    """Fork, and give what the work gives in the child."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forking with threads
        child = os.fork()
    if child == 0:
        try:
            signal.alarm(20)  # ends the child if it hangs
            os._exit(work())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_is_told_that_the_parent_writes_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "uploads.db"
    with Emulator() as emulator:
        emulator.pause_encoding()
        with emulator.stream() as stream:
            uploads = stream.upload_many((b"%d" % number for number in range(20)), journal=journal, concurrency=2)
            with uploads:
                next(uploads)

                def in_child() -> int:
                    with emulator.stream() as own:
                        try:
                            own.upload_many([b"child"], journal=journal).run()
                        except JournalLockedError:
                            return 7
                    return 1

                assert told_by_child(in_child) == 7
                assert len(list(uploads)) == 19
            assert stream.upload_many([b"19"], journal=journal).run().done == 20
