"""The Python of README.md and docs/ runs, in order, as its readers would run it: against the local emulator."""

import ast
import asyncio
import inspect
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document, Example, Sybil
from sybil.parsers.myst import CodeBlockParser, SkipParser

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


class Runner:
    """Runs a document's blocks in one namespace and on one event loop, so that a later block can go on."""

    def __init__(self, loop: asyncio.Runner) -> None:
        self._loop = loop
        self._sybil = Sybil(parsers=[CodeBlockParser("python", self._evaluate), SkipParser()], pattern="*.md")

    def parse(self, path: Path) -> Document:
        return self._sybil.parse(path)

    def run(self, path: Path) -> None:
        for example in self.parse(path):
            try:
                example.evaluate()
            except SkipTest:
                continue  # the document says so, with its reason: <!-- skip: next "needs a real account" -->

    def _evaluate(self, example: Example) -> None:
        # Blank lines in front make tracebacks show the line of the document.
        source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
        code = compile(source, example.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        waiting = eval(code, example.namespace)
        if inspect.iscoroutine(waiting):  # the block has an `await`, `async for` or `async with` of its own
            self._loop.run(waiting)


@pytest.fixture
def runner() -> Iterator[Runner]:
    with asyncio.Runner() as loop:
        yield Runner(loop)


@pytest.fixture(scope="module")
def service() -> Iterator[dict[str, str]]:
    from cfstream.emulator import Emulator

    with Emulator(allow_private_fetch=True) as emulator:  # a page lets it copy a video from this machine
        yield {
            "CLOUDFLARE_API_TOKEN": emulator.api_token,
            "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
            "CLOUDFLARE_BASE_URL": emulator.base_url,
        }


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from cfstream.emulator.media.testvideo import make_test_video

    path = tmp_path_factory.mktemp("video") / "talk.mp4"
    make_test_video(path, seconds=2, size=(320, 180))
    return path.read_bytes()


@pytest.fixture
def reader(service: dict[str, str], talk: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where a reader stands: credentials in the environment, and a video in the working directory."""
    for name, value in service.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "talk.mp4").write_bytes(talk)
    monkeypatch.chdir(tmp_path)
    logger = logging.getLogger("cfstream")  # a page sets its level, which would hide what other tests look for
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_python_of_the_documents_runs(path: Path, request: pytest.FixtureRequest, runner: Runner) -> None:
    if any(runner.parse(path)):
        request.getfixturevalue("reader")  # a page without code needs no emulator
        runner.run(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_no_python_of_the_documents_is_overlooked(path: Path) -> None:
    """A fence that says `py` or has options is Python to a reader, but would not be run."""
    fences = re.findall(r"^\s*`{3,}\s*(py.*?)\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [fence for fence in fences if fence != "python"] == []


def test_the_tests_of_the_emulators_page_pass_as_they_stand(runner: Runner, pytester: pytest.Pytester) -> None:
    shown = [str(example.parsed) for example in runner.parse(ROOT / "docs" / "emulator.md")]
    pytester.makepyfile("\n".join(block for block in shown if "def test_" in block))
    loops = ("-o", "asyncio_default_fixture_loop_scope=function")
    result = pytester.runpytest_subprocess("-q", "-W", "error", "-o", "asyncio_mode=strict", *loops)
    result.assert_outcomes(passed=2)


def test_blocks_share_names_and_loop(runner: Runner, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nimport asyncio\nawait asyncio.sleep(0)\nloop = asyncio.get_running_loop()\n```\n"
        "text\n\n```python\nplain = 1\n```\n"
        '<!-- skip: next "nobody has this" -->\n\n```python\nimport nobody_has_this\n```\n'
        "```python\nasync with asyncio.timeout(1):\n    plain += 1\nassert loop is asyncio.get_running_loop()\n```\n"
        "```python\nassert plain == 2\n```\n"
    )
    runner.run(page)


def test_a_failing_block_is_shown_by_its_line(runner: Runner, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nx = 1\nassert x == 2\n```\n")
    with pytest.raises(AssertionError) as caught:
        runner.run(page)
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == (page, 5)
