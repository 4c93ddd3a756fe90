"""Waiting until a video is encoded."""

import inspect
import math
from collections.abc import Awaitable, Callable
from typing import Literal

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.errors import CODES, EncodingFailedError, InvalidInputError, WaitTimeoutError
from cfstream.models import Video

OnState = Callable[[Video], Awaitable[object] | object]

_FIRST_POLL = 0.5
_POLL_GROWTH = 1.5
_SLOWEST_POLL = 15.0
_COMPLETE = 100.0


async def wait_until_ready(
    transport: Transport,
    uid: str,
    *,
    until: Literal["ready", "playable"],
    timeout: float | None,  # noqa: ASYNC109  # counted on the client's clock, which tests replace
    on_state: OnState | None,
) -> Video:
    """Ask for the video again and again, more seldom with time, until it is there."""
    if until not in ("ready", "playable"):
        raise InvalidInputError(f"until: expected 'ready' or 'playable', got {until!r}")
    request = endpoints.STREAM_GET(identifier=uid)
    clock = transport.session.clock
    deadline = None if timeout is None else clock.monotonic() + timeout
    interval, shown = _FIRST_POLL, None
    async with transport.session.call(None):
        while True:
            video = await transport.send(request, timeout=None)
            if video.status != shown and on_state is not None:
                result = on_state(video)
                if inspect.isawaitable(result):
                    await result
            shown = video.status
            if _is_there(video, until):
                return video
            left = math.inf if deadline is None else deadline - clock.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"video {uid} is not {until} after {timeout:g} s; it is {video.status.state!r}",
                    uid=uid,
                    state=video.status.state,
                    retryable=True,
                )
            await clock.sleep(min(interval, left))
            interval = min(interval * _POLL_GROWTH, _SLOWEST_POLL)


def _is_there(video: Video, until: str) -> bool:
    status = video.status
    if status.state == "error":
        raise _failed(video)
    if until == "playable":
        return video.ready_to_stream
    # a video may be called ready while higher qualities are still encoded (webhooks page of the Stream docs)
    return status.state == "ready" and (status.pct_complete is None or status.pct_complete >= _COMPLETE)


def _failed(video: Video) -> EncodingFailedError:
    code = video.status.error_reason_code or "ERR_UNKNOWN"
    known = CODES.get(code)
    text = video.status.error_reason_text or (known.meaning if known else "the service gives no reason")
    text = text.rstrip(".")
    advice = f"; {known.advice}" if known else ""
    return EncodingFailedError(
        f"video {video.uid} could not be encoded: {code}: {text}{advice}", uid=video.uid, codes=(code,)
    )
