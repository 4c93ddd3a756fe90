"""What a user can watch: requests, answers and repetitions, named by their row and never by a filled address."""

from collections.abc import Callable

import attrs


@attrs.frozen(kw_only=True)
class RequestEvent:
    """A request is about to be sent."""

    row: str
    """The call's template, such as ``GET /accounts/{account_id}/stream``."""
    attempt: int


@attrs.frozen(kw_only=True)
class ResponseEvent:
    """An answer came."""

    row: str
    attempt: int
    status: int
    elapsed: float
    """Seconds from sending to the end of the answer."""
    ray_id: str | None


@attrs.frozen(kw_only=True)
class RetryEvent:
    """A call failed and will be repeated."""

    row: str
    attempt: int
    """The attempt that failed."""
    wait: float
    """Seconds until the next one."""
    error: Exception


@attrs.frozen(kw_only=True)
class Hooks:
    """Functions called on the way of every request; they must not block."""

    on_request: Callable[[RequestEvent], object] | None = None
    on_response: Callable[[ResponseEvent], object] | None = None
    on_retry: Callable[[RetryEvent], object] | None = None


NO_HOOKS = Hooks()
