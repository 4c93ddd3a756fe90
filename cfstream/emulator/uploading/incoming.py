"""Video files that come by a form: taken whole, looked at, and only then made a video's."""

import math
import secrets
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web

from cfstream.emulator.answers import NOT_A_VIDEO, Refused
from cfstream.emulator.media.errors import NON_VIDEO, MediaError
from cfstream.emulator.media.jobs import ProbeJob
from cfstream.emulator.media.runner import run_job
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving import forms
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import QUEUED

_FOLDER = "incoming"


@attrs.frozen(kw_only=True)
class Arrived:
    """A file that has come; it goes away unless it is taken."""

    path: Path
    form: forms.Form
    seconds: int
    """Its length, rounded up; 0 where that cannot be said."""


@asynccontextmanager
async def arrived(request: web.Request) -> AsyncGenerator[Arrived]:
    """The video file in a form.

    Raises:
        Refused: it is too large or no video, or there is no form.
    """
    service = request.app[SERVICE]
    with place(service.library) as path:
        form = await forms.save(request, service.limits.basic_upload_max, path, service.disk.take)
        yield Arrived(path=path, form=form, seconds=await _seconds(path))


@contextmanager
def place(library: Library) -> Generator[Path]:
    """An empty file for what is on its way; it goes away unless it is put into a video."""
    path = library.root / _FOLDER / secrets.token_hex(16)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.touch(mode=0o600)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def clear(library: Library) -> None:
    """Remove what was on its way when an emulator was killed."""
    shutil.rmtree(library.root / _FOLDER, ignore_errors=True)


async def _seconds(path: Path) -> int:
    try:
        facts = await run_job(ProbeJob(source=path))
    except MediaError as error:
        if error.code == NON_VIDEO:
            raise Refused(400, (NOT_A_VIDEO, f"file: {error.text}")) from error
        return 0  # a broken video is one, too: it fails later, and says why
    return math.ceil(float(facts["duration"]))


def take(service: Service, uid: str, file: Arrived, **changes: Any) -> None:
    """Make a file that has come the one of a video, and encode it."""
    put(service, uid, file.path, size=file.form.size, **changes)


def put(service: Service, uid: str, path: Path, **changes: Any) -> None:
    """The same with a file in such a place."""
    path.replace(service.library.source(uid))
    service.library.change(uid, state=QUEUED, **changes)
    service.jobs.add(uid)
