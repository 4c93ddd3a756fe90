"""The start of noxfile.py: what it makes of its arguments, and that its facts are kept in one place."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOXFILE = ROOT / "noxfile.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def noxfile() -> dict[str, Any]:
    return runpy.run_path(str(NOXFILE))


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ([], ["--list"]),
        (["tests"], ["--session", "tests", "--"]),
        (["tests", "-k", "foo"], ["--session", "tests", "--", "-k", "foo"]),
        (["tests", "--", "-k", "foo"], ["--session", "tests", "--", "-k", "foo"]),
        (["demo", "talk.mp4", "--", "-x"], ["--session", "demo", "--", "talk.mp4", "--", "-x"]),
        (["-s", "tests", "lint"], ["-s", "tests", "lint"]),
        (["--list"], ["--list"]),
    ],
)
def test_arguments_are_translated(noxfile: dict[str, Any], typed: list[str], understood: list[str]) -> None:
    assert noxfile["nox_arguments"](typed) == understood


@pytest.mark.parametrize(
    ("installed", "serves"),
    [
        ("2025.10.16", True),
        ("2026.10.20", True),
        ("2025.10.16.post1", True),
        ("2025.2.9", False),
        ("2022.11.21", False),
    ],
)
def test_an_old_nox_is_left_alone(
    noxfile: dict[str, Any], monkeypatch: pytest.MonkeyPatch, installed: str, serves: bool
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"nox": installed}.__getitem__)
    assert noxfile["nox_at_hand"]() is serves


def test_nox_may_be_missing(noxfile: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert noxfile["nox_at_hand"]() is False


def test_the_version_of_nox_is_the_same_everywhere(noxfile: dict[str, Any]) -> None:
    header = re.findall(r'^# dependencies = \["nox>=(.*)"\]$', NOXFILE.read_text(encoding="utf-8"), re.MULTILINE)
    group = [line.removeprefix("nox>=") for line in PROJECT["dependency-groups"]["typing"] if line.startswith("nox")]
    assert [noxfile["NOX"]] == header == group
    assert noxfile["nox"].needs_version == f">={noxfile['NOX']}"


def test_pythons_come_from_the_classifiers(noxfile: dict[str, Any]) -> None:
    versions = [line.rpartition(" ")[2] for line in PROJECT["project"]["classifiers"] if " :: Python :: 3." in line]
    assert noxfile["PYTHONS"] == versions
    assert PROJECT["project"]["requires-python"] == f">={versions[0]}"


def test_the_script_lists_the_sessions() -> None:
    # nox asks for these colours; CI systems set one of them.
    environment = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR"}}
    shown = subprocess.run(
        [sys.executable, str(NOXFILE)], check=True, capture_output=True, text=True, env={**environment, "NO_COLOR": "1"}
    ).stdout
    sessions = re.findall(r"^[*-] (\S+) -> ", shown, re.MULTILINE)
    assert {"tests", "tests_min", "lint", "typing", "generate", "docs", "build", "demo"} < set(sessions)
    assert re.findall(r"^\* (\S+)", shown, re.MULTILINE) == ["tests", "lint", "typing"]


def test_without_pip_one_line_says_what_is_missing(
    noxfile: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(noxfile["private_python"].__globals__, "HERE", tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", {"pip": None}.__getitem__)
    with pytest.raises(SystemExit) as caught:
        noxfile["private_python"]()
    assert isinstance(caught.value.code, str)
    assert "has no pip" in caught.value.code
    assert "\n" not in caught.value.code
    assert list(tmp_path.iterdir()) == []
