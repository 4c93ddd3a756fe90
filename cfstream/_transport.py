"""The one place that calls aiohttp: sends a request, repeats it where that is right, gives the value or an error."""

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import cache
from time import perf_counter
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import attrs
from yarl import URL

from cfstream._answers import RawResponse, failure, is_failure
from cfstream._files import DiskFile
from cfstream._hooks import NO_HOOKS, Hooks, RequestEvent, ResponseEvent, RetryEvent
from cfstream._redact import excerpt
from cfstream._retry import Retrier, RetryPolicy, Verdict, ambiguous, classify, is_ambiguous, retry_after
from cfstream._session import Call, Session, logger
from cfstream._types import ABSENT, Absent
from cfstream.endpoints import Request, RetryClass
from cfstream.errors import (
    APIError,
    NotFoundError,
    RateLimitError,
    RedirectError,
    RequestTimeoutError,
    StreamError,
    TransportError,
)

T = TypeVar("T")

_LONGEST_ANSWER = 4  # times the limit for silence, for a call that has no limit of its own
_ANSWER_MAX = 16 * 1024 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_JSON_TYPE = {"Content-Type": "application/json"}


@attrs.frozen(kw_only=True)
class Settings:
    """What one view of a client may set for itself."""

    account_id: str
    timeout: float | None = 60.0
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    hooks: Hooks = NO_HOOKS


@attrs.frozen(eq=False)
class Transport:
    """Sends requests with one view's settings over the session that all views share."""

    session: Session
    settings: Settings

    async def send(
        self,
        request: Request[T],
        *,
        timeout: float | Absent | None = ABSENT,  # noqa: ASYNC109  # also bounds waits on the client's own clock
        bulk: bool = False,
    ) -> T:
        """Send the request, repeat it as its class allows, and give what the row promises.

        Args:
            request: what to send.
            timeout: the limit of the whole call; the view's own unless given, None for none.
            bulk: whether it is one of many, which let other requests go first.

        Raises:
            StreamError: see `cfstream.errors`.
        """
        endpoint = request.endpoint
        limit = self.settings.timeout if isinstance(timeout, Absent) else timeout
        call = self.session.call(limit, bulk=bulk)
        try:
            async with call:
                try:
                    return await self._attempt(request, 1, call)
                except StreamError as error:
                    first = error
                if classify(first) is Verdict.FINAL:
                    raise first
                return await self._again(request, first, call)
        except StreamError as error:
            error.request = endpoint.row
            error.attempts = error.attempts or call.attempts
            if (
                isinstance(error, RequestTimeoutError)
                and call.in_flight
                and is_ambiguous(endpoint.retry, Verdict.AMBIGUOUS)
            ):
                raise ambiguous(error, call.started) from error
            raise

    async def _again(self, request: Request[T], first: StreamError, call: Call) -> T:
        """Repeat a call whose first attempt failed."""
        row = request.endpoint.row

        def on_retry(error: StreamError, attempt: int, wait: float) -> None:
            logger.info("%s: attempt %d failed (%s); next in %.1f s", row, attempt, type(error).__name__, wait)
            if self.settings.hooks.on_retry:
                self.settings.hooks.on_retry(RetryEvent(row=row, attempt=attempt, wait=wait, error=error))

        retrier = Retrier(
            policy=self.settings.retry,
            retry=request.endpoint.retry,
            clock=self.session.clock,
            deadline=call.deadline,
            started=call.started,
            on_retry=on_retry,
            on_throttled=self.session.governor.pause,
            waits_for_room=call.bulk and request.endpoint.retry is RetryClass.CREATE,
        )
        look = request.endpoint.look

        async def repeat(attempt: int) -> T:
            if look is not None and retrier.ambiguous:
                try:
                    return await self._attempt(Request(look, request.values), attempt, call)
                except NotFoundError:
                    pass  # the earlier attempt did nothing
            return await self._attempt(request, attempt, call)

        return await retrier.run(first, repeat)

    async def _attempt(self, request: Request[T], attempt: int, call: Call) -> T:
        response = await self.exchange(request, call, attempt=attempt)
        if is_failure(response.status):
            raise self.failure(response)
        try:
            return request.endpoint.answer.read(response, self.session.secrets)
        except StreamError as error:
            error.status, error.ray_id = response.status, response.headers.get("cf-ray")
            raise

    async def exchange(
        self,
        request: Request[Any],
        call: Call,
        *,
        attempt: int,
        body: AsyncIterator[bytes | memoryview] | None = None,
        answer_timeout: float | Absent | None = ABSENT,
    ) -> RawResponse:
        """Send the request once and give the answer, whatever its status.

        Args:
            request: what to send.
            call: the frame it belongs to.
            attempt: which attempt of the call this is, for hooks and logs.
            body: the bytes of the body, where the request does not hold them itself.
            answer_timeout: the limit for silence; the policy's own unless given, None for none.

        Raises:
            TransportError: no usable answer came; ``sent`` says whether the server may have seen the request.
        """
        http = self.session.http()
        # before the governor, so that a request does not go out long after it was counted
        async with self.session.bulk_sockets if call.bulk else nullcontext():
            return await self._exchange(http, request, call, attempt=attempt, body=body, answer_timeout=answer_timeout)

    async def _exchange(
        self,
        http: aiohttp.ClientSession,
        request: Request[Any],
        call: Call,
        *,
        attempt: int,
        body: AsyncIterator[bytes | memoryview] | None,
        answer_timeout: float | Absent | None,
    ) -> RawResponse:
        await self.session.governor.acquire(call.deadline, bulk=call.bulk)
        row, hooks = request.endpoint.row, self.settings.hooks
        if hooks.on_request:
            hooks.on_request(RequestEvent(row=row, attempt=attempt))
        silence = self.settings.retry.response_timeout if isinstance(answer_timeout, Absent) else answer_timeout
        # an answer that comes byte by byte is never silent; what bounds a call bounds this too, where there is a bound
        endless = call.deadline is None and body is None and not request.encoded.parts
        started = perf_counter()
        call.attempts, call.in_flight = attempt, True
        problem: TransportError
        try:
            with nullcontext(body) if body is not None else _body(request) as data:
                async with http.request(
                    request.endpoint.verb,
                    self._url(request),
                    headers=self._headers(request),
                    data=data,
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=client_timeout(self.settings.retry.connect_timeout, silence, endless=endless),
                ) as answer:
                    content = await _read(answer, silence)
                    status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, OSError) as error:
            call.in_flight = False
            problem = translate(error)
        else:
            call.in_flight = False
            if request.url is None:  # whoever keeps the uploads has no say in how often the API may be asked
                self.session.observe(headers)
            self._observe(row, attempt, status, headers, perf_counter() - started)
            if status in REDIRECTS:
                raise _redirected(headers.get("Location", ""))
            return RawResponse(status, headers, content)
        # raised outside the handler: aiohttp's exceptions hold the request with its credentials
        raise problem

    def failure(self, response: RawResponse, secrets: tuple[str, ...] = ()) -> APIError:
        """Make the error of an answer that reports a failure, with what it asks of the next attempt.

        The client's own secrets do not show in it, nor those given.
        """
        error = failure(response, (*secrets, *self.session.secrets))
        error.retry_after = retry_after(response.headers)
        if error.retry_after is not None and isinstance(error, RateLimitError):
            error.retry_at = self.session.clock.time() + error.retry_after
        told = response.headers.get("x-should-retry")
        error.should_retry = {"true": True, "false": False}.get(told or "")
        error.retryable = classify(error) is not Verdict.FINAL
        return error

    def _observe(self, row: str, attempt: int, status: int, headers: Mapping[str, str], elapsed: float) -> None:
        logger.debug("%s: %d in %.3f s (attempt %d)", row, status, elapsed, attempt)
        if self.settings.hooks.on_response:
            self.settings.hooks.on_response(
                ResponseEvent(row=row, attempt=attempt, status=status, elapsed=elapsed, ray_id=headers.get("cf-ray"))
            )

    def _url(self, request: Request[Any]) -> URL:
        if request.url is not None:
            return URL(request.url, encoded=True)
        path = request.endpoint.path.format(account_id=self.settings.account_id, **request.values)
        query = request.encoded.query
        if query:
            path = f"{path}?{urlencode(query)}"
        return URL(f"{self.session.base_url}{path}", encoded=True)

    def _headers(self, request: Request[Any]) -> Mapping[str, str]:
        own = self.session.headers_for(request.url)
        encoded = request.encoded
        accept = request.endpoint.answer.accept
        if encoded.headers is None and encoded.body is None and accept is None:
            return own
        return {
            **own,
            **({"Accept": accept} if accept else {}),
            **(_JSON_TYPE if encoded.body is not None else {}),
            **(encoded.headers or {}),
        }


@cache
def client_timeout(connect: float, silence: float | None, *, endless: bool = False) -> aiohttp.ClientTimeout:
    total = _LONGEST_ANSWER * silence if endless and silence is not None else None
    return aiohttp.ClientTimeout(total=total, sock_connect=connect, sock_read=silence)


@contextmanager
def _body(request: Request[Any]) -> Generator[bytes | aiohttp.FormData | None]:
    """Give the body in aiohttp's terms; the files in it are open as long as the context is."""
    encoded = request.encoded
    if not encoded.parts:
        yield encoded.body
        return
    form = aiohttp.FormData(quote_fields=False)  # as browsers and curl do: names go as they are
    with ExitStack() as files:  # aiohttp closes them too, but some time after the call is over
        for part in encoded.parts:
            content = files.enter_context(part.data.open()) if isinstance(part.data, DiskFile) else part.data
            form.add_field(part.name, content, filename=part.filename, content_type=part.content_type)
        yield form


async def _read(answer: aiohttp.ClientResponse, silence: float | None) -> bytes:
    """Read the whole body, up to a bound that also holds for what compressed bodies unpack to."""
    content = answer.content
    if content.is_eof() and content.total_bytes <= _ANSWER_MAX:
        return await answer.read()
    body = bytearray()
    loop = asyncio.get_running_loop()
    # aiohttp's own limit for silence does not fire once its parser has given up on a broken chunk
    async with asyncio.timeout(silence) as limit:
        while piece := await piece_of(content):
            body += piece
            if len(body) > _ANSWER_MAX:
                raise TransportError(f"the answer is larger than {_ANSWER_MAX} bytes", retryable=False)
            if silence is not None:
                limit.reschedule(loop.time() + silence)
    return bytes(body)


async def piece_of(content: aiohttp.StreamReader) -> bytes:
    """Give what has come of a body, and nothing at its end."""
    try:
        return await content.readany()
    except RuntimeError as error:  # what aiohttp says of a connection that ended after its parser had given up
        raise aiohttp.ClientPayloadError from error


# --- failures without an answer ----------------------------------------------------------------------------------


def translate(error: Exception) -> TransportError:
    """Put a failure of aiohttp or the socket into our terms, without its contents."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return TransportError(f"TLS: {_reason(error)}", sent=False, retryable=False)
        case aiohttp.ConnectionTimeoutError():
            return RequestTimeoutError("no connection within the connect timeout", sent=False, retryable=True)
        case TimeoutError():
            return RequestTimeoutError("the server fell silent", retryable=True)
        case aiohttp.ClientConnectorError():
            return TransportError(
                f"cannot connect to {error.host}:{error.port}: {_reason(error)}", sent=False, retryable=True
            )
        case aiohttp.InvalidURL():
            return TransportError("the address cannot be used", sent=False, retryable=False)
        case aiohttp.ClientResponseError():
            return TransportError(f"not HTTP as it should be: {type(error).__name__}", retryable=False)
        case aiohttp.ClientPayloadError():
            return TransportError("the answer was cut off", retryable=True)
        case _:
            return TransportError(f"the connection broke: {_reason(error)}", retryable=True)


def _reason(error: Exception) -> str:
    certificate = getattr(error, "certificate_error", None)
    if certificate is not None:
        return excerpt(str(certificate))
    # never aiohttp's own words: they hold addresses
    number = getattr(getattr(error, "os_error", None) or error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else type(error).__name__


def _redirected(location: str) -> RedirectError:
    try:
        host = excerpt(URL(location).host or "itself")
    except ValueError:
        host = "nowhere"
    return RedirectError(f"the server redirects to {host}; redirects are not followed, check base_url", retryable=False)
