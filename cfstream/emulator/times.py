"""Instants as whole microseconds, and as the text that the service writes and reads."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from cfstream._types import Clock

SECOND: Final = 1_000_000
DAY: Final = 24 * 3600 * SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What can be written as RFC 3339 and as an HTTP date, whatever the time zone.
_FIRST = (datetime(1000, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_END = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


def now(clock: Clock) -> int:
    """The present instant."""
    return round(clock.time() * SECOND)


def moment(instant: int) -> datetime:
    """The same in UTC, with its parts."""
    return _EPOCH + timedelta(microseconds=instant)


def day(instant: int) -> str:
    """The day in UTC, such as ``2026-11-22``."""
    return moment(instant).date().isoformat()


def text(instant: int) -> str:
    """RFC 3339 in UTC; like the service's, the fraction is as short as it can be."""
    fraction = f"{instant % SECOND:06}".rstrip("0")
    return f"{moment(instant):%Y-%m-%dT%H:%M:%S}{'.' if fraction else ''}{fraction}Z"


def maybe_text(instant: int | None) -> str | None:
    """The same, where there is an instant at all."""
    return None if instant is None else text(instant)


def parse(value: str) -> int:
    """Read RFC 3339; what is finer than a microsecond is rounded up, so that ``<`` and ``>=`` stay exact.

    Raises:
        ValueError: it is no such text.
    """
    match = _RFC3339.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r:.60} is not an RFC 3339 date and time")
    date, clock, fraction, sign, hours, minutes = match.groups()
    shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    read = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=timezone(-shift if sign == "-" else shift))
    nanoseconds = int((fraction or "").ljust(9, "0"))
    instant = (read - _EPOCH) // _MICROSECOND + -(-nanoseconds // 1000)
    if not _FIRST <= instant < _END:
        raise ValueError(f"{value!r:.60} is out of range")
    return instant
