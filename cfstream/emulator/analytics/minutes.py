"""The dataset ``streamMinutesViewedAdaptiveGroups``: filtered, put into groups, in order."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from cfstream.emulator.analytics.columns import COLUMNS
from cfstream.emulator.analytics.conditions import fits
from cfstream.emulator.analytics.errors import AnalyticsError
from cfstream.emulator.playing.viewed import Viewed

MOST: Final = 10_000
"""The groups that an answer may have."""


def groups(
    rows: Sequence[Viewed],
    now: int,
    *,
    condition: Mapping[str, Any],
    dimensions: Collection[str],
    order: Sequence[str],
    limit: object,
) -> list[dict[str, Any]]:
    """What was watched, one group for each combination of dimensions.

    Args:
        rows: all that was watched.
        now: the instant.
        condition: the filter, by the names of the API.
        dimensions: those that were asked for.
        order: such as ``uid_ASC``, the weightiest first.
        limit: the most groups.

    Raises:
        AnalyticsError: the filter is refused, or a value is none.
    """
    if type(limit) is not int or not 0 < limit <= MOST:
        raise AnalyticsError(f"limit: must be a whole number from 1 to {MOST}")
    is_meant = fits(condition, now)
    columns = [COLUMNS[name] for name in dimensions]
    grouped: defaultdict[tuple[Any, ...], list[Viewed]] = defaultdict(list)
    for row in filter(is_meant, rows):
        grouped[tuple(column.of(row) for column in columns)].append(row)
    made = [
        {
            "count": sum(row.segments for row in members),
            "dimensions": {
                name: column.shown(value) for name, column, value in zip(dimensions, columns, key, strict=True)
            },
            "sum": {"minutesViewed": round(sum(row.seconds for row in members) / 60, 6)},
        }
        for key, members in sorted(grouped.items())
    ]
    for name in reversed(order):
        column, _, direction = name.rpartition("_")
        made.sort(key=_reader(column, dimensions), reverse=direction == "DESC")
    return made[:limit]


def _reader(column: str, dimensions: Collection[str]) -> Any:
    if column == "count":
        return lambda group: group["count"]
    if column == "sum_minutesViewed":
        return lambda group: group["sum"]["minutesViewed"]
    if column not in dimensions:
        raise AnalyticsError(f"orderBy: {column} is not among the dimensions that are asked for")
    return lambda group: group["dimensions"][column]
