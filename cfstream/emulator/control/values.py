"""Checks of what the control is given, from Python and over HTTP alike."""

from typing import Final

from cfstream.errors import InvalidInputError

DAY: Final = 24 * 3600
CENTURY: Final = 36_525 * DAY


def seconds(name: str, value: object, most: float) -> float:
    """A length of time.

    Raises:
        InvalidInputError: it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InvalidInputError(f"{name}: must be a number of seconds from 0 to {most:.0f}")
    return float(value)


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number.

    Raises:
        InvalidInputError: it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInputError(f"{name}: must be a whole number from {least} to {most}")
    return value


def boolean(name: str, value: object) -> bool:
    """True or false.

    Raises:
        InvalidInputError: it is neither.
    """
    if not isinstance(value, bool):
        raise InvalidInputError(f"{name}: must be true or false")
    return value
