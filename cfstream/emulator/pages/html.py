"""What all pages share: their frame, a policy that lets nothing but the package's own files run, and those files."""

from html import escape
from importlib.resources import files
from typing import Final

from aiohttp import web

from cfstream.emulator.answers import not_found

STATIC: Final = "/_pages"
"""Where the scripts and styles of the pages are."""

_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOLDER: Final = files(__name__.rpartition(".")[0]) / "static"
_FILES: Final = {file.name: file for file in _FOLDER.iterdir() if file.name[file.name.rfind(".") :] in _TYPES}


def page(
    title: str, body: str, *, style: str, script: str | None = None, head: str = "", frames: str, images: str = ""
) -> web.Response:
    """A page.

    Args:
        title: any text.
        body: HTML.
        style: the name of a style sheet of the package.
        script: the name of a script of the package.
        head: HTML.
        frames: whose pages may show it in a frame, as the policy says it.
        images: an origin that pictures may come from besides the emulator.
    """
    policy = (
        f"default-src 'none'; script-src {'none' if script is None else 'self'!r}; style-src 'self'; "
        f"img-src 'self' {images}; media-src 'self' blob:; connect-src 'self'; frame-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
    )
    loaded = "" if script is None else f'<script type="module" src="{STATIC}/{script}"></script>'
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f'<link rel="icon" href="{STATIC}/icon.svg"><link rel="stylesheet" href="{STATIC}/{style}">{loaded}{head}'
        f"</head><body>{body}</body></html>\n"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(text=text, content_type="text/html", headers=headers)


async def static(request: web.Request) -> web.StreamResponse:
    """A script or a style sheet: one of the files that the package has, whatever the address says."""
    name = request.match_info["name"]
    file = _FILES.get(name)
    if file is None:
        raise not_found("file")
    return web.Response(
        body=file.read_bytes(),
        content_type=_TYPES[name[name.rfind(".") :]],
        charset="utf-8",
        headers={"Cache-Control": "no-cache"},
    )
