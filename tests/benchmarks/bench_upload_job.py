"""What one contender is to upload, and what it measures meanwhile."""

import math
import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
from bench_process import MIB, Meter, forget_peak, memory, tell
from bench_video import ACCOUNT

CHUNK = 50 * MIB


@attrs.frozen
class Job:
    """Some files, some of them at a time."""

    port: int
    folder: str
    """Holds the files, and those to warm up with."""
    count: int
    size: int
    """Bytes of each file."""
    at_once: int
    trusted: str
    """The server's certificate, for TLS; empty without."""

    def write(self) -> None:
        """Make the files, without blocks on disk and in memory where the folder is of that kind."""
        for path in self.files:
            write_hole(path, self.size)
        for path in self.warm_up:
            write_hole(path, MIB)

    @property
    def files(self) -> Sequence[Path]:
        return [Path(self.folder, f"{number}.mp4") for number in range(self.count)]

    @property
    def warm_up(self) -> Sequence[Path]:
        """One small file for each connection there will be."""
        return [Path(self.folder, f"small-{number}.mp4") for number in range(self.at_once)]

    @property
    def mib(self) -> float:
        """Of all files together."""
        return self.count * self.size / MIB

    @property
    def base(self) -> str:
        """The address of the API."""
        return f"{'https' if self.trusted else 'http'}://127.0.0.1:{self.port}/client/v4"

    @property
    def creation(self) -> str:
        """The address where uploads are made."""
        return f"{self.base}/accounts/{ACCOUNT}/stream"

    def context(self) -> ssl.SSLContext:
        """Trust the server, over TLS."""
        return ssl.create_default_context(cafile=self.trusted or None)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Tell the parent what uploading all files here took; of children, time is known and memory is not."""
        forget_peak()
        idle, children = memory("VmRSS"), _cpu_of_children()
        with Meter() as meter:
            yield
        children = _cpu_of_children() - children
        peak = math.nan if children else memory("VmHWM") - idle
        tell({"MiB/s": self.mib / meter.wall, "cpu": (meter.cpu + children) * 1024 / self.mib, "peak": peak})


def write_hole(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system
