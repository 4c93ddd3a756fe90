"""cfstream emulator with a transcriber: found by its name, called with sound, refused in one line where it is not."""

import json
import os
import time
from pathlib import Path

import pytest
from cli_kit import PATIENCE, Here, clip, ended, environment, read_document, started

from cfstream.sync import Stream

EARS = """
def hear(audio, language):
    assert audio.read_bytes()[4:8] == b"ftyp"
    return [(0, 1, "heard in " + language)]
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hear", "--transcriber: 'hear' is not of the form module:function"),
        ("no_such_module_of_test:hear", "--transcriber: No module named 'no_such_module_of_test'"),
        ("json:hear", "--transcriber: module 'json' has no attribute 'hear'"),
        ("json:__name__", "--transcriber: 'json:__name__' is no function"),
    ],
)
def test_a_function_that_is_not_there_is_refused_in_one_line(
    name: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = Here(capsys)("emulator", "--port", "0", "--transcriber", name)
    assert (done.code, done.out) == (2, "")
    assert message in done.error_line()


def test_captions_are_written_by_the_function(tmp_path: Path) -> None:
    (tmp_path / "my_ears.py").write_text(EARS)
    places = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    with started(
        "emulator", "--port", "0", "--json", "--transcriber", "my_ears:hear", env=environment(PYTHONPATH=places)
    ) as process:
        assert process.stdout is not None
        given = json.loads(read_document(process.stdout))
        account = {name.removeprefix("CLOUDFLARE_").lower(): value for name, value in given.items() if "_" in name}
        with Stream(**account, rate_limit=None) as stream:
            uid = stream.upload(clip(), name="heard").uid
            stream.wait_until_ready(uid)
            stream.captions.language.create("en", identifier=uid)
            until = time.monotonic() + PATIENCE
            while stream.captions.language.get("en", identifier=uid).status == "inprogress":
                assert time.monotonic() < until
            assert "heard in en" in stream.captions.language.vtt.get("en", identifier=uid)
        assert ended(process).code == 0
