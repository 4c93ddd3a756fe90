"""The emulator with an account that is not empty."""

import json
from pathlib import Path

from cli_kit import clip, command, ended, environment, read_document, started


def test_a_folder_is_seeded_and_the_dashboard_link_is_told(tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(clip())
    (tmp_path / "notes.txt").write_text("no video")
    options = ("emulator", "--port", "0", "--json", "--seed", str(tmp_path))
    with started(*options, env=environment(PYTHONUNBUFFERED="1")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        variables = json.loads(read_document(process.stdout))
        told = process.stderr.readline()
        given = {name: value for name, value in variables.items() if name.isupper()}
        listed = command("list", "--json", env=environment(**given))
        done = ended(process)
    assert done.code == 0
    assert (told.startswith("Seeded from "), told.rstrip().endswith(": 1")) == (True, True)
    assert variables["dashboard"].startswith(f"{variables['page']}?key=")
    assert "talk.mp4" in listed.out
    assert '"ready"' in listed.out


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = command("emulator", "--seed", str(tmp_path / "nowhere"), env=environment())
    assert done.code == 2
    assert "--seed" in done.err
