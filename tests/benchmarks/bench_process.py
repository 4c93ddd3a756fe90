"""Starts the server and the contenders in processes of their own, in turn, and reads what they use."""

import gc
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import attrs

HERE = Path(__file__).resolve().parent
MIB = 1024 * 1024

Sample = Mapping[str, float]
"""What one contender showed in one round, by the name of the measure."""

_code_cache: list[str] = []


@attrs.frozen
class Plan:
    """How much is measured."""

    rounds: int
    quick: bool


# --- the parent's side -------------------------------------------------------------------------------------------


@contextmanager
def compiled_code() -> Iterator[None]:
    """Let all contenders start from compiled modules, and leave none of them behind."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        _code_cache.append(folder)
        try:
            yield
        finally:
            _code_cache.clear()


def _environment() -> dict[str, str]:
    """Give the environment without anything that would bend the measurement: proxies, credentials, Python switches."""
    bent = re.compile(r"(.*_proxy|cloudflare_.*|python.*)", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not bent.fullmatch(name)}
    return {**kept, **({"PYTHONPYCACHEPREFIX": _code_cache[0]} if _code_cache else {})}


@contextmanager
def _on_cpu_of(side: Literal["client", "server"]) -> Iterator[None]:
    """Start processes here to have them on that side's own processor, where the system knows such a thing."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(ours) if side == "client" else max(ours)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def start(script: str, name: str, **settings: Any) -> "subprocess.Popen[str]":
    """Start one contender in a fresh process on the client's processor."""
    command = [sys.executable, str(HERE / script), name, json.dumps(settings)]
    with _on_cpu_of("client"):
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=_environment())


def once(script: str, name: str, **settings: Any) -> dict[str, Any]:
    """Run one contender from start to end and give what it printed."""
    process = start(script, name, **settings)
    output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"the contender {name} failed; the reason is above")
    result: dict[str, Any] = json.loads(output)
    return result


class Contender:
    """One contender that stays and is measured again and again."""

    def __init__(self, script: str, name: str, **settings: Any) -> None:
        self.name = name
        self._process = start(script, name, **settings)

    def ask(self, **what: Any) -> dict[str, float]:
        """Let it do that once and give what it measured."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(BrokenPipeError):  # it ended; the empty line below says so
            self._process.stdin.write(f"{json.dumps(what)}\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"the contender {self.name} failed; the reason is above")
        result: dict[str, float] = json.loads(line)
        return result

    def end(self) -> None:
        self._process.communicate()


def interleaved(contenders: Sequence[Contender], slices: int, **what: Any) -> dict[str, dict[str, float]]:
    """Let all take turns in short slices and add up what each measured: what disturbs one disturbs all."""
    total: dict[str, dict[str, float]] = {contender.name: {} for contender in contenders}
    for contender in in_turn(contenders, slices):
        sums = total[contender.name]
        for name, value in contender.ask(**what).items():
            sums[name] = sums.get(name, 0.0) + value
    return total


T = TypeVar("T")


def in_turn(contenders: Sequence[T], rounds: int) -> Iterator[T]:
    """Give all contenders in every round, each round beginning with another one."""
    for number in range(rounds):
        start = number % len(contenders)
        yield from (*contenders[start:], *contenders[:start])


class Server:
    """The stub service in a process of its own, over TLS where there is a certificate."""

    def __init__(self, certificate: Path | None = None) -> None:
        self._arguments = [str(certificate)] if certificate else []

    def __enter__(self) -> Self:
        command = [sys.executable, str(HERE / "bench_server.py"), *self._arguments]
        with _on_cpu_of("server"):
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment())
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.communicate()

    @contextmanager
    def watched(self) -> Iterator[Callable[[], float]]:
        """Give a function that tells, afterwards, which share of the time the server computed."""
        cpu, wall = self.cpu(), time.perf_counter()
        share = 0.0
        yield lambda: share
        share = (self.cpu() - cpu) / (time.perf_counter() - wall)

    def cpu(self) -> float:
        """Give the seconds that the server has computed, NaN where the system does not tell."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- the contender's side ----------------------------------------------------------------------------------------


def contend(contenders: Mapping[str, Callable[[dict[str, Any]], object]]) -> None:
    """Be the contender that the command line names."""
    name, settings = sys.argv[1:]
    contenders[name](json.loads(settings))


def asked() -> dict[str, Any] | None:
    """Wait for the next wish of the parent; None is the end."""
    line = sys.stdin.readline()
    wish: dict[str, Any] | None = json.loads(line) if line else None
    return wish


def tell(result: Mapping[str, float]) -> None:
    """Answer the parent."""
    print(json.dumps(result), flush=True)


class Meter:
    """Measures wall time and this process's CPU time."""

    def __enter__(self) -> Self:
        gc.collect()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    @property
    def running(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._wall

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._cpu
        self.wall = time.perf_counter() - self._wall


def memory(kind: Literal["VmRSS", "VmHWM"]) -> float:
    """Give this process's present or highest memory in MiB, NaN where the system does not tell."""
    try:
        found = re.search(rf"{kind}:\s+(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    return int(found[1]) / 1024 if found else float("nan")


def forget_peak() -> None:
    """Let the highest memory count from now on."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return
