"""Files as answers: those of the data folder, and no others."""

import os
from pathlib import Path

from aiohttp import web


def path_of(response: web.StreamResponse) -> Path | None:
    """The file that an answer consists of, if it is one."""
    # aiohttp tells it in no other way
    return response._path if isinstance(response, web.FileResponse) else None  # noqa: SLF001  # aiohttp tells it no other way


def is_inside(root: Path, path: Path) -> bool:
    """Whether a path leads nowhere but into a folder, links included."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
