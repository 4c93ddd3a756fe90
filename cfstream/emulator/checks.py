"""What requests may carry: JSON bodies, queries and the settings of a video, each refused by name."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web
from yarl import URL

from cfstream._limits import Limits
from cfstream.emulator import times
from cfstream.emulator.answers import BAD_URL, Refused, bad_request
from cfstream.emulator.serving.patience import patient

UID = re.compile(r"[0-9a-f]{32}")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,8}")

_BODY_MAX = 1024 * 1024
_AT_CREATION = (
    "allowedOrigins",
    "creator",
    "meta",
    "requireSignedURLs",
    "scheduledDeletion",
    "thumbnailTimestampPct",
)
_PUBLIC_DETAILS = ("title", "share_link", "channel_link", "logo")


async def body_bytes(request: web.Request, most: int = _BODY_MAX) -> bytes:
    """The whole body, which must be a small one."""
    body = bytearray()
    async with patient():
        async for block in request.content.iter_any():
            body += block
            if len(body) > most:
                raise Refused(413, (10005, f"The body is larger than {most} bytes"), close=True)
    return bytes(body)


async def json_object(request: web.Request, *, empty: bool = False) -> dict[str, Any]:
    """The body as a JSON object; ``empty`` says whether none may come."""
    body = await body_bytes(request)
    if empty and not body.strip():
        return {}
    try:
        value = json_value(body)
    except ValueError as error:
        raise bad_request("The body is not JSON") from error
    if not isinstance(value, dict):
        raise bad_request("The body is not a JSON object")
    return value


def json_value(text: bytes) -> Any:
    """A value written as JSON; halves of surrogate pairs in it become the replacement character.

    Raises:
        ValueError: it is no JSON, as NaN is none, or nested too deeply.
    """
    try:
        return _mended(json.loads(text, parse_constant=_no_constant))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _mended(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return json.loads(mended(text)) if _undecoded(text) else value


def mended(text: str) -> str:
    """The text with the replacement character for halves of surrogate pairs, which UTF-8 cannot spell."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def flag(query: Mapping[str, str], name: str) -> bool:
    """A boolean in a query."""
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise bad_request(f"{name}: {value!r:.40} is not a boolean")
    return value in ("true", "1")


def instant(name: str, value: Any) -> int:
    """A date and time."""
    if not isinstance(value, str):
        raise bad_request(f"{name}: must be a date and time")
    try:
        return times.parse(value)
    except (ValueError, OverflowError) as error:
        raise bad_request(f"{name}: {error}") from error


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad_request(f"{name}: must be a whole number from {least} to {most}")
    return value


def digits(name: str, value: str, least: int, most: int) -> int:
    """The same, written as text."""
    if not re.fullmatch(r"[0-9]{1,18}", value):
        raise bad_request(f"{name}: must be a whole number from {least} to {most}")
    return whole(name, int(value), least, most)


def number(name: str, value: Any, least: float, most: float) -> float:
    """A number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise bad_request(f"{name}: must be a number from {least} to {most}")
    return value


def fraction(name: str, value: Any) -> float:
    """A number from 0 to 1."""
    return number(name, value, 0, 1)


def boolean(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise bad_request(f"{name}: must be true or false")
    return value


def string(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str) or _undecoded(value):
        raise bad_request(f"{name}: must be a string")
    return value


def _undecoded(value: str) -> bool:
    """Whether there is half a surrogate pair in it: bytes of a header that are no UTF-8, or an escape in JSON."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def creator(name: str, value: Any, limits: Limits) -> str:
    """A creator."""
    if len(string(name, value)) > limits.creator_length:
        raise bad_request(f"{name}: must have at most {limits.creator_length} characters")
    return string(name, value)


def origins(name: str, value: Any) -> list[str]:
    """Allowed origins."""
    if not isinstance(value, list) or not all(isinstance(origin, str) for origin in value):
        raise bad_request(f"{name}: must be a list of strings")
    return value


def scheduled_deletion(name: str, value: Any, created: int, limits: Limits) -> int:
    """When a video is to be deleted."""
    when, least, most = instant(name, value), limits.deletion_days_min, limits.deletion_days_max
    if not created + least * times.DAY <= when <= created + most * times.DAY:
        raise bad_request(f"{name}: must be {least} to {most} days after the video was created")
    return when


def public_details(name: str, value: Any) -> dict[str, str | None]:
    """What the player shows."""
    mapping(name, value)
    for key in _PUBLIC_DETAILS:
        if value.get(key) is not None:
            string(f"{name}.{key}", value[key])
    return {key: value[key] for key in _PUBLIC_DETAILS if key in value}


def mapping(name: str, value: Any) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise bad_request(f"{name}: must be an object")
    return value


def choice(name: str, value: Any, choices: Sequence[str]) -> str:
    """One of a few words."""
    if value not in choices:
        raise bad_request(f"{name}: must be one of {', '.join(choices)}")
    return str(value)


def web_address(name: str, value: Any) -> str:
    """An http or https address."""
    text = string(name, value)
    try:
        url = URL(text)
        usable = url.scheme in ("http", "https") and bool(url.host) and text.isprintable() and " " not in text
    except ValueError:
        usable = False
    if not usable:
        raise Refused(400, (BAD_URL, f"Invalid URL: {name}: must be an http or https address"))
    return text


def upload_creator(request: web.Request, limits: Limits) -> dict[str, Any]:
    """The creator that a header names, as a setting of the video."""
    given = request.headers.get("Upload-Creator")
    return {} if given is None else {"creator": creator("Upload-Creator", given, limits)}


def named_meta(settings: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The ``meta`` of a new video whose name may stand beside it."""
    name = {} if body.get("name") is None else {"name": string("name", body["name"])}
    return {**name, **settings.get("meta", {})}


Readers = Mapping[str, tuple[str, bool, Callable[[str, Any], Any]]]
"""Keys of a body: the field of the record that each sets, whether null clears it, and how its value is read."""


def changed(body: Mapping[str, Any], readers: Readers, prefix: str = "") -> dict[str, Any]:
    """The fields of a record that a body sets; keys that nobody reads are passed over."""
    changes: dict[str, Any] = {}
    for name, (field, nullable, read) in readers.items():
        if name in body:
            cleared = nullable and body[name] is None
            changes[field] = None if cleared else read(f"{prefix}{name}", body[name])
    return changes


def video_settings(body: Mapping[str, Any], created: int, limits: Limits) -> dict[str, Any]:
    """The settings of a video in a JSON body, by the names of its record; other keys are passed over.

    The service ignores what it does not know, a misspelt ``requireSignedURLs`` included, and so does this.
    """
    readers: Readers = {
        "allowedOrigins": ("allowed_origins", False, origins),
        "creator": ("creator", True, lambda name, value: creator(name, value, limits)),
        "maxDurationSeconds": ("max_duration", True, lambda name, value: whole(name, value, 1, limits.duration_max)),
        "meta": ("meta", False, mapping),
        "publicDetails": ("public_details", True, public_details),
        "requireSignedURLs": ("require_signed_urls", False, boolean),
        "scheduledDeletion": (
            "scheduled_deletion",
            True,
            lambda name, value: scheduled_deletion(name, value, created, limits),
        ),
        "thumbnailTimestampPct": ("thumbnail_pct", False, fraction),
        "uploadExpiry": ("upload_expiry", True, instant),
    }
    return changed(body, readers)


def new_video_settings(body: Mapping[str, Any], created: int, limits: Limits, *more: str) -> dict[str, Any]:
    """The settings that every way of making a video by JSON takes, and ``more`` of them; null counts as left out."""
    given = {name: body[name] for name in (*_AT_CREATION, *more) if body.get(name) is not None}
    return video_settings(given, created, limits)
