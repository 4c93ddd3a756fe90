"""The columns of the dataset: what they take from a row, how they show it and how a filter writes it."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

import attrs

from cfstream.emulator import times
from cfstream.emulator.playing.viewed import Viewed

_MINUTE: Final = 60 * times.SECOND


@attrs.frozen(kw_only=True)
class Column:
    """One dimension, which filters and orders know by the same name."""

    of: Callable[[Viewed], Any]
    """What filters compare; instants in microseconds."""
    read: Callable[[str], Any] = str
    """The same from a filter's text; a ValueError where it is none."""
    shown: Callable[[Any], str] = str
    """The same as an answer has it."""
    form: str = "text"
    """What a filter has to give, in words."""
    width: int | None = None
    """For those of time: how much a value of a filter stands for, in microseconds."""


def _midnight(day: str) -> int:
    return times.parse(f"{day}T00:00:00Z")


def _time(step: int) -> Column:
    form = "a moment such as 2026-11-22T10:05:00Z, before the year 9999"
    return Column(of=lambda row: row.instant // step * step, read=times.parse, shown=times.text, form=form, width=0)


COLUMNS: Final[Mapping[str, Column]] = {
    "date": Column(
        of=lambda row: row.instant // times.DAY * times.DAY,
        read=_midnight,
        shown=times.day,
        form="a day such as 2026-11-22, before the year 9999",
        width=times.DAY,
    ),
    "datetime": _time(times.SECOND),
    "datetimeMinute": _time(_MINUTE),
    "datetimeHour": _time(60 * _MINUTE),
    "uid": Column(of=attrgetter("uid")),
    "clientCountryName": Column(of=attrgetter("country")),
    "creator": Column(of=attrgetter("creator")),
    "mediaType": Column(of=attrgetter("media_type")),
}
