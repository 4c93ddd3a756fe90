"""Both type checkers on the faces: what every call gives, and the mistakes they must find."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from contract_facts import CALLS

pytestmark = pytest.mark.typing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FACES = [path for path in sorted(HERE.glob("*.py")) if path.stem not in ("conftest", "test_typing")]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("face", ["async", "sync"])
def test_a_face_has_every_call(face: str) -> None:
    text = (HERE / f"{face}_face.py").read_text(encoding="utf-8")
    assert [fact.call for fact in CALLS if f"{fact.call}(" not in text] == []


def test_mypy_agrees_with_every_line() -> None:
    assert len(FACES) >= 2
    done = run("mypy", "--strict", "--warn-unused-ignores", *map(str, FACES))
    assert f"no issues found in {len(FACES)} source files" in done.stdout, done.stdout + done.stderr


def test_pyright_agrees_with_every_line(tmp_path: Path) -> None:
    faces = (
        tmp_path / "faces"
    )  # pyright takes no absolute paths in its settings, and others than the project's are wanted
    faces.mkdir()
    for path in FACES:
        shutil.copy(path, faces)
    settings = {
        "include": ["faces"],
        "extraPaths": [str(ROOT)],
        "pythonVersion": f"{sys.version_info.major}.{sys.version_info.minor}",
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,  # these are mypy's; pyright has its own beside them
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    done = run("pyright", "--pythonpath", sys.executable, "-p", str(tmp_path), "--outputjson")
    report = json.loads(done.stdout)
    wrong = [
        f"{Path(found['file']).name}:{found['range']['start']['line'] + 1}: {found['message']}"
        for found in report["generalDiagnostics"]
    ]
    assert not wrong, "\n".join(wrong)
    assert report["summary"]["filesAnalyzed"] == len(FACES)
