"""The player's page, alone or in a frame: a video, what its parameters ask for, or why there is none to see."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import attrs
from aiohttp import web
from yarl import URL

from cfstream.emulator.access.viewing import admit, named
from cfstream.emulator.answers import FRESH, Refused
from cfstream.emulator.pages.html import page
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.storage.records import (
    DOWNLOADING,
    ENCODING,
    ERROR,
    LIVE,
    PENDING,
    QUEUED,
    READY,
    LiveInput,
    Video,
)

_WAITING: Final = {
    PENDING: "Waiting for its upload",
    DOWNLOADING: "Being fetched",
    QUEUED: "Waiting to be encoded",
    ENCODING: "Being encoded",
}
_REFUSALS: Final = {
    401: ("This video is private", "It is shown with a signed token in place of its uid."),
    403: ("This video is not for you", "Its rules do not let you see it here."),
    404: ("There is no such video", "It may have been deleted."),
}
_POSTER: Final = "thumbnails/thumbnail.jpg?fit=clip&width=1280&height=720"
_PRELOADS: Final = ("none", "metadata", "auto")
_HLS: Final = '<source src="manifest/video.m3u8" type="application/vnd.apple.mpegurl">'
_MP4: Final = '<source src="player/video.mp4" type="video/mp4">'
# What asks again where scripts do not run.
_AGAIN: Final = '<noscript><meta http-equiv="refresh" content="2"></noscript>'


async def watch(request: web.Request) -> web.Response:
    """The page."""
    service = request.app[SERVICE]
    try:
        subject = _subject(request, service)
    except Refused as refusal:
        return _refused(refusal)
    if isinstance(subject, LiveInput):
        return _live_input(subject, request.query)
    return _video(subject, _captions(service, subject), request.query)


async def state(request: web.Request) -> web.Response:
    """What the page asks for until there is something to play."""
    service = request.app[SERVICE]
    subject = _subject(request, service)
    if isinstance(subject, LiveInput):
        return web.json_response({"state": "live"}, headers=FRESH)
    shown = {"state": subject.state, "percent": subject.percent, "playable": subject.ready_at is not None}
    return web.json_response(shown, headers=FRESH)


def _subject(request: web.Request, service: Service) -> Video | LiveInput:
    shown, subject = named(request, service)
    admit(request, shown, subject)
    return subject


def _captions(service: Service, video: Video) -> list[dict[str, Any]]:
    listed = service.library.store.all("caption", parent=video.uid)
    return [caption for caption in listed if caption["status"] == READY]


def _video(video: Video, captions: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> web.Response:
    title = video.name or video.uid
    if video.state == LIVE:
        return _page(title, _live("video", query), _Look.of(query))
    if video.state == ERROR:
        return _page(title, _notice("It cannot be played", f"{video.error_text} ({video.error_code})"))
    if video.ready_at is None:
        return _page(title, _progress(video, title), head=_AGAIN)
    look = _Look.of(query)
    tracks = "".join(_track(caption, query.get("defaultTextTrack", "")) for caption in captions)
    return _page(title, f"<video{look.attributes(_POSTER)}>{_HLS}{_MP4}{tracks}</video>", look)


def _live_input(record: LiveInput, query: Mapping[str, str]) -> web.Response:
    return _page(record.name or record.uid, _live("input", query), _Look.of(query))


def _live(kind: str, query: Mapping[str, str]) -> str:
    notice = _notice("Nothing is on air", "The picture appears here when somebody broadcasts.")
    return f'{notice}<video hidden data-live="{kind}"{_Look.of(query).attributes("")}></video>'


def _progress(video: Video, title: str) -> str:
    percent = "" if video.percent is None else f' value="{video.percent:.0f}"'
    heading = _WAITING.get(video.state, "Not ready yet")
    return (
        f'<main class="notice" data-waiting="{escape(video.state)}"><h1>{escape(heading)}</h1>'
        f'<p>{escape(title)}</p><progress max="100"{percent}></progress></main>'
    )


def _notice(heading: str, text: str) -> str:
    return f'<main class="notice"><h1>{escape(heading)}</h1><p>{escape(text)}</p></main>'


def _refused(refusal: Refused) -> web.Response:
    reason = "\n".join(message for _, message in refusal.errors)
    heading, text = _REFUSALS.get(refusal.status, ("It cannot be shown", reason))
    response = _page(heading, _notice(heading, text))
    response.set_status(refusal.status)
    return response


@attrs.frozen(kw_only=True)
class _Look:
    """What the parameters of the address say about the player; those left out here are the script's."""

    switches: tuple[str, ...]
    preload: str
    poster: str | None
    origin: str
    """Where a poster from elsewhere comes from."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "_Look":
        # As with the service, autoplay is on as soon as it is there, whatever it says.
        switches = ["autoplay"] if "autoplay" in query else []
        switches += [name for name in ("loop", "muted") if query.get(name, "false").lower() != "false"]
        switches += ["controls"] if query.get("controls", "true").lower() != "false" else []
        poster, origin = _poster(query.get("poster"))
        preload = query.get("preload", "")
        chosen = preload if preload in _PRELOADS else "metadata"
        return cls(switches=tuple(switches), preload=chosen, poster=poster, origin=origin)

    def attributes(self, poster: str) -> str:
        """Of the video element."""
        shown = self.poster or poster
        image = f' poster="{escape(shown)}"' if shown else ""
        return f' playsinline preload="{self.preload}"{image}{"".join(f" {name}" for name in self.switches)}'


def _poster(given: str | None) -> tuple[str | None, str]:
    """The address of a poster, and its origin as the page's policy may name it."""
    if not given:
        return None, ""
    try:
        url = URL(given)
        if url.scheme not in ("http", "https") or not (url.raw_host or "").replace("-", "").replace(".", "").isalnum():
            return None, ""
        return str(url), str(url.origin())
    except ValueError:
        return None, ""


def _track(caption: Mapping[str, Any], default: str) -> str:
    language = str(caption["language"])
    chosen = " default" if default and language.lower() == default.lower() else ""
    return (
        f'<track kind="captions" src="captions/{escape(language)}.vtt" srclang="{escape(language)}" '
        f'label="{escape(str(caption["label"]))}"{chosen}>'
    )


def _page(title: str, body: str, look: _Look | None = None, *, head: str = "") -> web.Response:
    images = "" if look is None else look.origin
    return page(title, body, style="player.css", script="player.js", head=head, frames="*", images=images)
