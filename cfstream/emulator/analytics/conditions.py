"""The filter of a query: checked and read once, then put to every row."""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from cfstream.emulator import times
from cfstream.emulator.analytics.columns import COLUMNS, Column
from cfstream.emulator.analytics.errors import AnalyticsError
from cfstream.emulator.playing.viewed import Viewed

WIDEST: Final = 31
"""The days that an interval may have."""
OLDEST: Final = 90
"""The days that the service looks back."""
MOST: Final = 100
"""The conditions that a filter may have, so that no query takes long."""

_WHOLE: Final[Mapping[str, Callable[..., bool]]] = {"AND": all, "OR": any}
_TESTS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "": eq,
    "neq": ne,
    "in": lambda value, listed: value in listed,
    "gt": gt,
    "geq": ge,
    "lt": lt,
    "leq": le,
}


def fits(condition: Mapping[str, Any], now: int) -> Callable[[Viewed], bool]:
    """Read a filter.

    Args:
        condition: by the names of the API.
        now: the instant.

    Returns:
        What tells whether a row is meant.

    Raises:
        AnalyticsError: it is too large, its interval is too long or too old, or a value is none.
    """
    _check_size(condition)
    test = _all_of(condition)
    _check_interval(condition, now)
    return test


def _check_size(condition: Mapping[str, Any]) -> None:
    waiting, found = [condition], 0
    while waiting:
        each = waiting.pop()
        found += max(1, len(each.keys() - _WHOLE.keys()))
        if found > MOST:
            raise AnalyticsError(f"filter: at most {MOST} conditions are answered")
        for name in each.keys() & _WHOLE.keys():
            waiting += each[name] or ()


def _all_of(condition: Mapping[str, Any]) -> Callable[[Viewed], bool]:
    tests = [_test(name, value) for name, value in condition.items() if value is not None]
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _test(name: str, value: Any) -> Callable[[Viewed], bool]:
    if name in _WHOLE:
        whole, parts = _WHOLE[name], [_all_of(each) for each in value]
        return lambda row: whole(part(row) for part in parts)
    column, test, wanted = _read(name, value)
    compare, of = _TESTS[test], column.of
    return lambda row: compare(of(row), wanted)


def _read(name: str, value: Any) -> tuple[Column, str, Any]:
    """The column, the test and what to compare with; for ``_in`` a set."""
    title, _, test = name.partition("_")
    column = COLUMNS[title]
    return column, test, {_one(name, column, each) for each in value} if test == "in" else _one(name, column, value)


def _one(name: str, column: Column, value: object) -> Any:
    if not isinstance(value, str):
        raise AnalyticsError(f"filter: {name} must be text")
    try:
        return column.read(value)
    except ValueError as error:
        raise AnalyticsError(f"filter: {name} must be {column.form}") from error


def _check_interval(condition: Mapping[str, Any], now: int) -> None:
    bounds = list(_bounds(condition))
    first = max((instant for instant, lower in bounds if lower), default=None)
    end = min((instant for instant, lower in bounds if not lower), default=now)
    if first is None:
        raise AnalyticsError("filter: give the first day or moment, such as by date_geq or datetime_geq")
    if end - first > WIDEST * times.DAY:
        raise AnalyticsError(f"filter: the interval is longer than {WIDEST} days")
    if now // times.DAY * times.DAY - first > OLDEST * times.DAY:
        raise AnalyticsError(f"filter: there is nothing older than {OLDEST} days")


def _bounds(condition: Mapping[str, Any]) -> list[tuple[int, bool]]:
    """Where the interval of a filter begins and ends; True stands for a beginning."""
    found: list[tuple[int, bool]] = []
    for name, value in condition.items():
        if name == "AND":
            found += [bound for each in value or () for bound in _bounds(each)]
        elif value is not None and name != "OR":
            found += _bounds_of(*_read(name, value))
    return found


def _bounds_of(column: Column, test: str, wanted: Any) -> list[tuple[int, bool]]:
    if column.width is None or test == "neq" or wanted == set():
        return []
    low, high = (min(wanted), max(wanted)) if test == "in" else (wanted, wanted)
    begin = (low + column.width if test == "gt" else low, True)
    end = (high if test == "lt" else high + column.width, False)
    if test in ("gt", "geq"):
        return [begin]
    return [end] if test in ("lt", "leq") else [begin, end]
