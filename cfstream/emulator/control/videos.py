"""What is in the account, for reading: the videos as the emulator keeps them, without a request to the API."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

from cfstream.emulator import times
from cfstream.emulator.storage.records import Video
from cfstream.emulator.storage.store import Store, VideoFilter


@attrs.frozen(kw_only=True)
class AccountVideo:
    """One video at the moment of asking."""

    uid: str
    name: str | None
    state: str
    """One of the service's states, such as ``queued`` or ``ready``."""
    percent: float | None
    """How much of it is encoded; None before that."""
    playable: bool
    error_code: str
    error_text: str
    creator: str | None
    meta: Mapping[str, Any]
    size: int
    """Bytes of the file that was uploaded."""
    duration: float
    """Seconds; -1 while it is not known, as are width and height."""
    width: int
    height: int
    created: float
    """Seconds since the epoch on the emulator's clock."""
    private: bool
    """Whether it takes a signed token to see it."""
    live_input: str | None
    """Of which live input it is a recording."""


def in_account(store: Store, limit: int = -1) -> Mapping[str, AccountVideo]:
    """The videos by their uids, the newest first."""
    return MappingProxyType({video.uid: _shown(video) for video in store.videos(VideoFilter(), limit=limit)})


def _shown(video: Video) -> AccountVideo:
    same = ("uid", "name", "state", "percent", "error_code", "error_text", "creator", "meta", "size")
    more = ("duration", "width", "height", "live_input")
    return AccountVideo(
        **{name: getattr(video, name) for name in (*same, *more)},
        playable=video.ready_at is not None,
        created=video.created / times.SECOND,
        private=video.require_signed_urls,
    )
