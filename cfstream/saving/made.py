"""Having the service make the file of a download, and waiting until it is there."""

from urllib.parse import urlsplit

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream._types import Secret
from cfstream.errors import DecodeError, StreamError, WaitTimeoutError
from cfstream.models import Download, Downloads, DownloadType

_FIRST_POLL = 0.5
_POLL_GROWTH = 1.5
_SLOWEST_POLL = 15.0
_STANDSTILL = 3600.0
"""Seconds without any progress told."""


async def address_of(transport: Transport, uid: str, kind: DownloadType, token: Secret | None) -> Secret:
    """Give the address of the file once it can be fetched; a token takes the place of the uid in it.

    Raises:
        StreamError: the service could not make the file.
        WaitTimeoutError: it has told no progress for an hour.
    """
    download = await _made(transport, uid, kind)
    url = download.url or ""
    if not transport.session.is_safe(url):
        raise DecodeError(f"the address of the {kind} download cannot be read or is without TLS")
    return Secret(url) if token is None else _with_token(url, uid, token)


async def _made(transport: Transport, uid: str, kind: DownloadType) -> Download:
    get = endpoints.DOWNLOADS_GET(identifier=uid)
    make = endpoints.DOWNLOADS_CREATE_TYPE(identifier=uid, download_type=kind)
    clock = transport.session.clock
    found = _of(kind, await transport.send(get, timeout=None))
    if found is None or found.status == "error":  # it may succeed the second time
        found = _of(kind, await transport.send(make, timeout=None))
    seen, since, interval = found, clock.monotonic(), _FIRST_POLL
    while found is None or found.status != "ready":
        if found is not None and found.status == "error":
            raise StreamError(f"the service could not make the {kind} download of video {uid}")
        if found != seen:
            seen, since = found, clock.monotonic()
        if clock.monotonic() - since >= _STANDSTILL:
            raise WaitTimeoutError(
                f"the {kind} download of video {uid} has made no progress for {_STANDSTILL:g} s",
                uid=uid,
                state=found.status if found else "",
                retryable=True,
            )
        await clock.sleep(interval)
        interval = min(interval * _POLL_GROWTH, _SLOWEST_POLL)
        found = _of(kind, await transport.send(get, timeout=None))
    return found


def _of(kind: DownloadType, downloads: Downloads) -> Download | None:
    return downloads.audio if kind == "audio" else downloads.default


def _with_token(url: str, uid: str, token: Secret) -> Secret:
    parts = urlsplit(url)
    segments = parts.path.split("/")
    if segments.count(uid) != 1:
        raise DecodeError("the address of the download has no place for the token: it does not name the video")
    path = "/".join(token if segment == uid else segment for segment in segments)
    return Secret(parts._replace(path=path).geturl())
