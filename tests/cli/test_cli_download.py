"""download: to a file, to a folder, a private video, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import ESCAPE, Here, clip, command, credentials, emulator_with, environment, on_terminal

from cfstream.emulator import BlockingEmulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with emulator_with("talk") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def uid(emulator: BlockingEmulator) -> str:
    with emulator.stream() as stream:
        return next(iter(stream.list())).uid


@pytest.fixture
def here(
    emulator: BlockingEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Here:
    for name, value in credentials(emulator).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Here(capsys)


def test_a_download_lands_in_this_folder_by_its_uid(here: Here, uid: str, tmp_path: Path) -> None:
    done = here("download", uid)
    content = (tmp_path / f"{uid}.mp4").read_bytes()
    assert content[4:8] == b"ftyp"
    assert (done.code, done.out) == (0, f"{uid}\t{uid}.mp4\t{len(content)}\n")


def test_the_sound_alone_to_a_file_of_a_name_as_json(here: Here, uid: str, tmp_path: Path) -> None:
    done = here("download", uid, "--type", "audio", "-o", str(tmp_path / "talk.m4a"), "--json")
    assert done.code == 0
    saved = tmp_path / "talk.m4a"
    assert done.document == {"uid": uid, "path": str(saved), "bytes": saved.stat().st_size}


def test_what_is_there_is_kept_unless_it_is_to_be_replaced(here: Here, uid: str, tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_text("mine")
    done = here("download", uid, "-o", "talk.mp4")
    assert (done.code, done.out) == (2, "")
    assert "'talk.mp4' is there already" in done.error_line()
    assert (tmp_path / "talk.mp4").read_text() == "mine"
    assert here("download", uid, "-o", "talk.mp4", "--overwrite").code == 0
    assert (tmp_path / "talk.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_private_video_needs_a_token(here: Here, emulator: BlockingEmulator, tmp_path: Path) -> None:
    with emulator.stream() as stream:
        uid = stream.upload(clip(), require_signed_urls=True).uid
        stream.wait_until_ready(uid)
    done = here("download", uid)
    assert (done.code, done.out) == (1, "")
    assert "wants a token" in done.error_line()
    assert here("download", uid, "--signed").code == 0
    assert (tmp_path / f"{uid}.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "UID"),
        (["a/b"], "cannot stand in a path"),
        (["a" * 32, "--type", "gif"], "'gif' is not one of"),
        (["a" * 32, "-o", "none/talk.mp4"], "there is no folder 'none'"),
        (["a" * 32, "--token", "x"], "--token"),
    ],
)
def test_wrong_usage(here: Here, arguments: list[str], told: str) -> None:
    done = here("download", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.error_line()


def test_a_video_that_is_not_there_is_a_failure_in_one_line(here: Here, tmp_path: Path) -> None:
    done = here("download", "a" * 32)
    assert (done.code, done.out) == (1, "")
    assert "404 Not Found" in done.error_line()
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_sees_a_bar_and_a_mark(emulator: BlockingEmulator, uid: str, tmp_path: Path) -> None:
    code, shown = on_terminal("download", uid, "-o", str(tmp_path / "talk.mp4"), env=environment(emulator))
    assert code == 0
    assert "━" in shown
    assert "✓" in shown.splitlines()[-1]
    assert "talk.mp4" in shown


def test_a_log_has_no_control_characters(emulator: BlockingEmulator, uid: str, tmp_path: Path) -> None:
    done = command("download", uid, "-o", str(tmp_path), env=environment(emulator, FORCE_COLOR="1"))
    assert done.code == 0
    assert ESCAPE not in done.out + done.err
