"""upload: one file, several, wrong ones."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import (
    ESCAPE,
    Here,
    clip,
    command,
    credentials,
    emulator_with,
    ended,
    environment,
    on_terminal,
    processes_with,
    started,
)

from cfstream.emulator import BlockingEmulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with emulator_with() as emulator:
        yield emulator


@pytest.fixture
def here(emulator: BlockingEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    for name, value in credentials(emulator).items():
        monkeypatch.setenv(name, value)
    return Here(capsys)


@pytest.fixture
def talk(tmp_path: Path) -> str:
    path = tmp_path / "talk [1].mp4"
    path.write_bytes(clip())
    return str(path)


def test_upload_gives_the_uid_first(here: Here, talk: str) -> None:
    done = here("upload", talk)
    assert done.code == 0
    uid, file, state = done.out.rstrip("\n").split("\t")
    assert (len(uid), file) == (32, talk)
    assert state in ("queued", "inprogress")
    assert here("get", uid, "--json").document["meta"]["name"] == "talk [1].mp4"


def test_upload_with_every_option(here: Here, talk: str) -> None:
    origins = ("--allowed-origin", "example.com", "--allowed-origin", "*.example.org")
    limits = ("--max-duration-seconds", "60", "--chunk-size", "5MiB", "--require-signed-urls", "--creator", "alice")
    done = here("upload", talk, "--name", "Größe", "--meta", "a=b=c", "--meta", "room=1", *origins, *limits, "--json")
    assert done.code == 0
    (answer,) = done.documents
    video = answer["video"]
    assert answer["file"] == talk
    assert answer["uid"] == video["uid"]
    assert len(video["meta"].pop("cfstream_op")) == 32
    assert video["meta"] == {"name": "Größe", "a": "b=c", "room": "1"}
    assert video["allowedOrigins"] == ["example.com", "*.example.org"]
    assert (video["requireSignedURLs"], video["creator"], video["maxDurationSeconds"]) == (True, "alice", 60)


def test_upload_waits_and_tells_states_line_by_line(emulator: BlockingEmulator, talk: str) -> None:
    done = command("upload", talk, "--wait", env=environment(emulator, FORCE_COLOR="1"))
    assert done.code == 0
    assert ESCAPE not in done.out
    assert done.out.rstrip("\n").split("\t")[2] == "ready"
    assert done.err.splitlines()[-1].endswith("talk [1].mp4: ready")


def test_one_failure_does_not_stop_the_others(here: Here, talk: str, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    missing, empty = str(tmp_path / "missing.mp4"), str(tmp_path / "empty.mp4")
    done = here("upload", missing, talk, empty, "/dev/null")
    assert done.code == 1
    assert [line.split("\t")[1] for line in done.out.splitlines()] == [talk]
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 3
    assert done.err.splitlines()[-1] == "3 of 4 files failed"
    done = here("upload", missing, talk, "--json")
    assert done.code == 1
    failed, uploaded = sorted(done.documents, key=lambda document: "uid" in document)
    assert (failed["file"], failed["error"]["type"]) == (missing, "InvalidInputError")
    assert uploaded["file"] == talk


def test_input_refused_for_every_file_is_a_usage_error(here: Here, talk: str) -> None:
    done = here("upload", "missing.mp4")
    assert (done.code, done.out) == (2, "")
    assert "No such file" in done.error_line()
    done = here("upload", talk, "other.mp4", "--chunk-size", "1MiB")
    assert (done.code, done.out) == (2, "")
    (error,) = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert "and 1 more: chunk_size: 1048576" in error


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--chunk-size", "many"], "'many' is not a size"),
        (["--meta", "room"], "'room' is not KEY=VALUE"),
        (["--name", "x", "second.mp4"], "--name is for one FILE"),
        (["--null"], "give - as FILE"),
        (["-", "-"], "read once"),
        (["--concurrency", "0"], "--concurrency"),
        (["--max-failures", "-1"], "--max-failures"),
        (["--token", "secret"], "--token"),
        (["--max-duration-seconds", "x"], "'x' is not a valid integer"),
    ],
)
def test_wrong_usage(here: Here, talk: str, wrong: list[str], told: str) -> None:
    done = here("upload", talk, *wrong)
    assert (done.code, done.out) == (2, "")
    assert told in done.error_line()


def test_a_failed_encode_is_a_failure_when_waited_for(here: Here, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    done = here("upload", str(tmp_path / "text.mp4"), "--wait", "--json")
    assert done.code == 1
    (answer,) = done.documents
    assert answer["error"]["codes"] == ["ERR_NON_VIDEO"]
    assert "cfstream delete" in done.err


def test_a_terminal_sees_bars_and_marks(emulator: BlockingEmulator, talk: str) -> None:
    code, shown = on_terminal("upload", talk, "gone.mp4", "--wait", env=environment(emulator))
    assert code == 1
    assert "talk [1].mp4" in shown
    assert "━" in shown
    assert "ready" in shown
    assert "gone.mp4" in shown.splitlines()[-2]
    assert shown.endswith("1 of 2 files failed\r\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_in_one_line(
    emulator: BlockingEmulator, talk: str, tmp_path: Path, number: int, code: int
) -> None:
    mark = f"{tmp_path}-{number}"
    emulator.pause_encoding()
    try:
        with started("upload", talk, "--wait", env=environment(emulator, CFSTREAM_TEST=mark)) as process:
            assert process.stderr is not None
            assert "queued" in process.stderr.readline()
            done = ended(process, number, within=5)
    finally:
        emulator.resume_encoding()
    assert (done.code, done.out) == (code, "")
    assert done.err == ("interrupted\n" if number == signal.SIGINT else "stopped by SIGTERM\n")
    assert processes_with("CFSTREAM_TEST", mark) == []
