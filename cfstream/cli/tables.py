"""Videos as rows and as details; everything in them is untrusted text."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.table import Column, Table
from rich.text import Text

from cfstream import Video
from cfstream.cli.bars import state_of
from cfstream.cli.text import clean, size, span, when

_STYLES = {"ready": "green", "error": "red", "pendingupload": "dim"}


def row(video: Video, *, local: bool) -> tuple[str, str, str, str, str]:
    """Uid, name, state, duration and creation; the latter in local time for people, in RFC 3339 for programs."""
    duration = ""
    if video.duration is not None:
        duration = span(video.duration) if local else f"{video.duration:g}"
    created = when(video.created) if local else video.created.isoformat().replace("+00:00", "Z")
    return clean(video.uid), clean(video.name or ""), state_of(video), duration, created


def table(videos: Iterable[Video]) -> Table:
    """The table of a terminal."""
    shown = Table(
        Column("uid", no_wrap=True, min_width=32),
        Column("name", no_wrap=True, overflow="ellipsis"),
        Column("state", no_wrap=True, min_width=5),
        Column("length", no_wrap=True, min_width=6, justify="right"),
        Column("created", no_wrap=True, min_width=16),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    for video in videos:
        uid, name, state, duration, created = (Text(cell) for cell in row(video, local=True))
        state.stylize(_STYLES.get(video.status.state, "yellow"))
        shown.add_row(uid, name, state, duration, created)
    return shown


def details(video: Video) -> Iterator[tuple[str, str]]:
    """What a person wants to know of a video, by name."""
    for name, value in _facts(video):
        if value:
            yield name, clean(value)


def _facts(video: Video) -> Iterator[tuple[str, str | None]]:
    status = video.status
    yield "uid", video.uid
    yield "name", video.name
    yield "state", state_of(video)
    yield "reason", " ".join(filter(None, (status.error_reason_code, status.error_reason_text)))
    yield "duration", None if video.duration is None else span(video.duration)
    yield "picture", f"{video.input.width}x{video.input.height}" if video.input.width else None
    yield "size", None if video.size is None else size(video.size)
    yield "creator", video.creator
    yield "created", when(video.created)
    yield "signed URLs", "needed for playback" if video.require_signed_urls else None
    yield "origins", ", ".join(video.allowed_origins)
    for key, value in video.meta.items():
        if key != "name":
            yield "meta", f"{key}={value}"
    yield "player", video.preview
    yield "manifest", video.playback.hls
    yield "thumbnail", video.thumbnail
