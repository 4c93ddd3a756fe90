"""One aiohttp session per client: opened on the first call, tied to its event loop, closed once."""

import asyncio
import contextlib
import logging
import re
import warnings
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from yarl import URL

from cfstream import _version
from cfstream._governor import Governor, RateLimit
from cfstream._limits import Limits
from cfstream._redact import shown
from cfstream._types import Clock, Secret
from cfstream.errors import ClientClosedError, InvalidInputError, RequestTimeoutError, StreamError

if TYPE_CHECKING:
    from cfstream._poll import Poll

logger = logging.getLogger("cfstream")

_POOL = 100  # sockets; aiohttp's own default, stated because uploads and calls share it
_FOR_SINGLE_CALLS = 10  # of them: a chunk may take minutes, and whoever finds no socket would wait for its end
BASE_URL = "https://api.cloudflare.com/client/v4"
_API_HOST = "api.cloudflare.com"
_HOST = re.compile(r"[0-9A-Za-z_.:-]+")
_PLAIN = re.compile(r'[!"$->A-~]+')  # printable ASCII without blanks, and without # ? @


class Session:
    """What all views of one client share: the aiohttp session, the credentials, the governor, the open calls."""

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        credentials: Mapping[str, str],
        rate_limit: RateLimit | None,
        limits: Limits,
        clock: Clock,
        given: aiohttp.ClientSession | None = None,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.limits = limits
        self.clock = clock
        self.governor = Governor(rate_limit, clock)
        # Secret, so that a traceback which shows the values of variables does not show these
        self.secrets = tuple(Secret(value.removeprefix("Bearer ")) for value in credentials.values())
        # what any host may see
        self.agent = {"User-Agent": f"cfstream/{_version.__version__}"}
        self._own_headers = {**self.agent, **{name: Secret(value) for name, value in credentials.items()}}
        self._origin = origin_of(base_url)
        self._dated: tuple[str | None, float] = None, 0.0
        self._given = given
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open_calls: set[Call] = set()
        self.poll: Poll | None = None
        self._new_bulk_sockets()
        self.closed = False

    def headers_for(self, url: str | None) -> dict[str, str]:
        """Give the headers every request to that address carries; credentials go to the API alone.

        None is the API itself. The service keeps resumable uploads on hosts below its own, which need them too.
        """
        if url is None or self._is_api(url):
            return self._own_headers
        return self.agent

    def _is_api(self, url: str) -> bool:
        origin = origin_of(url)
        if origin == self._origin:
            return True
        scheme, host, port = origin
        cloudflare = self._origin == ("https", _API_HOST, 443)
        return cloudflare and scheme == "https" and port == _HTTPS and host.endswith(f".{_API_HOST}")

    def is_safe(self, url: str) -> bool:
        """Tell whether bytes may go to and fro there: over TLS, unless the API itself is without."""
        scheme, host, port = origin_of(url)
        return bool(host) and port is not None and scheme in {"https", self._origin[0]}

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take what an answer of the API tells of the service's limits and of its clock."""
        self.governor.observe(headers)
        self._dated = headers.get("Date"), self.clock.time()

    def service_behind(self) -> float:
        """Give the seconds by which the service's clock was behind ours at its last answer; 0 where it was not."""
        date, received = self._dated
        try:
            told = parsedate_to_datetime(date or "").timestamp()
        except (ValueError, OverflowError):
            return 0.0
        return max(0.0, received - told)

    def http(self) -> aiohttp.ClientSession:
        """Give the aiohttp session, opened if need be.

        Raises:
            ClientClosedError: the client is closed.
            StreamError: the client is used on a second event loop while the first still lives.
        """
        loop = asyncio.get_running_loop()
        session = self._session
        if session is not None and self._loop is loop and not session.closed:
            return session
        return self._open(loop)

    def _open(self, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
        if self.closed:
            raise ClientClosedError(f"{self.name} is closed; make a new one")
        if self._loop is not None and self._loop is not loop and not self._loop.is_closed():
            raise StreamError(
                f"this {self.name} was first used on another event loop, which still lives; make one client per loop"
            )
        if self._loop is not loop:
            self.governor.new_loop()
            self._new_bulk_sockets()
        self._loop = loop
        if self._given is not None:
            if self._given.closed:
                raise ClientClosedError("the aiohttp session that was given is closed; give an open one")
            self._session = self._given
        else:
            _release(self._session)
            self._session = _new_session()
        return self._session

    def call(self, timeout: float | None, *, bulk: bool = False) -> "Call":
        """Give the frame of one call: its time limit, its lane, and its end when the client is closed."""
        return Call(self, timeout, bulk=bulk)

    def enter(self, call: "Call") -> None:
        """Keep the call so that closing can end it."""
        self._open_calls.add(call)

    def leave(self, call: "Call") -> None:
        """Forget the call."""
        self._open_calls.discard(call)

    async def close(self) -> None:
        """End open calls and close the session, unless it was given; closing twice is fine."""
        if self.closed:
            return
        self.closed = True
        same_loop = self._loop is asyncio.get_running_loop()
        for call in list(self._open_calls):
            call.end()
        session, self._session = self._session, None
        if session is None or self._given is not None:
            return
        if same_loop:
            await session.close()
        else:
            _release(session)

    def forget(self) -> None:
        """Start anew in a forked child; the sockets stay the parent's, so nothing is closed."""
        _left_to_parent.append((self._session, self._loop, self.poll))
        self._session = self._loop = self.poll = None
        self._open_calls.clear()
        self.governor.new_loop()
        self._new_bulk_sockets()

    def _new_bulk_sockets(self) -> None:
        self.bulk_sockets = asyncio.Semaphore(_POOL - _FOR_SINGLE_CALLS)

    def __del__(self, _warn: Any = warnings.warn) -> None:
        session = getattr(self, "_session", None)
        if session is None or self._given is not None or self.closed:
            return
        # first, because a warning may be an error, and aiohttp's own warning would then come on top
        _release(session)
        _warn(f"unclosed {self.name}: call close() or use it in a with block", ResourceWarning, source=self)


class Call:
    """One call from first byte to result: limits its time and turns the client's closing into an error.

    The requests of a ``bulk`` call let all others go first, see `Governor`.
    """

    __slots__ = ("_limit", "_loop", "_seconds", "_session", "attempts", "bulk", "deadline", "in_flight", "started")

    def __init__(self, session: Session, seconds: float | None, *, bulk: bool = False) -> None:
        self._session = session
        self._seconds = seconds
        self._limit = asyncio.timeout(seconds)
        self.deadline = None if seconds is None else session.clock.monotonic() + seconds
        self.started = session.clock.time()
        self.bulk = bulk
        self.attempts = 0
        self.in_flight = False

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._session.enter(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.leave(self)
        expired = False
        try:
            await self._limit.__aexit__(kind, error, traceback)
        except TimeoutError:
            expired = True
        closed_before = isinstance(error, ClientClosedError)
        if self._session.closed and not closed_before and (expired or isinstance(error, Exception)):
            raise ClientClosedError(f"{self._session.name} was closed during the call")
        if expired:
            raise RequestTimeoutError(f"no result within the timeout of {self._seconds:g} s", retryable=True)

    def end(self) -> None:
        """Let the call fail at once; one that was left behind on another loop cannot be reached."""
        if self._loop is asyncio.get_running_loop():
            with contextlib.suppress(RuntimeError):  # already ending
                self._limit.reschedule(self._loop.time())


_HTTPS = 443

# What a forked child must not let the garbage collector close: the parent still uses it.
_left_to_parent: list[Any] = []


def checked_base_url(url: Any) -> str:
    """Give the address of the API without a slash at its end.

    Raises:
        InvalidInputError: it is none; the address is not shown where it may hold a password.
    """
    if _is_address(url):
        return str(url).rstrip("/")
    told = "the address given" if isinstance(url, str) and "@" in url else shown(url)
    raise InvalidInputError(f"base_url: {told} is not an http or https address such as {BASE_URL}")


def _is_address(url: Any) -> bool:
    if not isinstance(url, str) or not _PLAIN.fullmatch(url):
        return False
    scheme, host, port = origin_of(url)
    return scheme in ("http", "https") and port is not None and _HOST.fullmatch(host) is not None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Read an address as aiohttp will; one that it cannot read belongs to nobody."""
    try:
        parts = URL(url, encoded=True)
        return parts.scheme, (parts.host or "").lower(), parts.port
    except ValueError:
        return "", "", None


def _new_session() -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_POOL),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=True,
        trust_env=False,
        raise_for_status=False,
    )
    # aiohttp sends GET, PUT and DELETE a second time by itself when a kept connection turns out dead; repeating is
    # the business of the retry layer, which counts and reports it
    session._retry_connection = False  # noqa: SLF001  # there is no public switch
    return session


def _release(session: aiohttp.ClientSession | None) -> None:
    """Let go of a session whose loop is gone: aiohttp's own warnings would only repeat ours."""
    if session is None or session.closed:
        return
    connector = session.connector
    session.detach()
    if connector is None:
        return
    try:
        connector._close()  # noqa: SLF001  # close() is a coroutine, and nobody can await it here
    except RuntimeError:
        logger.debug("the event loop of an unclosed session is gone")
