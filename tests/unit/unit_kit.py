"""What the unit tests share: a client on a virtual clock, sample answers, and the walk through an error's parts."""

import json
import os
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

from virtual_clock import VirtualClock

from cfstream import RetryPolicy, Stream
from cfstream._answers import RawResponse

API = "https://api.cloudflare.com/client/v4"
TOKEN = "CANARY-token-0123456789-abcdef-CANARY"
ACCOUNT = "ac" * 16
UID = "ea" * 16
LIST_PATH = "/accounts/{account_id}/stream"
GET_ROW = "GET /accounts/{account_id}/stream/{identifier}"
VIDEO_URL = f"{API}/accounts/{ACCOUNT}/stream/{UID}"
VIDEOS_URL = f"{API}/accounts/{ACCOUNT}/stream"
CREATED = "2024-08-14T14:34:51.294025Z"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


def video(uid: str = UID, created: Any = CREATED, /, **fields: Any) -> dict[str, Any]:
    """Give a small video as the service sends it."""
    return {"uid": uid, "created": created, **fields}


def envelope(result: Any, **extra: Any) -> bytes:
    """Give the body of a successful answer."""
    return json.dumps({"success": True, "errors": [], "messages": [], "result": result, **extra}).encode()


def refusal(*errors: tuple[int, str]) -> bytes:
    """Give the body of an answer that reports failures."""
    entries = [{"code": code, "message": message} for code, message in errors]
    return json.dumps({"success": False, "errors": entries, "messages": [], "result": None}).encode()


def raw(status: int = 200, body: bytes = b"", /, **headers: str) -> RawResponse:
    """Give an answer as the transport hands it on."""
    from multidict import CIMultiDict

    return RawResponse(status, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), body)


def client(clock: VirtualClock | None = None, **options: Any) -> Stream:
    """Give a client on a virtual clock, without a governor unless asked for."""
    settings = {"rate_limit": None, "base_url": API, **({"_clock": clock or VirtualClock()} | options)}
    return Stream(TOKEN, ACCOUNT, **settings)


def hasty(attempts: int = 3) -> RetryPolicy:
    """Give a policy for tests over real sockets: waits of a millisecond, silence of a quarter second."""
    return RetryPolicy(
        attempts=attempts, base=0.001, cap=0.001, throttle_base=0.001, throttle_cap=0.001, response_timeout=0.25
    )


def chain(error: BaseException) -> Iterator[BaseException]:
    """Give the error and everything it hangs on."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        pending += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            pending += one.exceptions


def all_words(error: BaseException) -> str:
    """Give whatever of the error, its causes and its attributes can be printed."""
    words: list[str] = []
    for one in chain(error):
        words += [str(one), repr(one), repr(one.args), repr(vars(one)), *getattr(one, "__notes__", [])]
        words += traceback.format_exception_only(one)
    return "\n".join(words)


def frames(error: BaseException) -> str:
    """Give the values that a report with local variables shows of the library's own frames."""
    shown: list[str] = []
    for one in chain(error):
        stack = traceback.StackSummary.extract(traceback.walk_tb(one.__traceback__), capture_locals=True)
        shown += [str(frame.locals) for frame in stack if f"{os.sep}cfstream{os.sep}" in frame.filename]
    return "\n".join(shown)


def mentions(text: str, secrets: Iterable[str]) -> list[str]:
    """Give the secrets that stand in the text."""
    return [secret for secret in secrets if secret in text]
