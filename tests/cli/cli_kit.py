"""Runs the command: in this process where that is enough, in one of its own where it is not."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, Any

import attrs
import pytest

from cfstream.cli.app import run
from cfstream.emulator import BlockingEmulator, Emulator

PATIENCE = 60
ESCAPE = "\x1b"

# A shell that runs the tests in the background may have told its children to ignore Ctrl-C.
_START = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from cfstream.cli import main
main()
"""


# Ctrl-C reaches the one who has the terminal.
_TAKE_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"


@attrs.frozen
class Done:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def error_line(self) -> str:
        assert "Traceback" not in self.err
        (line,) = self.err.splitlines()
        assert line.startswith("error: ")
        return line.removeprefix("error: ")


def environment(emulator: BlockingEmulator | None = None, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUDFLARE_", "FORCE_COLOR"))}
    given = {} if emulator is None else credentials(emulator)
    return kept | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"} | given | variables


def credentials(emulator: BlockingEmulator) -> dict[str, str]:
    return {
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_BASE_URL": emulator.base_url,
    }


def command(*arguments: str, env: dict[str, str], given: bytes = b"") -> Done:
    """Run the real command to its end, with no terminal anywhere, and this on its standard input."""
    done = subprocess.run(
        [sys.executable, "-m", "cfstream", *arguments],
        env=env,
        input=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@attrs.frozen
class Here:
    """Runs commands in this process, which is much faster."""

    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Done:
        self.capture.readouterr()
        code = run(arguments)
        out, err = self.capture.readouterr()
        return Done(code, out, err)


@contextmanager
def started(*arguments: str, env: dict[str, str], stdin: int = subprocess.DEVNULL) -> Generator[subprocess.Popen[str]]:
    """Start the real command; whatever happens, it is over afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", _START, *arguments],
        env=env,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str], number: int = signal.SIGINT, within: float = 10) -> Done:
    """Send a signal, and see that the command ends soon."""
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert time.monotonic() - began < within
    return Done(process.returncode, out, err)


def processes_with(name: str, value: str) -> list[str]:
    """Give the command lines of processes that have a variable set."""
    mark = f"{name}={value}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def on_terminal(*arguments: str, env: dict[str, str], keys: Sequence[tuple[str, str]] = ()) -> tuple[int, str]:
    """Run the real command on a terminal; give its code and all it wrote.

    Each pair of keys is what to wait for, and what to type then.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL + _START, *arguments],
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    waiting, written = list(keys), ""
    end = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    read = os.read(ours, 65536)
                except OSError:  # Linux says so when nobody has the other side open any more
                    read = b""
                if not read:
                    return process.wait(PATIENCE), written
                written += read.decode(errors="replace")
            if waiting and waiting[0][0] in written:
                time.sleep(0.3)  # Python misses a Ctrl-C that comes between printing a question and waiting for keys
                os.write(ours, waiting.pop(0)[1].encode())
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    raise TimeoutError(written)


@contextmanager
def emulator_with(*names: str) -> Generator[BlockingEmulator]:
    """Give an emulator that has these videos, all of them ready."""
    with Emulator() as emulator, emulator.stream() as stream:
        for name in names:
            stream.wait_until_ready(stream.upload(clip(), name=name, creator=f"by {name.split(ESCAPE)[0]}").uid)
        yield emulator


@cache
def clip() -> bytes:
    """Give a short real video."""
    from cfstream.emulator.media.testvideo import make_test_video

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        make_test_video(path, seconds=1, size=(320, 180))
        return path.read_bytes()


def read_document(stream: IO[str]) -> str:
    """Give a document up to the brace that closes it at the margin."""
    text = ""
    for line in stream:
        text += line
        if line == "}\n":
            break
    return text
