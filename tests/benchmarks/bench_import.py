"""Importing: time and modules until a client could send, against the official client; and what cfstream brings in."""

import importlib.metadata
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench_process import Plan, Sample, in_turn, once
from bench_report import Report, Target, ratios

CFSTREAM = "cfstream"
OFFICIAL = "AsyncCloudflare"
INTERPRETER = "interpreter"
CONTENDERS = (CFSTREAM, OFFICIAL, INTERPRETER)

# orjson is the extra that is used wherever it is installed.
_ALLOWED = ("aiohttp", "attrs", "cattrs", "tenacity", "orjson")


def run(plan: Plan) -> Report:
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    for name in CONTENDERS:
        _measured(name)  # leaves compiled modules for the others
    brought: set[str] = set()
    for _ in range(plan.rounds):
        found: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
        for name in in_turn(CONTENDERS, 2 if plan.quick else 4):
            sample, loaded = _measured(name)
            found[name].append(sample)
            if name == CFSTREAM:
                brought |= _third_party(loaded)
        for name, starts in found.items():
            samples[name].append(_best(starts))
    heavy = brought - _allowed()
    return Report(
        title="import and make a client with an open session",
        measures={"ready ms": "ready ms", "cpu ms": "CPU ms", "process ms": "process ms", "modules": "modules"},
        samples=samples,
        targets=_targets(samples, len(heavy)),
        notes=[
            "Of each round the quickest start counts.",
            f"cfstream brings in: {', '.join(sorted(brought))}.",
            f"Beyond its requirements: {', '.join(sorted(heavy)) or 'nothing'}.",
        ],
    )


def _targets(samples: Mapping[str, list[Sample]], heavy: int) -> list[Target]:
    both = CFSTREAM, OFFICIAL
    return [
        Target(f"{CFSTREAM} / {OFFICIAL}, time until ready", ratios(samples, "ready ms", *both), "<=", 0.70),
        Target("third-party packages beyond the requirements", [heavy], "<=", 0),
    ]


def _measured(name: str) -> tuple[Sample, list[str]]:
    began = time.perf_counter()
    found = once("bench_import_one.py", name)
    process = time.perf_counter() - began
    loaded: list[str] = found.pop("loaded")
    return {**found, "process ms": 1000 * process, "modules": len(loaded)}, loaded


def _best(starts: Sequence[Sample]) -> Sample:
    """Give the quickest of a round's starts: whatever else a start meets makes it slower, never quicker."""
    return {measured: min(start[measured] for start in starts) for measured in starts[0]}


def _third_party(loaded: Iterable[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in loaded}
    return {top for top in tops if top != CFSTREAM and top not in sys.stdlib_module_names and not _is_private(top)}


def _is_private(top: str) -> bool:
    """Modules like `__mp_main__` and a wheel's own helper libraries are nobody's package."""
    return top.startswith("__") or top not in importlib.metadata.packages_distributions()


def _allowed() -> set[str]:
    """Give the packages of cfstream's requirements and of what those require."""
    wanted, seen = list(_ALLOWED), set[str]()
    while wanted:
        name = _plain(wanted.pop())
        if name in seen:
            continue
        seen.add(name)
        wanted += _requirements(name)
    owners: Mapping[str, list[str]] = importlib.metadata.packages_distributions()
    return {top for top, names in owners.items() if seen & set(map(_plain, names))}


def _requirements(name: str) -> list[str]:
    """Give what the distribution requires without extras; what is not installed here requires nothing."""
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    found: list[Any] = [re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line]
    return [match[0] for match in found if match]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
