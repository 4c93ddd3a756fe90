"""cfstream emulator for other machines: only with a token that was chosen, and not without a word about it."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from cli_kit import Here, ended, environment, read_document, started

TOKEN = "a-token-that-somebody-chose"


@pytest.mark.parametrize("token", [{}, {"CFSTREAM_EMULATOR_TOKEN": ""}, {"CFSTREAM_EMULATOR_TOKEN": "short-secret"}])
def test_an_open_address_without_a_good_token_is_refused_in_one_line(
    token: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CFSTREAM_EMULATOR_TOKEN", raising=False)
    for name, value in token.items():
        monkeypatch.setenv(name, value)
    done = Here(capsys)("emulator", "--port", "0", "--host", "0.0.0.0")
    assert (done.code, done.out) == (2, "")
    line = done.error_line()
    assert line.endswith("needs an api_token of at least 16 characters; put one into CFSTREAM_EMULATOR_TOKEN")
    assert "short-secret" not in done.err


@pytest.mark.parametrize(
    "options",
    [
        ("--host", "example.com"),
        ("--allow-host", "x:80"),
        ("--disk-quota", "-1"),
        ("--disk-quota", "x"),
        ("--token", "secret"),
        ("--api-token", "secret"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_line(
    options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    done = Here(capsys)("emulator", "--port", "0", *options)
    assert (done.code, done.out) == (2, "")
    assert "secret" not in done.error_line()
    assert "CFSTREAM_EMULATOR_TOKEN" not in done.error_line()


def status(url: str, host: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}", "Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_the_token_of_the_environment_the_warning_and_the_names(tmp_path: Path) -> None:
    env = environment(PYTHONUNBUFFERED="1", CFSTREAM_EMULATOR_TOKEN=TOKEN)
    options = ("--host", "0.0.0.0", "--allow-host", "stream.test", "--allow-private-fetch", "--disk-quota", "1000000")
    with started("emulator", "--port", "0", "--json", *options, env=env) as process:
        assert process.stdout is not None
        variables = json.loads(read_document(process.stdout))
        assert variables["CLOUDFLARE_API_TOKEN"] == TOKEN
        listed = f"{variables['CLOUDFLARE_BASE_URL']}/accounts/{variables['CLOUDFLARE_ACCOUNT_ID']}/stream"
        assert status(listed, "stream.test", TOKEN) == 200
        assert status(listed, "stream.test", "another") == 401
        assert status(listed, "other.test", TOKEN) == 421
        done = ended(process)
    assert (done.code, done.out) == (0, "")
    (warning,) = done.err.splitlines()
    assert "other machines can reach it" in warning
    assert TOKEN not in warning
