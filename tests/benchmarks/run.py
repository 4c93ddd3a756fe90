"""Measure cfstream beside named peers: `run.py [NAME|all] [--rounds N] [--quick] [--check] [--json FILE]`."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import bench_calls
import bench_decode
import bench_emulator
import bench_import
from bench_process import Plan, compiled_code
from bench_report import Report, shown
from bench_upload import SCENARIOS

BENCHMARKS: Mapping[str, Callable[[Plan], Report]] = {
    "calls": bench_calls.run,
    "decode": bench_decode.run,
    **{name: scenario.run for name, scenario in SCENARIOS.items()},
    "import": bench_import.run,
    "emulator": bench_emulator.run,
}


def main() -> None:
    arguments = _arguments()
    names = list(BENCHMARKS) if arguments.which == "all" else [arguments.which]
    plan = Plan(rounds=arguments.rounds or (3 if arguments.quick else 5), quick=arguments.quick)
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {plan.rounds} rounds{_load()}"
    )
    reports: dict[str, Report] = {}
    with compiled_code():
        for name in names:
            reports[name] = BENCHMARKS[name](plan)
            print(f"\n{shown(reports[name])}", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps({name: report.as_json() for name, report in reports.items()}, indent=1))
    missed = [target for report in reports.values() for target in report.targets if not target.met]
    sys.exit(1 if arguments.check and missed else 0)


def _load() -> str:
    """Tell how busy the machine was before, where it knows."""
    return f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks")
    parser.add_argument("which", nargs="?", default="all", choices=[*BENCHMARKS, "all"])
    parser.add_argument("--rounds", type=int, help="how often each contender is measured; 5, or 3 with --quick")
    parser.add_argument("--quick", action="store_true", help="shorter measurements, smaller files and fewer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
