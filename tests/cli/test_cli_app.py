"""The command as a whole: help, versions, extras, and what becomes of errors."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from cli_kit import Here, command, environment

import cfstream
from cfstream import AmbiguousResultError, EncodingFailedError, TransportError, UploadError, WaitTimeoutError
from cfstream.cli import text
from cfstream.cli.app import cli
from cfstream.cli.failures import advice, code_of, code_of_many, line_of
from cfstream.cli.options import read_size

COMMANDS = ("demo", "emulator", "upload", "download", "list", "get", "delete")


def without(*modules: str) -> list[str]:
    """Give a Python that has none of these modules."""
    hidden = "; ".join(f"sys.modules[{name!r}] = None" for name in modules)
    return [sys.executable, "-c", f"import sys; {hidden}; from cfstream.cli import main; main()"]


def test_version() -> None:
    done = command("--version", env=environment())
    assert (done.code, done.out, done.err) == (0, f"cfstream {cfstream.__version__}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples_and_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = Here(capsys)(name, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: cfstream {name}")
    assert f"  cfstream {name}" in done.out.partition("Examples:")[2]
    assert "--json" in done.out
    assert "--debug" in done.out


def test_the_group_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    done = Here(capsys)("--help")
    assert all(f"\n  {name}  " in done.out for name in COMMANDS)
    assert set(cli.commands) == set(COMMANDS)
    assert "130 interrupted, 143 stopped by SIGTERM" in " ".join(done.out.split())
    assert Here(capsys)().code == 2


def test_no_option_takes_a_secret() -> None:
    for command_ in cli.commands.values():
        names = {option for parameter in command_.params for option in parameter.opts}
        assert not {name for name in names if "token" in name or "key" in name or "secret" in name}


def test_an_unknown_command_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    done = Here(capsys)("uplaod")
    assert done.code == 2
    assert "uplaod" in done.error_line()


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    done = subprocess.run([*without(missing), "list"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'error: the command line needs click and rich: run pip install "cfstream[cli]"\n'


@pytest.mark.parametrize("name", ["demo", "emulator"])
def test_without_the_emulator_one_line_says_what_to_install(name: str) -> None:
    done = subprocess.run([*without("av"), name, "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert 'pip install "cfstream[emulator]"' in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_help_comes_without_the_http_client() -> None:
    code = "import sys; from cfstream.cli.app import run; run(['--help']); assert 'aiohttp' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_a_reader_that_leaves_early_causes_no_noise(tmp_path: Path) -> None:
    line = f'"{sys.executable}" -m cfstream --help | true'
    for _ in range(3):
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
        assert done.stderr == ""


def test_bugs_are_one_line_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("oh\nno")

    monkeypatch.setitem(cli.commands, "broken", click.command("broken")(broken))
    done = Here(capsys)("broken")
    assert done.code == 1
    assert "unexpected KeyError" in done.error_line()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain Ünïcode 🎬", "plain Ünïcode 🎬"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\tb\r\nc\u2028d", r"a\tb\r\nc\u2028d"),
        ("\u202egnp.exe\u200b", r"\u202egnp.exe\u200b"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("at 5\u202fPM\xa0", "at 5 PM "),
        (os.fsdecode(b"caf\xe9"), r"caf\udce9"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(given: str, shown: str) -> None:
    assert text.clean(given) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (8_257_773, "8.3 MB"), (3e12, "3.0 TB")]
)
def test_sizes_are_shown(count: float, shown: str) -> None:
    assert text.size(count) == shown


def test_times_are_shown() -> None:
    spans = {0: "0:00", 7.6: "0:08", 61: "1:01", 3599.6: "1:00:00", 36_000: "10:00:00"}
    assert {seconds: text.span(seconds) for seconds in spans} == spans
    assert text.left(50, 100, 10) == "10 B/s, 0:05 left"
    assert text.left(0, 100, 0) == ""
    assert text.when(datetime(2026, 11, 21, 12, 0, tzinfo=UTC)).startswith("2026-11-2")


@pytest.mark.parametrize(
    ("given", "size"),
    [("52428800", 52_428_800), ("50MiB", 52_428_800), ("50 mb", 52_428_800), ("1g", 1024**3), ("256KiB", 262_144)],
)
def test_sizes_are_read(given: str, size: int) -> None:
    assert read_size(given) == size


@pytest.mark.parametrize("wrong", ["", "MiB", "-1", "1.5MiB", "5 parsecs"])
def test_what_is_no_size_is_refused(wrong: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a size"):
        read_size(wrong)


def test_errors_say_what_to_do() -> None:
    assert "cfstream delete abc" in str(advice(EncodingFailedError("x", uid="abc")))
    assert "cfstream delete abc" in str(advice(UploadError("x", uid="abc")))
    assert "cfstream get abc" in str(advice(WaitTimeoutError("x", uid="abc")))
    assert "cfstream list" in str(advice(AmbiguousResultError("x")))
    assert advice(TransportError("x", retryable=True)) == "try again later"
    assert advice(UploadError("x")) is None
    assert advice(UploadError("x", uid="u"), resumable=True) == "the same command goes on with it"
    assert advice(EncodingFailedError("x", uid="u"), resumable=True) == "remove it: cfstream delete u"


def test_errors_are_one_line_that_no_terminal_obeys() -> None:
    assert line_of(TransportError("one\ntwo \x1b[31m")) == r"one two \x1b[31m"
    assert line_of(FileNotFoundError(2, "No such file", "a.mp4")) == "a.mp4: No such file"


def test_only_refusals_alone_are_usage_errors() -> None:
    refused, failed = code_of(cfstream.InvalidInputError("x")), code_of(TransportError("x"))
    assert code_of_many(3, []) == 0
    assert code_of_many(0, [refused, refused]) == 2
    assert code_of_many(1, [refused]) == 1
    assert code_of_many(0, [refused, failed]) == 1
