"""Why a publisher is not let in, or has to leave, in RTMP's words and in those of a live input's status."""

from typing import Final

import attrs

STORAGE_FULL: Final = "ERR_STORAGE_QUOTA_EXHAUSTED"


@attrs.frozen
class RefusedError(Exception):
    """A publisher is told to go."""

    code: str
    """RTMP's name for it."""
    description: str
    reason: str | None = None
    """What the status of the live input says; None if nothing is to be seen there."""


def wrong_key() -> RefusedError:
    """No live input has that key, or not any more."""
    return RefusedError("NetStream.Publish.BadName", "Invalid stream key")


def disabled() -> RefusedError:
    """The live input is switched off."""
    return RefusedError("NetStream.Publish.Denied", "The live input is disabled")


def full(description: str) -> RefusedError:
    """There is no room for a recording."""
    return RefusedError("NetStream.Publish.Denied", description, STORAGE_FULL)


def closing() -> RefusedError:
    """The emulator is closing, or is being reset."""
    return RefusedError("NetStream.Publish.Denied", "The emulator is closing")


def broken(reason: str, description: str) -> RefusedError:
    """The broadcast cannot go on."""
    return RefusedError("NetStream.Publish.Rejected", description, reason)
