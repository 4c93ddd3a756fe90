"""Uploading: one large file, or many, to a server that forgets them, plain and over TLS, against other tus clients."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs
from bench_certificate import write_certificate
from bench_process import MIB, Plan, Sample, Server, in_turn, once
from bench_report import Report, Samples, Sense, Target, ratios
from bench_upload_job import CHUNK, Job
from bench_uploaders import AIOTUS, CFSTREAM, FLOOR, TUS_JS, TUSPY, UPLOADERS, missing


@attrs.frozen
class Scenario:
    """What is uploaded, how, and what is promised."""

    title: str
    count: int
    mib: int
    """The size of each file."""
    quick: tuple[int, int]
    """Count and size of a short run."""
    at_once: int
    tls: bool
    faster: Mapping[str, float]
    """How many times as fast as whom, at least."""
    leaner: Mapping[str, float]
    """How many times the processor time of whom, at most."""
    peak: float
    """MiB above idle, at most."""

    def run(self, plan: Plan) -> Report:
        """Measure all who can take part, in turn."""
        count, mib = self.quick if plan.quick else (self.count, self.mib)
        absent = missing()
        names = [name for name in UPLOADERS if name not in absent]
        samples: dict[str, list[Sample]] = {name: [] for name in names}
        with self._prepared(count, mib) as (server, job):
            for name in in_turn(names, plan.rounds):
                samples[name].append(_sample(name, server, job))
        return Report(
            title=f"upload {count} x {mib} MiB, {self.title}, {self.at_once} at once, chunks of {CHUNK // MIB} MiB",
            measures={"MiB/s": "MiB/s", "cpu": "CPU s/GiB", "peak": "peak MiB", "server": "server busy %"},
            samples=samples,
            targets=self._targets(samples),
            notes=[
                "Peak is the highest memory during the uploads above that of the idle client.",
                "Where other programs run, CPU s/GiB says more than MiB/s. The server has a processor of its own: who",
                "keeps it busy nearly all the time would be faster with another.",
                *(f"{name} is left out: {reason}." for name, reason in absent.items()),
            ],
        )

    @contextmanager
    def _prepared(self, count: int, mib: int) -> Iterator[tuple[Server, Job]]:
        shared = Path("/dev/shm")
        with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
            folder = Path(name)
            certificate, trusted = write_certificate(folder) if self.tls else (None, None)
            with Server(certificate) as server:
                job = Job(server.port, name, count, mib * MIB, self.at_once, str(trusted or ""))
                job.write()
                yield server, job

    def _targets(self, samples: Samples) -> list[Target]:
        return [
            *self._ratios(samples, "MiB/s", "MiB/s", ">=", self.faster),
            *self._ratios(samples, "cpu", "CPU per GiB", "<=", self.leaner),
            Target(f"{CFSTREAM}, peak above idle in MiB", [one["peak"] for one in samples[CFSTREAM]], "<=", self.peak),
        ]

    def _ratios(
        self, samples: Samples, measure: str, shown: str, sense: Sense, limits: Mapping[str, float]
    ) -> Iterator[Target]:
        for other, limit in limits.items():
            if other in samples:
                found = ratios(samples, measure, CFSTREAM, other)
                yield Target(f"{CFSTREAM} / {other}, {shown}", found, sense, limit)


def _sample(name: str, server: Server, job: Job) -> Sample:
    before = server.cpu()
    sample = once("bench_uploaders.py", name, **attrs.asdict(job))
    wall = job.mib / sample["MiB/s"]
    return {**sample, "server": 100 * (server.cpu() - before) / wall}


def _large(title: str, *, tls: bool, faster: Mapping[str, float], leaner: Mapping[str, float]) -> Scenario:
    return Scenario(title, 1, 1024, quick=(1, 128), at_once=1, tls=tls, faster=faster, leaner=leaner, peak=16)


def _many(title: str, *, tls: bool, faster: Mapping[str, float], leaner: Mapping[str, float]) -> Scenario:
    return Scenario(title, 200, 10, quick=(24, 10), at_once=8, tls=tls, faster=faster, leaner=leaner, peak=64)


SCENARIOS: Mapping[str, Scenario] = {
    "upload": _large("plain", tls=False, faster={AIOTUS: 2.5, TUSPY: 1.7, TUS_JS: 1.5}, leaner={AIOTUS: 0.4, FLOOR: 3}),
    "upload-tls": _large("TLS", tls=True, faster={AIOTUS: 2.5, FLOOR: 0.5}, leaner={AIOTUS: 0.5, FLOOR: 2}),
    "uploads": _many("plain", tls=False, faster={AIOTUS: 1.3, TUSPY: 1}, leaner={AIOTUS: 0.9, FLOOR: 4}),
    "uploads-tls": _many("TLS", tls=True, faster={AIOTUS: 1.3, TUSPY: 1}, leaner={AIOTUS: 0.9, FLOOR: 3}),
}
