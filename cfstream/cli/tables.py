"""Videos as rows and as details; everything in them is untrusted text."""

from collections.abc import Iterable, Iterator

from rich import box
from rich.table import Column, Table
from rich.text import Text

from cfstream import Video
from cfstream.cli.bars import state_of
from cfstream.cli.text import clean, size, span, when

_UID_WIDTH, _LENGTH_WIDTH, _CREATED_WIDTH = 32, 6, 16
_NAME_LEAST = 8
_GAP = 2
_STYLES = {"ready": "green", "error": "red", "pendingupload": "dim"}


def row(video: Video, *, local: bool) -> tuple[str, str, str, str, str]:
    """Uid, name, state, duration and creation; the latter in local time for people, in RFC 3339 for programs."""
    duration = ""
    if video.duration is not None:
        duration = span(video.duration) if local else f"{video.duration:g}"
    created = when(video.created) if local else video.created.isoformat().replace("+00:00", "Z")
    return clean(video.uid), clean(video.name or ""), state_of(video), duration, created


def table(videos: Iterable[Video], width: int) -> Table:
    """The table of a terminal; where it is too narrow, names are cut and nothing else."""
    rows = [row(video, local=True) for video in videos]
    others = _UID_WIDTH + max(5, *(len(cells[2]) for cells in rows)) + _LENGTH_WIDTH + _CREATED_WIDTH + 4 * _GAP
    shown = Table(
        Column("uid", no_wrap=True, min_width=_UID_WIDTH),
        Column("name", no_wrap=True, overflow="ellipsis", max_width=max(_NAME_LEAST, width - others)),
        Column("state", no_wrap=True),
        Column("length", no_wrap=True, min_width=_LENGTH_WIDTH, justify="right"),
        Column("created", no_wrap=True, min_width=_CREATED_WIDTH),
        box=box.SIMPLE_HEAD,
        padding=(0, _GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    for cells in rows:
        uid, name, state, duration, created = (Text(cell) for cell in cells)
        state.stylize(_STYLES.get(state.plain, "yellow"))
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
