"""The emulator's web pages: plain HTML without scripts, every text escaped."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from aiohttp import web

from cfstream.emulator import times
from cfstream.emulator.records import ERROR, Video
from cfstream.emulator.store import VideoFilter

NEWEST = VideoFilter()
SHOWN = 200

_LIST_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}th,td{padding:.4rem .6rem;text-align:left;border-bottom:1px solid #ddd}"
    "code{font-size:.85em}"
)
_PLAYER_STYLE = (
    "html,body{margin:0;height:100%;background:#000;color:#eee;font:16px/1.5 system-ui,sans-serif}"
    "video{width:100%;height:100%;object-fit:contain;display:block}p{margin:0;padding:2rem;text-align:center}"
)
_SWITCHES = ("autoplay", "loop", "muted")
_POSTER = "thumbnails/thumbnail.jpg?fit=clip&width=1280&height=720"
_AGAIN = '<meta http-equiv="refresh" content="1">'


def _page(title: str, style: str, body: str, *, head: str = "", frames: str) -> web.Response:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; media-src 'self'; connect-src 'self'; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
    )
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{style}</style></head><body>{body}</body></html>\n"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(text=text, content_type="text/html", headers=headers)


def _title(video: Video) -> str:
    return video.name or video.uid


def videos(listed: Sequence[Video]) -> web.Response:
    """The newest videos with their states."""
    rows = "".join(_row(video) for video in listed) or '<tr><td colspan="4">No videos yet</td></tr>'
    body = (
        "<h1>cfstream emulator</h1><table><thead><tr><th>Name</th><th>State</th><th>Created</th><th>Uid</th></tr>"
        f"</thead><tbody>{rows}</tbody></table>"
    )
    return _page("cfstream emulator", _LIST_STYLE, body, frames="'none'")


def _row(video: Video) -> str:
    percent = "" if video.percent is None or video.ready_at is not None else f" {video.percent:.0f} %"
    return (
        f'<tr><td><a href="/{video.uid}/watch">{escape(_title(video))}</a></td>'
        f"<td>{escape(video.state)}{percent} {escape(video.error_code)}</td>"
        f"<td>{times.text(video.created)}</td><td><code>{video.uid}</code></td></tr>"
    )


def player(video: Video, captions: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> web.Response:
    """A page that plays: HLS where the browser can, one MP4 of the same pictures where it cannot."""
    if video.state == ERROR:
        body = f"<p>{escape(video.error_text)} ({escape(video.error_code)})</p>"
        return _page(_title(video), _PLAYER_STYLE, body, frames="*")
    if video.ready_at is None:
        body = f"<p>{escape(_title(video))}: {escape(video.state)}</p>"
        return _page(_title(video), _PLAYER_STYLE, body, head=_AGAIN, frames="*")
    switches = "".join(f" {name}" for name in _SWITCHES if name in query)
    tracks = "".join(_track(caption) for caption in captions)
    body = (
        f'<video controls playsinline preload="metadata" poster="{escape(_POSTER)}"{switches}>'
        '<source src="manifest/video.m3u8" type="application/vnd.apple.mpegurl">'
        f'<source src="player/video.mp4" type="video/mp4">{tracks}</video>'
    )
    return _page(_title(video), _PLAYER_STYLE, body, frames="*")


def _track(caption: Mapping[str, Any]) -> str:
    language = escape(str(caption["language"]))
    return (
        f'<track kind="captions" src="captions/{language}.vtt" srclang="{language}" '
        f'label="{escape(str(caption["label"]))}">'
    )
