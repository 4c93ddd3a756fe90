"""The client: credentials and settings in, all calls out."""

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn, Self

import aiohttp
import attrs

from cfstream._answers import RawResponse
from cfstream._governor import RateLimit
from cfstream._hooks import NO_HOOKS, Hooks
from cfstream._limits import LIMITS, Limits
from cfstream._raw import raw_request
from cfstream._redact import shown
from cfstream._retry import RetryPolicy
from cfstream._session import BASE_URL, Session, checked_base_url
from cfstream._transport import Settings, Transport
from cfstream._types import ABSENT, Absent, Clock, SystemClock
from cfstream.endpoints import check_path_value
from cfstream.errors import InvalidInputError
from cfstream.resources.stream import StreamCalls


class Stream(StreamCalls):
    """A client of Cloudflare Stream for one account.

    Constructing it does no I/O and needs no event loop; the session opens on the first call. Close it with
    ``await stream.close()`` or use it in ``async with``. One client serves one event loop and any number of tasks.

    Args:
        api_token: an API token with Stream permissions; else the environment variable ``CLOUDFLARE_API_TOKEN``.
        account_id: the account; else ``CLOUDFLARE_ACCOUNT_ID``.
        api_key: the legacy global key, together with ``api_email``; else ``CLOUDFLARE_API_KEY``.
        api_email: the user of the key; else ``CLOUDFLARE_EMAIL``.
        base_url: where the API is; else ``CLOUDFLARE_BASE_URL``, else Cloudflare's own.
        timeout: seconds for one whole call with its repetitions and waits; None waits as long as it takes.
        retry: how often and how patiently failed calls are repeated.
        rate_limit: the client's own limit below Cloudflare's; None turns it off.
        hooks: functions that see every request, answer and repetition.
        session: your own aiohttp session; it is never closed here.

    Raises:
        InvalidInputError: no or contradictory credentials, or a value of the wrong shape.
    """

    _shown_as = "cfstream.Stream"

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
        session: aiohttp.ClientSession | None = None,
        _limits: Limits = LIMITS,
        _clock: Clock | None = None,
    ) -> None:
        settings = Settings(
            account_id=_account(account_id),
            timeout=_timeout(timeout),
            retry=retry,
            hooks=hooks or NO_HOOKS,
        )
        shared = Session(
            name=self._shown_as,
            base_url=checked_base_url(_setting(base_url, "CLOUDFLARE_BASE_URL") or BASE_URL),
            credentials=_credentials(api_token, api_key, api_email),
            rate_limit=rate_limit,
            limits=_limits,
            clock=_clock or SystemClock(),
            given=_plain(session),
        )
        self._is_view = False
        super().__init__(Transport(shared, settings))

    def with_options(
        self,
        *,
        account_id: str | Absent = ABSENT,
        timeout: float | Absent | None = ABSENT,
        retry: RetryPolicy | Absent = ABSENT,
        hooks: Hooks | Absent | None = ABSENT,
    ) -> Self:
        """Give a view with other settings that shares session and rate governor; closing a view does nothing."""
        changes: dict[str, Any] = {}
        if not isinstance(account_id, Absent):
            changes["account_id"] = _account(account_id)
        if not isinstance(timeout, Absent):
            changes["timeout"] = _timeout(timeout)
        if not isinstance(retry, Absent):
            changes["retry"] = retry
        if not isinstance(hooks, Absent):
            changes["hooks"] = hooks or NO_HOOKS
        view = object.__new__(type(self))
        view._is_view = True
        settings = attrs.evolve(self._transport.settings, **changes)
        StreamCalls.__init__(view, Transport(self._transport.session, settings))
        return view

    async def request(
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
        return await self._send(raw_request(method, path, query=query, json=json, data=data))

    async def close(self) -> None:
        """End waiting calls and close the session; closing twice, or closing a view, does nothing."""
        if not self._is_view:
            await self._transport.session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{self._transport.session.name}(account_id={self._transport.settings.account_id!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self._transport.session.name} holds connections and credentials and cannot be pickled")


_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "x-auth-email", "x-auth-key"})


def _plain(session: aiohttp.ClientSession | None) -> aiohttp.ClientSession | None:
    if session is None:
        return None
    own = next((name for name in session.headers if name.lower() in _CREDENTIALS), None)
    if session.auth is not None or own:
        raise InvalidInputError(
            f"session: has credentials of its own ({own or 'auth='}), which would go out with every request"
        )
    return session


def _setting(value: str | None, variable: str) -> str | None:
    return os.environ.get(variable) or None if value is None else value


def _account(given: str | None) -> str:
    account = _setting(given, "CLOUDFLARE_ACCOUNT_ID")
    if not account:
        raise InvalidInputError("no account: pass account_id= or set CLOUDFLARE_ACCOUNT_ID")
    check_path_value("account_id", account)
    return account


def _credentials(token: str | None, key: str | None, email: str | None) -> Mapping[str, str]:
    if token is not None and (key is not None or email is not None):
        raise InvalidInputError("both api_token and api_key/api_email were given; pass one of them")
    if key is None and email is None:
        token = _setting(token, "CLOUDFLARE_API_TOKEN")
    if token:
        return {"Authorization": f"Bearer {_header_safe('api_token', token)}"}
    key, email = _setting(key, "CLOUDFLARE_API_KEY"), _setting(email, "CLOUDFLARE_EMAIL")
    if key and email and token is None:
        return {"X-Auth-Key": _header_safe("api_key", key), "X-Auth-Email": _header_safe("api_email", email)}
    raise InvalidInputError(
        "no credentials: pass api_token= or set CLOUDFLARE_API_TOKEN "
        "(or api_key= and api_email=, CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL)"
    )


def _header_safe(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: expected text, got {type(value).__name__}")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidInputError(f"{name}: has blanks, line breaks or characters outside ASCII; was it copied whole?")
    return value


def _timeout(seconds: Any) -> float | None:
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InvalidInputError(f"timeout: expected seconds above 0 or None, got {shown(seconds)}")
    return seconds
