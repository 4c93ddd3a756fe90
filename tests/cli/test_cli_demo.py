"""demo and emulator: the whole way in processes of their own."""

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from cli_kit import ESCAPE, Here, clip, command, ended, environment, on_terminal, processes_with, read_document, started


def opens(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def talk(tmp_path: Path) -> str:
    path = tmp_path / "talk.mp4"
    path.write_bytes(clip())
    return str(path)


def test_demo_in_a_log(tmp_path: Path, talk: str) -> None:
    mark = str(tmp_path)
    done = command("demo", talk, env=environment(CFSTREAM_TEST=mark, TMPDIR=mark))
    assert (done.code, done.err) == (0, "")
    assert ESCAPE not in done.out
    assert "\r" not in done.out
    lines = done.out.splitlines()
    steps = ["Started", "Uploaded", "Encoded", "Listed", "Played"]
    assert [word for line in lines for word in steps if word in line] == steps
    assert any("  talk.mp4  ready  1 s  " in line for line in lines)
    assert "30 pictures of 320x180 decoded, with sound" in done.out
    assert "--serve" in lines[-1]
    assert processes_with("CFSTREAM_TEST", mark) == []
    assert list(tmp_path.iterdir()) == [Path(talk)]


def test_demo_as_json(talk: str, capsys: pytest.CaptureFixture[str]) -> None:
    done = Here(capsys)("demo", talk, "--json")
    assert done.code == 0
    assert ESCAPE not in done.out + done.err
    report = done.document
    assert report["upload"]["bytes"] == len(clip())
    assert report["video"]["meta"]["name"] == "talk.mp4"
    assert report["states"][-1]["state"] == "ready"
    assert report["playback"]["frames"] == 30
    assert "environment" not in report


def test_demo_without_a_file_moves_on_a_terminal() -> None:
    code, shown = on_terminal("demo", "--json", env=environment())
    assert code == 0
    assert "Making a test video" in shown
    assert "Uploading" in shown
    assert "━" in shown
    assert "slowed down to be watched" in shown
    report = json.loads(shown[shown.index("{\r\n") : shown.rindex("}\r\n") + 1])
    assert report["upload"]["chunks"] == 2
    assert report["video"]["meta"]["name"] == "test-picture.mp4"
    assert (report["playback"]["frames"], report["playback"]["width"]) == (240, 854)


def test_demo_of_what_is_no_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    done = Here(capsys)("demo", str(tmp_path / "text.mp4"), "--json")
    assert (done.code, done.out) == (1, "")
    assert "ERR_NON_VIDEO" in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
    done = Here(capsys)("demo", str(tmp_path / "missing.mp4"))
    assert done.code == 2
    assert "missing.mp4" in done.error_line()


def test_demo_serves_until_it_is_interrupted(tmp_path: Path, talk: str) -> None:
    with started("demo", talk, "--serve", "--json", env=environment(CFSTREAM_TEST=str(tmp_path))) as process:
        assert process.stdout is not None
        report, _ = json.JSONDecoder().raw_decode(read_document(process.stdout))
        assert opens(report["video"]["preview"])
        assert opens(report["video"]["thumbnail"])
        listed = command("list", env=environment(**report["environment"]))
        assert listed.out.startswith(report["video"]["uid"])
        done = ended(process)
    assert (done.code, done.out) == (0, "")
    assert "interrupted" not in done.err
    assert not opens(report["video"]["preview"])
    assert processes_with("CFSTREAM_TEST", str(tmp_path)) == []


@pytest.mark.parametrize("waited_for", ["Started", "Uploaded"])
def test_demo_can_be_interrupted_anywhere(tmp_path: Path, waited_for: str) -> None:
    mark = str(tmp_path)
    with started("demo", env=environment(CFSTREAM_TEST=mark, TMPDIR=mark, PYTHONUNBUFFERED="1")) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if waited_for in line:
                break
        done = ended(process)
    assert done.code == 130
    assert done.err == "interrupted\n"
    assert processes_with("CFSTREAM_TEST", mark) == []
    assert list(tmp_path.iterdir()) == []


def test_emulator_says_what_to_export(tmp_path: Path) -> None:
    env = environment(PYTHONUNBUFFERED="1")
    with started("emulator", "--port", "0", "--data", str(tmp_path / "data"), "--preset", "full", env=env) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        (tmp_path / "variables").write_text("".join(lines))
        shell = f'. {tmp_path}/variables && exec "{sys.executable}" -m cfstream list --json'
        listed = subprocess.run(["sh", "-c", shell], env=environment(), capture_output=True, text=True, check=True)
        assert listed.stdout == ""
        names = [line.split("=")[0] for line in lines]
        assert names == [
            "export CLOUDFLARE_API_TOKEN",
            "export CLOUDFLARE_ACCOUNT_ID",
            "export CLOUDFLARE_BASE_URL",
        ]
        in_use = command("emulator", "--port", "0", "--data", str(tmp_path / "data"), env=environment())
        assert in_use.code == 2
        assert "in use" in in_use.error_line()
        done = ended(process, signal.SIGTERM)
    assert (done.code, done.out) == (0, "")
    assert "Ctrl-C stops it" in done.err.splitlines()[-1]


def test_emulator_as_json() -> None:
    with started("emulator", "--port", "0", "--json", env=environment(PYTHONUNBUFFERED="1")) as process:
        assert process.stdout is not None
        variables = json.loads(read_document(process.stdout))
        assert opens(variables["page"])
        taken = variables["page"].rstrip("/").rpartition(":")[2]
        refused = command("demo", "--port", taken, "--json", env=environment())
        assert (refused.code, refused.out) == (2, "")
        place = f"127.0.0.1:{taken}"
        line = f"error: The emulator cannot listen on {place}: Address already in use; --port 0 takes a free one"
        assert refused.err.splitlines()[-1] == line
        refused = command("emulator", "--port", taken, env=environment())
        assert (refused.code, refused.out, refused.err) == (2, "", f"{line}\n")
        live = variables["live"].rstrip("/").rpartition(":")[2].partition("/")[0]
        refused = command("emulator", "--port", "0", "--live-port", live, env=environment())
        assert refused.code == 2
        assert refused.error_line().endswith("; --live-port 0 takes a free one")
        done = ended(process)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert set(variables) == {
        *("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_BASE_URL"),
        *("page", "dashboard", "live"),
    }
    assert not opens(variables["page"])


def test_a_port_out_of_range_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    done = Here(capsys)("emulator", "--port", "65536")
    assert done.code == 2
    assert "--port" in done.error_line()
