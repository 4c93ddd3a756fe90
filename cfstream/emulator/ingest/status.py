"""The status of a live input, as the API shows it: how it stands, and how it stood before."""

from collections.abc import Mapping
from typing import Any, Final

from cfstream.emulator import times

CONNECTED, DISCONNECTED, RECONNECTING, ERRORED = "connected", "disconnected", "reconnecting", "errored"
RECONNECTED: Final = "reconnected"
CLIENT_LEFT: Final = "client_disconnect"
MOST: Final = 20
"""Earlier states that are kept."""

_MILLISECOND: Final = times.SECOND // 1000
_ON_AIR: Final = (CONNECTED, RECONNECTING)

Status = Mapping[str, Any]


def changed(status: Status | None, now: int, state: str, reason: str | None = None) -> Status:
    """The status after a change; the newest of the earlier states comes first in ``history``."""
    history: list[Any] = []
    if status is not None:
        before = {key: value for key, value in status["current"].items() if key != "statusLastSeen"}
        history = [before, *status["history"]][:MOST]
    instant = _text(now)
    current = {
        "ingestProtocol": "rtmp",
        "reason": reason or state,
        "state": state,
        "statusEnteredAt": instant,
        "statusLastSeen": instant,
    }
    return {"current": current, "history": history}


def shown(status: Status | None, now: int) -> Status | None:
    """The status at an instant: a publisher that is connected is seen all the time."""
    if status is None or status["current"]["state"] != CONNECTED:
        return status
    return {**status, "current": {**status["current"], "statusLastSeen": _text(now)}}


def on_air(status: Status | None) -> bool:
    """Whether a publisher is connected, or awaited."""
    return status is not None and status["current"]["state"] in _ON_AIR


def _text(instant: int) -> str:
    return times.text(instant // _MILLISECOND * _MILLISECOND)
