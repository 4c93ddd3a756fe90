"""list, get, delete: against a real emulator."""

import io
from collections.abc import Iterator

import pytest
from cli_kit import ESCAPE, Done, Here, credentials, emulator_with, environment, on_terminal

from cfstream.emulator import BlockingEmulator

EVIL = "evil\x1b[31m\u202ename\n2"
HARMLESS = r"evil\x1b[31m\u202ename\n2"
ABSENT = "0" * 32


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with emulator_with("first", "second", EVIL) as emulator:
        yield emulator


@pytest.fixture
def here(emulator: BlockingEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    for name, value in credentials(emulator).items():
        monkeypatch.setenv(name, value)
    return Here(capsys)


def uid_of(here: Here, name: str) -> str:
    (video,) = here("list", "--search", name, "--json").documents
    uid: str = video["uid"]
    return uid


def test_list_separates_columns_by_tabs_without_a_terminal(here: Here) -> None:
    done = here("list")
    assert (done.code, done.err) == (0, "")
    assert ESCAPE not in done.out
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert [row[1:4] for row in rows] == [[HARMLESS, "ready", "1"], ["second", "ready", "1"], ["first", "ready", "1"]]
    assert all(len(row[0]) == 32 and row[4].endswith("Z") for row in rows)


def test_list_as_json_has_a_document_in_a_line(here: Here) -> None:
    done = here("list", "--json")
    assert done.code == 0
    assert ESCAPE not in done.out
    assert [video["meta"]["name"] for video in done.documents] == [EVIL, "second", "first"]
    assert all(video["readyToStream"] is True for video in done.documents)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["--limit", "2"], [HARMLESS, "second"]),
        (["--limit", "2000"], [HARMLESS, "second", "first"]),
        (["--creator", "by first"], ["first"]),
        (["--search", "SECOND"], ["second"]),
        (["--status", "error"], []),
    ],
)
def test_list_filters(here: Here, filters: list[str], names: list[str]) -> None:
    assert [line.split("\t")[1] for line in here("list", *filters).out.splitlines()] == names


def test_list_refuses_what_is_no_limit_and_no_state(here: Here) -> None:
    done = here("list", "--limit", "0")
    assert done.code == 2
    assert "--limit" in done.error_line()
    done = here("list", "--status", "lost")
    assert done.code == 2
    assert "'lost'" in done.error_line()


def test_list_on_a_terminal_is_a_table_that_cuts_names_only(emulator: BlockingEmulator) -> None:
    code, shown = on_terminal("list", env=environment(emulator, COLUMNS="80", NO_COLOR="1"))
    assert code == 0
    lines = shown.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "").splitlines()
    assert lines[0].split() == ["uid", "name", "state", "length", "created"]
    assert "\x1b[31m" not in shown
    assert "evil\\x1b[31" in lines[2]
    assert "ready    0:01  20" in lines[2]
    assert lines[-1] == "3 videos"
    assert max(map(len, lines)) <= 80


def test_get_shows_what_people_want_to_know(here: Here) -> None:
    done = here("get", uid_of(here, "evil"))
    assert done.code == 0
    assert ESCAPE not in done.out
    facts = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert facts["name"] == HARMLESS
    assert (facts["state"], facts["duration"], facts["picture"]) == ("ready", "0:01", "320x180")
    assert facts["manifest"].endswith("/manifest/video.m3u8")


def test_get_as_json_is_one_document(here: Here) -> None:
    uid = uid_of(here, "first")
    video = here("get", uid, "--json").document
    assert (video["uid"], video["creator"]) == (uid, "by first")


def test_get_of_a_video_that_is_not_there_fails(here: Here) -> None:
    done = here("get", ABSENT, "--json")
    assert (done.code, done.out) == (1, "")
    assert "404" in done.error_line()


def test_get_of_what_is_no_uid_is_refused(here: Here) -> None:
    done = here("get", "../../accounts")
    assert (done.code, done.out) == (2, "")
    assert "'../../accounts'" in done.error_line()


def test_delete_needs_yes_without_a_terminal(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = here("delete", uid_of(here, "first"))
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.error_line()
    assert uid_of(here, "first")


def test_delete_asks_on_a_terminal(emulator: BlockingEmulator, here: Here) -> None:
    uid, env = uid_of(here, "first"), environment(emulator)
    question = "Delete 1 video for good? [y/N]: "
    code, shown = on_terminal("delete", uid, env=env, keys=[(question, "n\n")])
    assert code == 1
    assert "nothing was deleted" in shown
    code, shown = on_terminal("delete", uid, env=env, keys=[(question, "\x03")])
    assert code == 130
    assert "Traceback" not in shown
    assert uid_of(here, "first") == uid
    code, shown = on_terminal("delete", uid, env=env, keys=[(question, "y\n")])
    assert code == 0
    assert f"deleted {uid}" in shown
    assert here("list", "--search", "first").out == ""


def test_delete_goes_on_after_a_failure(here: Here) -> None:
    uid = uid_of(here, "second")
    done = here("delete", "--yes", "--json", ABSENT, "../x", uid)
    assert done.code == 1
    assert done.document["deleted"] == [uid]
    kinds = {failed["uid"]: failed["error"]["type"] for failed in done.document["failed"]}
    assert kinds == {ABSENT: "NotFoundError", "../x": "InvalidInputError"}
    assert len(done.err.splitlines()) == 2
    assert here("delete", "--yes", "../x").code == 2


@pytest.mark.parametrize("arguments", [("list",), ("get", ABSENT), ("delete", "--yes", ABSENT), ("upload", "a.mp4")])
def test_missing_credentials_are_named(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_TOKEN", "ACCOUNT_ID", "API_KEY", "EMAIL", "BASE_URL"):
        monkeypatch.delenv(f"CLOUDFLARE_{name}", raising=False)
    done: Done = Here(capsys)(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID" in done.error_line()


def test_a_wrong_token_fails_in_one_line(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "not-the-token")
    done = here("list")
    assert (done.code, done.out) == (1, "")
    assert "401" in done.error_line()
    assert "not-the-token" not in done.err


def test_debug_shows_where(here: Here) -> None:
    done = here("get", ABSENT, "--debug")
    assert done.code == 1
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("error: ")
