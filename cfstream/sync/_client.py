"""The blocking client: the async one behind a portal."""

import warnings
import weakref
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn, Self

from cfstream import client
from cfstream._answers import RawResponse
from cfstream._governor import RateLimit
from cfstream._hooks import Hooks
from cfstream._limits import LIMITS, Limits
from cfstream._retry import RetryPolicy
from cfstream._types import ABSENT, Absent, Clock
from cfstream.sync._generated import StreamCalls
from cfstream.sync._portal import Portal, in_callers_thread

_NAME = "cfstream.sync.Stream"


class _Impl(client.Stream):
    """The async client behind the blocking one, by the name its user knows."""

    _shown_as = _NAME

    def forget_connections(self) -> None:
        """Start anew in a forked child."""
        self._transport.session.forget()


class Stream(StreamCalls):
    """A blocking client of Cloudflare Stream for one account.

    It has the names and keywords of `cfstream.Stream`, but for ``session``; its work is done by the async client on a
    background event loop, which starts with the first call and ends with ``close()``. It may be used by any number of
    threads, inside a running event loop (which it blocks), and after a fork. Callbacks run in the caller's thread.
    """

    _impl: _Impl  # pyright: ignore[reportIncompatibleVariableOverride]  # set once, and only read by the base
    _owner: "Stream | None" = None

    def __init__(
        self,
        api_token: str | None = None,
        account_id: str | None = None,
        *,
        api_key: str | None = None,
        api_email: str | None = None,
        base_url: str | None = None,
        timeout: float | None = 60,
        retry: RetryPolicy = RetryPolicy(),
        rate_limit: RateLimit | None = RateLimit(),
        hooks: Hooks | None = None,
        _limits: Limits = LIMITS,
        _clock: Clock | None = None,
    ) -> None:
        impl = _Impl(
            api_token,
            account_id,
            api_key=api_key,
            api_email=api_email,
            base_url=base_url,
            timeout=timeout,
            retry=retry,
            rate_limit=rate_limit,
            hooks=_in_callers_thread(hooks),
            _limits=_limits,
            _clock=_clock,
        )
        portal = Portal(_NAME, after_fork=impl.forget_connections)
        super().__init__(portal, impl)
        self._finalizer: weakref.finalize[[Portal, _Impl], Stream] | None = weakref.finalize(
            self, _let_go, portal, impl
        )

    def with_options(
        self,
        *,
        account_id: str | Absent = ABSENT,
        timeout: float | Absent | None = ABSENT,
        retry: RetryPolicy | Absent = ABSENT,
        hooks: Hooks | Absent | None = ABSENT,
    ) -> Self:
        """Give a view with other settings that shares session and rate governor; closing a view does nothing."""
        view = object.__new__(type(self))
        wrapped = hooks if isinstance(hooks, Absent) else _in_callers_thread(hooks)
        impl = self._impl.with_options(account_id=account_id, timeout=timeout, retry=retry, hooks=wrapped)
        StreamCalls.__init__(view, self._portal, impl)
        view._finalizer = None
        view._owner = self  # the owner must outlive its views, or its finalizer would stop the thread under them
        return view

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
    ) -> RawResponse:
        """Send any request of the API through the same session, governor, retries and errors.

        Args:
            method: the verb; GET and HEAD are repeated as reads, PUT and DELETE as such, others never blindly.
            path: below the base URL, such as ``/accounts/{account_id}/stream``; the account is filled in.
            query: names and values of the query.
            json: a value sent as JSON body.
            data: a body as it stands.

        Raises:
            APIError: the answer's status is 400 or above.
        """
        return self._call(self._impl.request(method, path, query=query, json=json, data=data))

    def close(self) -> None:
        """End waiting calls, close the session and end the thread; closing twice, or closing a view, does nothing."""
        if self._finalizer is None or not self._finalizer.detach():
            return
        _close(self._portal, self._impl)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._impl)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{_NAME} holds connections and credentials and cannot be pickled")


def _in_callers_thread(hooks: Hooks | None) -> Hooks | None:
    if hooks is None:
        return None
    return Hooks(
        on_request=in_callers_thread(hooks.on_request, "on_request"),
        on_response=in_callers_thread(hooks.on_response, "on_response"),
        on_retry=in_callers_thread(hooks.on_retry, "on_retry"),
    )


def _close(portal: Portal, impl: client.Stream) -> None:
    try:
        if portal.started:
            portal.call(impl.close())
    finally:
        portal.stop()


def _let_go(portal: Portal, impl: client.Stream) -> None:
    """End a client that was dropped, or is open when the interpreter exits, without having been closed."""
    if not portal.started:
        return
    warnings.warn(f"unclosed {_NAME}: call close() or use it in a with block", ResourceWarning, stacklevel=2)
    if portal.is_own_thread():
        portal.stop()
    else:
        _close(portal, impl)
