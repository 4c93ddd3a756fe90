"""Hostile command lines and hostile servers: one line, an exit code, and no secret on the screen."""

import base64
import contextlib
import io
import json
import logging
import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from cli_kit import Done, Here, command, environment
from fuzz_kit import fuzzed
from hypothesis import given
from hypothesis import strategies as st

from cfstream.cli.app import cli, run

TOKEN = "CANARY-token-0123456789-abcdef-CANARY"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.c2lnbmF0dXJlLUNBTkFSWQ"
NOWHERE = {
    "CLOUDFLARE_API_TOKEN": TOKEN,
    "CLOUDFLARE_ACCOUNT_ID": "a" * 32,
    "CLOUDFLARE_BASE_URL": "http://127.0.0.1:9",  # nobody listens there, and nothing may be sent
}
REFUSED = 2


@contextmanager
def variables(**values: str) -> Generator[None]:
    """Set the account's variables to these and no others."""
    before = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CLOUDFLARE_")}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)


def ran(*arguments: str) -> Done:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    return Done(code, out.getvalue(), err.getvalue())


# --- arguments ---------------------------------------------------------------------------------------------------

NAMES = ["upload", "list", "get", "delete"]
OPTIONS = sorted({option for name in NAMES for parameter in cli.commands[name].params for option in parameter.opts})
odd = st.text(max_size=12) | st.sampled_from(
    ["\udce9", "\x1b[31m", "a\nb", "-", "--", "-x", "--=", "", "9" * 5000, "\u202e", JWT]
)
words = st.sampled_from(sorted({*OPTIONS, *NAMES} - {"--debug", "--help", "-h"})) | odd
SHOWS = {"--help", "-h", "--version"}


@fuzzed(300)
@given(st.sampled_from(NAMES), st.lists(words, max_size=6))
def test_any_words_end_in_one_line_and_a_code(name: str, given_words: list[str]) -> None:
    if "--debug" in given_words or any(
        word[:2] in ("-h", "--") and word[:3] in ("--d", "--h", "-h") for word in given_words
    ):
        return
    with variables():
        done = ran(name, *given_words)
    assert done.code == REFUSED
    assert done.out == ""
    line = done.error_line()
    assert line.isprintable()
    line.encode()


@fuzzed(200)
@given(st.lists(odd, min_size=1, max_size=3))
def test_any_first_word_ends_in_one_line_and_a_code(given_words: list[str]) -> None:
    if given_words[0] in ("-h", "--help", "--version", "--debug"):
        return
    with variables():
        done = ran(*given_words)
    assert done.code == REFUSED
    assert "Traceback" not in done.err


WRONG = [
    ["get"],
    ["get", ""],
    ["get", ".."],
    ["get", "../../user/tokens"],
    ["get", "a/b"],
    ["get", "a?b"],
    ["get", "%2e%2e"],
    ["get", "a\nb"],
    ["get", "\udce9"],
    ["get", "x" * 10_000],
    ["get", JWT],
    ["get", "a", "b"],
    ["delete", "--yes"],
    ["delete", "--yes", ".."],
    ["delete", "a" * 32],
    ["list", "--limit", "0"],
    ["list", "--limit", "-1"],
    ["list", "--limit", "1.5"],
    ["list", "--limit", "9" * 5000],
    ["list", "--limit", ""],
    ["list", "--limit"],
    ["list", "--status", "\x1b]0;x\x07"],
    ["list", "--status", ""],
    ["list", "--creator", "x" * 65],
    ["list", "--creator", "\udce9"],
    ["list", "--search", "\udce9"],
    ["list", "extra"],
    ["list", "--Limit", "5"],
    ["upload"],
    ["upload", ""],
    ["upload", "missing.mp4"],
    ["upload", "missing\n.mp4"],
    ["upload", "\udce9.mp4"],
    ["upload", "-x"],
    ["upload", "--", "-x"],
    ["upload", "x" * 300],
    ["upload", "/dev/null"],
    ["upload", "/dev/zero"],
    ["upload", "http://example.com/a.mp4"],
    ["upload", "{file}", "--chunk-size", "0"],
    ["upload", "{file}", "--chunk-size", "-5MiB"],
    ["upload", "{file}", "--chunk-size", "5 MiB x"],
    ["upload", "{file}", "--chunk-size", "9" * 5000],
    ["upload", "{file}", "--chunk-size", "1e9"],
    ["upload", "{file}", "--chunk-size", "201MiB"],
    ["upload", "{file}", "--meta", ""],
    ["upload", "{file}", "--meta", "=x"],
    ["upload", "{file}", "--meta", "x"],
    ["upload", "{file}", "--meta", "a b=c"],
    ["upload", "{file}", "--meta", "a,b=c"],
    ["upload", "{file}", "--meta", "\udce9=c"],
    ["upload", "{file}", "--meta", "a=\udce9"],
    ["upload", "{file}", "--meta", "name=x"],
    ["upload", "{file}", "--meta", "a=" + "x" * 10_000],
    ["upload", "{file}", "--name", "\udce9"],
    ["upload", "{file}", "--creator", "x" * 65],
    ["upload", "{file}", "--creator", "\udce9"],
    ["upload", "{file}", "--allowed-origin", "\udce9"],
    ["upload", "{file}", "--max-duration-seconds", "0"],
    ["upload", "{file}", "--max-duration-seconds", "36001"],
    ["upload", "{file}", "--max-duration-seconds", "9" * 4000],
    ["upload", "{file}", "--max-duration-seconds", "9" * 5000],
    ["upload", "{file}", "--max-duration-seconds", "x"],
    ["upload", "{empty}"],
    ["upload", "{folder}"],
    ["upload", "{loop}"],
    ["upload", "{pipe}"],
    ["upload", "{dangling}"],
    ["upload", "{folder}", "{folder}"],
    ["upload", "{file}", "--name", "x", "-"],
    ["upload", "-0", "{file}"],
    ["upload", "{file}", "--concurrency", "9" * 5000],
    ["upload", "{file}", "--concurrency", "1001"],
    ["upload", "{file}", "--max-failures", "x"],
    ["upload", "{file}", "--journal", "{folder}"],
    ["emulator", "--port", "-1"],
    ["emulator", "--port", "65536"],
    ["emulator", "--port", "x"],
    ["emulator", "--preset", "huge"],
    ["emulator", "--data", "{file}"],
    ["emulator", "--data", "/dev/null/x"],
    ["emulator", "--data", "x" * 300],
    ["emulator", "extra"],
    ["demo", "--nothing"],
    ["nothing"],
    [""],
    ["\x1b[31mred"],
    ["--token", TOKEN, "list"],
    ["--limit=5", "list"],
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "file.mp4").write_bytes(b"x")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    names = {"file": "file.mp4", "empty": "empty.mp4", "folder": "folder", "loop": "loop", "pipe": "pipe"}
    return {name: str(tmp_path / file) for name, file in {**names, "dangling": "dangling"}.items()}


@pytest.mark.parametrize(
    "arguments", WRONG, ids=lambda arguments: " ".join(arguments)[:40].encode("ascii", "replace").decode()
)
def test_wrong_input_is_refused_in_one_line_before_anything_is_sent(
    arguments: list[str], places: dict[str, str]
) -> None:
    with variables(**NOWHERE):
        done = ran(*(places.get(word[1:-1], word) if word[:1] == "{" else word for word in arguments))
    assert (done.code, done.out) == (REFUSED, "")
    line = done.error_line()
    assert line.isprintable()
    assert TOKEN not in line
    assert JWT not in line
    assert "cannot connect" not in line


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no text")
def test_a_file_of_undecodable_name_is_named_without_harm(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n\x1b[31m.mp4")
    Path(path).touch()
    done = command("upload", path, env=environment() | NOWHERE)
    assert done.code == REFUSED
    assert "is empty" in done.error_line()
    assert done.err.strip().isprintable()


# --- credentials -------------------------------------------------------------------------------------------------

ON_ARGV = ["--token", "--api-token", "--api-key", "--key", "--password", "--auth", "--email", "--header", "-t", "-k"]


def test_no_option_of_any_command_takes_credentials() -> None:
    known = {option for command_ in [cli, *cli.commands.values()] for p in command_.params for option in p.opts}
    assert not known & set(ON_ARGV)
    arguments = {p.name for command_ in cli.commands.values() for p in command_.params if isinstance(p, click.Argument)}
    assert not {name for name in arguments if name and ("token" in name or "key" in name)}


@pytest.mark.parametrize("option", ON_ARGV)
@pytest.mark.parametrize("form", ["{0}={1}", "{0} {1}"])
def test_credentials_on_the_command_line_are_refused_and_not_repeated(option: str, form: str) -> None:
    with variables(**{name: value for name, value in NOWHERE.items() if "TOKEN" not in name}):
        for before in ([], ["list"], ["upload", "x"]):
            done = ran(*before, *form.format(option, TOKEN).split())
            assert done.code == REFUSED
            assert TOKEN not in done.out + done.err


def test_credentials_that_are_none_are_refused_and_not_repeated() -> None:
    for wrong in (f"{TOKEN}\n", f"{TOKEN} {TOKEN}", f"{TOKEN}\u2028", f"{TOKEN}\udce9"):
        with variables(**{**NOWHERE, "CLOUDFLARE_API_TOKEN": wrong}):
            done = ran("list")
        assert done.code == REFUSED
        assert "CANARY" not in done.error_line()


@pytest.mark.parametrize(
    "url", [f"https://me:{TOKEN}@h/", "ftp://h", "http://h/a b", "http://h/\x1b[31m", "h", "http://h?x"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with variables(**{**NOWHERE, "CLOUDFLARE_BASE_URL": url}):
        done = ran("list")
    assert done.code == REFUSED
    assert TOKEN not in done.error_line()
    assert done.error_line().isprintable()


# --- a server that repeats what it was told ----------------------------------------------------------------------


class Echo(BaseHTTPRequestHandler):
    """Refuses every request, and repeats all of it in the way that is set."""

    how = "errors"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = f"{self.command} {self.path} {self.headers} \x1b[31m {JWT}"
        status, kind, body = ANSWERS[self.how](said)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = _answer  # noqa: N815  # the server's base class names them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the same
        """Stay silent."""


def _refusal(said: str) -> bytes:
    return json.dumps({"success": False, "errors": [{"code": 10000, "message": said}], "result": None}).encode()


ANSWERS: dict[str, Any] = {
    "errors": lambda said: (401, "application/json", _refusal(said)),
    "success": lambda said: (200, "application/json", _refusal(said)),
    "page": lambda said: (403, "text/html", f"<html>{said}</html>".encode()),
    "garbage": lambda said: (200, "text/html", said.encode()),
    "half": lambda said: (200, "application/json", _refusal(said)[:-9]),
}


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("how", ANSWERS)
@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["", "debug"])
def test_no_output_of_any_command_shows_the_credentials(
    how: str, debug: list[str], echo: str, places: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Echo, "how", how)
    monkeypatch.setattr("cfstream._retry._GARBLED_ATTEMPTS", 1)
    level = logging.getLogger("cfstream").level
    try:
        with variables(**{**NOWHERE, "CLOUDFLARE_BASE_URL": echo}):
            for arguments in (["list"], ["get", "a" * 32], ["upload", places["file"]], ["delete", "--yes", "a" * 32]):
                if arguments[0] == "delete" and how == "half":
                    continue  # the body of a delete is of no use, and half a JSON is none
                for form in ([], ["--json"]):
                    done = ran(arguments[0], *debug, *form, *arguments[1:])
                    text = done.out + done.err
                    assert done.code == 1, text
                    assert not [secret for secret in (TOKEN, *JWT.split(".")) if secret in text]
                    assert base64.b64encode(TOKEN.encode()).decode() not in text
                    assert "\x1b" not in text
                    assert ("Traceback" in text) <= bool(debug)
    finally:
        logging.getLogger("cfstream").setLevel(level)


def test_help_and_version_need_no_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    with variables():
        for words_ in (["--help"], ["--version"], *([name, "--help"] for name in cli.commands)):
            assert Here(capsys)(*words_).code == 0
