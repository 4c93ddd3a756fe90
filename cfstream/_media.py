"""Files from the hosts that serve media: asked for without credentials, read in pieces."""

import asyncio
from collections.abc import Mapping
from time import perf_counter

import aiohttp
import attrs
from yarl import URL

from cfstream._answers import RawResponse
from cfstream._hooks import RequestEvent, ResponseEvent
from cfstream._session import Session
from cfstream._transport import REDIRECTS, Transport, client_timeout, piece_of, translate
from cfstream._types import Secret
from cfstream.errors import RedirectError, TransportError

MEDIA_ROW = "GET {download_url}"
"""How errors and hooks name these requests; the address may hold a token."""

_MOST_REDIRECTS = 5
_BUFFER = 1024 * 1024
_ERROR_PAGE = 4096  # bytes read of what is only shown


@attrs.frozen(eq=False)
class MediaAnswer:
    """The head of an answer whose body is still to come; whoever has it closes it."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    _answer: aiohttp.ClientResponse = attrs.field(repr=False)
    _silence: float

    async def read(self) -> bytes:
        """Give what has come of the body, and nothing at its end.

        Raises:
            TransportError: it was cut off, or nothing came for too long.
        """
        problem: TransportError
        try:
            # aiohttp's own limit for silence does not fire once its parser has given up on a broken chunk
            async with asyncio.timeout(self._silence):
                return await piece_of(self._answer.content)
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp raises before it gives what came ahead of the break; that counts, and the next call raises again
            if left := self._answer.content._read_nowait(-1):  # noqa: SLF001  # there is no public way
                return left
            problem = translate(error)
        # raised outside the handler: aiohttp's exceptions hold the address
        raise problem

    async def beginning(self) -> RawResponse:
        """Give the answer with so much of its body as an error may show."""
        body = b""
        while len(body) < _ERROR_PAGE and (piece := await self.read()):
            body += piece
        return RawResponse(self.status, self.headers, body[:_ERROR_PAGE])

    def close(self) -> None:
        """Let go of the connection, unless the whole body was read."""
        self._answer.close()


async def open_media(transport: Transport, url: Secret, headers: Mapping[str, str], *, attempt: int) -> MediaAnswer:
    """Ask for a file, follow up to five redirects, and give the answer, whatever its status.

    The credentials of the API are never sent, not even where the API itself serves the file.

    Raises:
        TransportError: no answer came, or it leads to an address that is not safe.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        answer = await _ask(transport, url, headers, attempt)
        if answer.status not in REDIRECTS:
            return MediaAnswer(answer.status, answer.headers, answer, transport.settings.retry.response_timeout)
        location = answer.headers.get("Location", "")
        answer.close()
        url = _onward(transport.session, url, location)
    raise RedirectError(f"the media host redirects more than {_MOST_REDIRECTS} times", retryable=False)


async def _ask(transport: Transport, url: Secret, headers: Mapping[str, str], attempt: int) -> aiohttp.ClientResponse:
    session, hooks, policy = transport.session, transport.settings.hooks, transport.settings.retry
    if hooks.on_request:
        hooks.on_request(RequestEvent(row=MEDIA_ROW, attempt=attempt))
    started = perf_counter()
    problem: TransportError
    try:
        answer = await session.http().get(
            URL(url, encoded=True),
            headers={**session.agent, **headers},
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            read_bufsize=_BUFFER,
            timeout=client_timeout(policy.connect_timeout, policy.response_timeout),
        )
    except (aiohttp.ClientError, OSError) as error:
        problem = translate(error)
    else:
        if hooks.on_response:
            event = ResponseEvent(
                row=MEDIA_ROW,
                attempt=attempt,
                status=answer.status,
                elapsed=perf_counter() - started,
                ray_id=answer.headers.get("cf-ray"),
            )
            hooks.on_response(event)
        return answer
    # raised outside the handler: aiohttp's exceptions hold the address
    raise problem


def _onward(session: Session, url: Secret, location: str) -> Secret:
    try:
        # signed addresses must stay as they are; what cannot stand in a request is encoded
        encoded = location.isascii() and " " not in location
        onward = URL(url, encoded=True).join(URL(location, encoded=encoded)) if location else URL()
    except ValueError:
        onward = URL()
    # a name and a password in an address would go out as credentials
    if onward.raw_user is not None or onward.raw_password is not None or not session.is_safe(str(onward)):
        raise RedirectError(
            "the media host redirects to an address that cannot be read or is without TLS", retryable=False
        )
    return Secret(str(onward))
