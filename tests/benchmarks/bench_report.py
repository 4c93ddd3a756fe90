"""Medians, ratios inside one run, and the table with its marks."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Literal

import attrs
from bench_process import Sample

Samples = Mapping[str, Sequence[Sample]]
"""By contender, one sample per round."""

Sense = Literal[">=", "<="]

_WIDTH = 17


@attrs.frozen
class Target:
    """One promise, and how the rounds of this run stood to it."""

    what: str
    rounds: Sequence[float]
    sense: Sense
    limit: float

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool:
        """A value that this system cannot measure misses nothing."""
        if math.isnan(self.value):
            return True
        return self.value >= self.limit if self.sense == ">=" else self.value <= self.limit

    def __str__(self) -> str:
        mark = "not measured" if math.isnan(self.value) else "pass" if self.met else "MISSED"
        rounds = f"{_number(min(self.rounds))} to {_number(max(self.rounds))}"
        return f"{mark:6}  {self.what}: {_number(self.value)} ({rounds}), target {self.sense} {self.limit:g}"


@attrs.frozen
class Report:
    """What one benchmark found."""

    title: str
    measures: Mapping[str, str]
    """The columns: name of the measure, heading."""
    samples: Samples
    targets: Sequence[Target]
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        targets = [
            {"what": t.what, "value": t.value, "rounds": list(t.rounds), "sense": t.sense, "limit": t.limit}
            for t in self.targets
        ]
        return {"title": self.title, "samples": self.samples, "targets": targets, "notes": list(self.notes)}


def ratios(samples: Samples, measure: str, ours: str, theirs: str) -> list[float]:
    """Give our value over theirs, round by round."""
    pairs = zip(samples[ours], samples[theirs], strict=True)
    return [own[measure] / other[measure] for own, other in pairs]


def shown(report: Report) -> str:
    """Write the table: medians, with half their range in percent, then the targets."""
    wide = max(len(name) for name in report.samples)
    lines = [f"== {report.title}", " " * wide + "".join(f"{head:>{_WIDTH}}" for head in report.measures.values())]
    for name, rounds in report.samples.items():
        cells = (_cell([sample[measure] for sample in rounds]) for measure in report.measures)
        lines.append(f"{name:{wide}}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells))
    return "\n".join([*lines, *map(str, report.targets), *report.notes])


def _cell(values: Sequence[float]) -> str:
    middle = median(values)
    if math.isnan(middle):
        return "-"
    spread = (max(values) - min(values)) / 2 / middle if middle else 0.0
    return f"{_number(middle)} ±{spread:3.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
