"""upload of many files: folders, lists on standard input, a journal, stops and what is told of them."""

import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cli_kit import ESCAPE, Done, Here, clip, command, credentials, ended, environment, on_terminal, started
from rich.console import Console
from virtual_clock import VirtualClock

from cfstream import StreamError, UploadProgress
from cfstream.cli.bars import board
from cfstream.cli.tally import Tally
from cfstream.emulator import BlockingEmulator, Emulator, Fault

RUNNING_LATE = 3.0  # seconds for what ends within one where the machine is not busy


@pytest.fixture
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as emulator:
        emulator.pause_encoding()
        yield emulator


@pytest.fixture
def here(
    emulator: BlockingEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Here:
    for name, value in credentials(emulator).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Here(capsys)


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """A folder with five videos, and what is none of them."""
    names = "b.mp4", "a/z.MOV", "a/deep/y.webm", "c.ts", "a-b.mkv"
    others = "notes.txt", "a/z.srt", ".hidden.mp4", ".git/x.mp4", "a/deep/.y.mp4.part"
    for name in (*names, *others):
        path = tmp_path / "talks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100)
    (tmp_path / "talks" / "loop").symlink_to(tmp_path / "talks")
    (tmp_path / "talks" / "a" / "alias.mp4").symlink_to(tmp_path / "talks")
    return tmp_path / "talks"


FOUND = ["talks/a/deep/y.webm", "talks/a/z.MOV", "talks/a-b.mkv", "talks/b.mp4", "talks/c.ts"]


def files_of(done: Done) -> list[str]:
    return [line.split("\t")[1] for line in done.out.splitlines()]


def names_on(emulator: BlockingEmulator) -> list[str]:
    with emulator.stream() as stream:
        return sorted(str(video.name) for video in stream.list())


# --- what is uploaded --------------------------------------------------------------------------------------------


def test_a_folder_stands_for_the_videos_in_it_and_below(here: Here, emulator: BlockingEmulator, talks: Path) -> None:
    done = here("upload", "talks", "--concurrency", "1")
    assert done.code == 0
    assert files_of(done) == FOUND
    assert names_on(emulator) == sorted(Path(name).name for name in FOUND)
    assert done.err == "uploaded 5 files (3.6 kB); 2 files in folders left out: no videos by name\n"


def test_attempts_whose_answers_were_lost_are_told(here: Here, emulator: BlockingEmulator, talks: Path) -> None:
    emulator.faults.add("STREAM_CREATE", Fault.drop())
    with emulator.stream(_clock=VirtualClock(epoch=time.time())) as stream:
        assert stream.upload_many([talks / "b.mp4"], journal="u.db").run().unknown == 1
    done = here("upload", "talks", "--journal", "u.db")
    assert done.code == 0
    assert "the answers to 1 attempt were lost, which may have left empty uploads" in done.err


def test_a_file_that_is_named_is_uploaded_whatever_its_name(here: Here, talks: Path) -> None:
    named = ["talks/notes.txt", "talks/.hidden.mp4"]
    done = here("upload", *named, "talks/a/deep/", "--concurrency", "1")
    assert (done.code, files_of(done)) == (0, [*named, "talks/a/deep/y.webm"])


def test_a_link_that_leads_nowhere_is_a_failure_and_not_left_out(here: Here, talks: Path) -> None:
    (talks / "gone.mp4").symlink_to("nowhere")
    done = here("upload", "talks")
    assert (done.code, len(files_of(done))) == (1, 5)
    assert "error: talks/gone.mp4: source: cannot open 'talks/gone.mp4': No such file" in done.err


def test_a_folder_that_cannot_be_read_is_a_failure(here: Here, talks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def look(folder: str) -> object:
        if folder == "talks/a":
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr("cfstream.cli.finding.os.scandir", look)
    done = here("upload", "talks")
    assert (done.code, len(files_of(done))) == (1, 3)
    assert "error: talks/a: talks/a: Permission denied" in done.err
    assert done.err.endswith("1 of 4 files failed\n")


@pytest.mark.parametrize("arguments", [["empty"], ["empty", "other"]])
def test_folders_without_a_video_are_refused(here: Here, tmp_path: Path, arguments: list[str]) -> None:
    for name in arguments:
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").touch()
    done = here("upload", *arguments)
    assert (done.code, done.out) == (2, "")
    assert f"no videos there, by the ends of the names; {len(arguments)} other file" in done.error_line()


def test_one_name_cannot_be_for_a_folder(here: Here, talks: Path) -> None:
    done = here("upload", "talks", "--name", "x")
    assert (done.code, done.out) == (2, "")
    assert "--name is for one FILE" in done.error_line()


# --- a list on standard input ------------------------------------------------------------------------------------


def test_a_list_on_standard_input_names_files_and_folders(
    emulator: BlockingEmulator, talks: Path, tmp_path: Path
) -> None:
    listed = f"{talks}/b.mp4\n\n{talks}/notes.txt\n{talks}/a/deep".encode()
    done = command("upload", "-", f"{talks}/c.ts", "--concurrency", "1", env=environment(emulator), given=listed)
    assert done.code == 0
    assert [os.path.relpath(file, talks) for file in files_of(done)] == ["b.mp4", "notes.txt", "a/deep/y.webm", "c.ts"]


def test_names_with_line_breaks_need_zero_bytes(emulator: BlockingEmulator, tmp_path: Path) -> None:
    names = [b"a\nb.mp4", b"caf\xe9.mp4", b"\x1b[31mred.mp4", b"-", b" "]
    for name in names:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(name)
    listed = b"\0".join(os.fsencode(tmp_path) + b"/" + name for name in names)
    journal = str(tmp_path / "up.db")
    arguments = ("upload", "-0", "-", "--journal", journal, "--concurrency", "1")
    done = command(*arguments, env=environment(emulator), given=listed)
    assert done.code == 0, done.err
    assert ESCAPE not in done.out + done.err
    shown = [r"a\nb.mp4", r"caf\udce9.mp4", r"\x1b[31mred.mp4", "-", " "]
    assert files_of(done) == [f"{tmp_path}/{name}" for name in shown]
    again = command(*arguments, "--json", env=environment(emulator), given=listed + b"\0")
    assert [os.fsencode(line["file"]) for line in again.documents] == listed.split(b"\0")
    assert all(line["from_journal"] for line in again.documents)


def test_a_list_may_be_endless_and_is_read_as_files_are_wanted(emulator: BlockingEmulator, talks: Path) -> None:
    with subprocess.Popen(["yes", f"{talks}/none.mp4"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        arguments = ("upload", "-", "--max-failures", "4")
        with started(*arguments, env=environment(emulator), stdin=endless.stdout.fileno()) as process:
            out, err = process.communicate(timeout=30)
        endless.kill()
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1] == "error: stopped: failures 5, at most 4 wanted; uploads done 0"


def test_uploads_begin_while_the_list_grows_and_ctrl_c_does_not_wait_for_it(
    emulator: BlockingEmulator, talks: Path
) -> None:
    reading, writing = os.pipe()
    try:
        with started("upload", "-", env=environment(emulator), stdin=reading) as process:
            os.write(writing, f"{talks}/b.mp4\n{talks}/c".encode())
            assert process.stdout is not None
            assert process.stdout.readline().split("\t")[1] == f"{talks}/b.mp4"
            done = ended(process, within=RUNNING_LATE)
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.code, done.out) == (130, "")
    assert done.err == "interrupted; with --journal PATH the same command could go on\n"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (b"", "standard input names no files"),
        (b"\n\n", "standard input names no files"),
        (b"x" * 200_000, "is no list of paths: 65,536 bytes without a line end"),
    ],
)
def test_a_list_that_is_none_is_refused(emulator: BlockingEmulator, given: bytes, told: str) -> None:
    done = command("upload", "-", env=environment(emulator), given=given)
    assert (done.code, done.out) == (2, "")
    assert told in done.error_line()
    assert len(list(emulator.requests)) == 0


def test_a_list_may_come_from_a_plain_file(emulator: BlockingEmulator, talks: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text(f"{talks}/b.mp4\n")
    with (
        (tmp_path / "list").open() as opened,
        started("upload", "-", env=environment(emulator), stdin=opened.fileno()) as process,
    ):
        out, _ = process.communicate(timeout=30)
    assert (process.returncode, out.split("\t")[1]) == (0, f"{talks}/b.mp4")


# --- the journal -------------------------------------------------------------------------------------------------


def test_the_same_command_tells_what_is_done_without_a_request(
    here: Here, emulator: BlockingEmulator, talks: Path
) -> None:
    first = here("upload", "talks", "--journal", "up.db")
    assert first.code == 0
    assert first.err.startswith("uploaded 5 files (3.6 kB), 0 known from the journal;")
    emulator.requests.clear()
    again = here("upload", "talks", "--journal", "up.db")
    assert len(list(emulator.requests)) == 0
    assert again.code == 0
    rows = [line.split("\t") for line in again.out.splitlines()]
    assert {row[2] for row in rows} == {"from-journal"}
    assert sorted(row[:2] for row in rows) == sorted(line.split("\t")[:2] for line in first.out.splitlines())
    assert again.err.startswith("uploaded 0 files (0 B), 5 known from the journal;")
    told = here("upload", "talks", "--journal", "up.db", "--json").documents
    assert [(each["from_journal"], each["video"], each["state"]) for each in told] == [(True, None, None)] * 5


def test_failures_are_grouped_and_the_same_command_goes_on(here: Here, emulator: BlockingEmulator, talks: Path) -> None:
    emulator.faults.add("TUS_PATCH", Fault.status(403), times=2)
    done = here("upload", "talks", "--journal", "up.db", "--concurrency", "1")
    assert done.code == 1
    assert files_of(done) == FOUND[2:]
    summary, error, *_, failed, further = done.err.splitlines()[2:]
    assert summary.startswith("uploaded 3 files (1.6 kB), 0 known from the journal")
    assert error.startswith(f"error: {FOUND[0]} and 1 more: 403 ")
    assert failed == "2 of 5 files failed"
    assert further == "to go on, run the same command again: up.db knows what is done"
    again = here("upload", "talks", "--journal", "up.db", "--json")
    assert again.code == 0
    assert sorted(each["file"] for each in again.documents if not each["from_journal"]) == FOUND[:2]
    assert names_on(emulator) == sorted(Path(name).name for name in FOUND)


def test_more_failures_than_wanted_stop_it(here: Here, emulator: BlockingEmulator, talks: Path) -> None:
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.status(403))
    arguments = ("--journal", "up.db", "--concurrency", "1", "--max-failures", "0")
    done = here("upload", "talks", *arguments)
    assert (done.code, files_of(done)) == (1, FOUND[:1])
    told = done.err.splitlines()
    assert told[-3:-1] == ["1 of 2 files failed", "to go on, run the same command again: up.db knows what is done"]
    assert told[-1] == "error: stopped: failures 1, at most 0 wanted; uploads done 1"
    assert here("upload", "talks", *arguments).code == 0


def test_what_failed_for_the_same_reason_is_told_once(here: Here) -> None:
    done = here("upload", *(f"none {number}.mp4" for number in range(30)), "--concurrency", "1")
    assert done.code == 2
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert errors == ["error: none 0.mp4 and 29 more: source: cannot open 'none 0.mp4': No such file or directory"]
    assert done.err.endswith("30 of 30 files failed\n")


def test_only_so_many_different_reasons_are_told() -> None:
    tally = Tally(resumable=False)
    for number in range(30):
        tally.fail(f"{number}.mp4", StreamError(f"reason {'x' * number}"))
    *told, last = tally.reasons()
    assert len(told) == 20
    assert last == "error: 10 further files failed for other reasons"


def test_a_journal_that_cannot_be_used_is_told_in_one_line(here: Here, talks: Path, tmp_path: Path) -> None:
    (tmp_path / "up.db").write_text("not a journal at all" * 100)
    done = here("upload", "talks", "--journal", "up.db")
    assert (done.code, done.out) == (1, "")
    assert "journal up.db: is damaged" in done.error_line()


def test_what_the_journal_knows_is_waited_for_as_well(here: Here, emulator: BlockingEmulator, tmp_path: Path) -> None:
    (tmp_path / "talks").mkdir()
    (tmp_path / "talks" / "good.mp4").write_bytes(clip())
    (tmp_path / "talks" / "text.mp4").write_text("not a video")
    assert here("upload", "talks", "--journal", "up.db").code == 0
    emulator.resume_encoding()
    done = here("upload", "talks", "--journal", "up.db", "--wait", "--json")
    assert done.code == 1
    failed, ready = sorted(done.documents, key=lambda document: "uid" in document)
    assert (failed["file"], failed["error"]["codes"]) == ("talks/text.mp4", ["ERR_NON_VIDEO"])
    assert (ready["file"], ready["state"], ready["from_journal"]) == ("talks/good.mp4", "ready", True)


# --- Ctrl-C ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code", "told"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "stopped by SIGTERM")]
)
def test_a_stopped_run_says_how_to_go_on_and_can_be_gone_on_with(
    emulator: BlockingEmulator, talks: Path, number: int, code: int, told: str
) -> None:
    journal = str(talks.parent / "up.db")
    arguments = ("upload", str(talks), "--journal", journal, "--concurrency", "2", "--json")
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.stall(), Fault.stall())
    with started(*arguments, env=environment(emulator)) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        while emulator.requests.count("TUS_PATCH") < 3:
            time.sleep(0.01)  # another process sends them
        done = ended(process, number, within=RUNNING_LATE)
    assert (done.code, done.out) == (code, "")
    assert done.err == f"{told}; the same command goes on: {journal} knows what is done\n"
    again = command(*arguments, env=environment(emulator))
    assert again.code == 0
    assert [each["uid"] for each in again.documents if each["from_journal"]] == [first["uid"]]
    assert sorted(os.path.relpath(each["file"], talks.parent) for each in again.documents) == sorted(FOUND)
    assert names_on(emulator) == sorted(Path(name).name for name in FOUND)


# --- a terminal --------------------------------------------------------------------------------------------------


def test_a_terminal_sees_how_many_are_over_and_a_mark_for_each(
    emulator: BlockingEmulator, talks: Path, tmp_path: Path
) -> None:
    journal = str(tmp_path / "up.db")
    code, shown = on_terminal("upload", str(talks), "--journal", journal, env=environment(emulator))
    assert code == 0
    assert "all files" in shown
    assert re.search(r"\d of 5 files", shown)
    assert shown.count("✓") >= 5
    assert "uploaded 5 files (3.6 kB), 0 known from the journal" in shown
    code, shown = on_terminal("upload", str(talks), "--journal", journal, env=environment(emulator))
    assert code == 0
    assert shown.count("from-journal") == 5


def test_the_bars_of_a_thousand_uploads_fit_on_the_screen() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, height=12)
    with ExitStack() as stack:
        shown = stack.enter_context(board(console, live=True))
        shown.count(0, None, "0 files")
        first = stack.enter_context(ExitStack())
        first.enter_context(shown.bar("film-0."))
        later = [stack.enter_context(shown.bar(f"film-{number}.")) for number in range(1, 1000)]
        drawn = set(re.findall(r"film-\d+\.", file.getvalue()))
        assert drawn == {f"film-{number}." for number in range(8)}
        first.close()
        event = UploadProgress(source="", uid="", bytes=1, total=2, rate=1.0, attempt=1)
        later[-1].sent(event)
        later[-2].sent(event)
        drawn = set(re.findall(r"film-\d+\.", file.getvalue())) - drawn
        assert drawn == {"film-999."}
