"""The top of the checkout stays small enough to read at a glance."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {"CHANGELOG.md", "LICENSE", "README.md", "cfstream", "docs", "noxfile.py", "pyproject.toml", "tests"}


@pytest.mark.skipif(
    not (ROOT / ".git").exists() or shutil.which("git") is None, reason="only git tells what belongs to the checkout"
)
def test_top_level_holds_nothing_else() -> None:
    # A hook of git that runs the tests sets variables that would send this git elsewhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    names = {line.split("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} == TOP


@pytest.mark.parametrize("name", sorted(TOP))
def test_top_level_is_complete(name: str) -> None:
    assert (ROOT / name).exists()


def test_every_folder_of_tests_is_run_by_somebody() -> None:
    """Pytest collects the listed folders only, so that a folder nobody lists would pass unseen."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    collected = set(tools["pytest"]["ini_options"]["testpaths"])
    noxfile = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    sessions = set(re.findall(r'session\.run\(.*"(tests/\w+)"', noxfile))
    checked = {path for path in tools["pyright"]["include"] if path.startswith("tests/")}
    there = {f"tests/{path.parts[len(ROOT.parts) + 1]}" for path in (ROOT / "tests").rglob("*.py")}
    assert there - {"tests/conftest.py"} <= collected | sessions | checked
    assert collected & sessions == {"tests/faults"}  # its session is the long form of what every run has
    assert {path for path in collected | sessions if not (ROOT / path).is_dir()} == set()


def test_test_files_have_names_of_their_own() -> None:
    """Test folders are not packages, so that pytest takes equal file names for the same module."""
    own = {"__main__.py", "conftest.py"}  # pytest knows how to have several of these
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in own]
    assert sorted(set(names)) == sorted(names)
