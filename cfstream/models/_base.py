"""What models and keyword sets are made with: field helpers and the rules that values are checked by."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol
from urllib.parse import urlsplit

import attrs

from cfstream._redact import shown
from cfstream.errors import InvalidInputError

UNKNOWN_IS = "unknown_is"
ALSO_READ = "also_read"
RESHAPED = "_reshaped"
"""A model whose object has come in other forms too has a static method of this name that gives the present one."""

_GRACE = timedelta(hours=1)


def extra_field() -> Any:
    """Give the field that keeps what the service sent beyond the fields known here.

    It is left out of repr and hash: an unknown field may hold a secret, and dicts do not hash.
    """
    return attrs.field(factory=dict, repr=False, hash=False)


def minus_one_is_none() -> Any:
    """Give an optional field in which the service writes -1 for "not known"."""
    return attrs.field(default=None, metadata={UNKNOWN_IS: -1})


def also_read(default: Any, *names: str) -> Any:
    """Give a field that older answers spell otherwise."""
    return attrs.field(default=default, metadata={ALSO_READ: names})


def one_of(*choices: str) -> Any:
    """Give a validator that refuses every other word."""

    def validate(_: Any, attribute: Any, value: Any) -> None:
        if value not in choices:
            raise InvalidInputError(
                f"{attribute.name}: expected one of {', '.join(map(repr, choices))}, got {shown(value)}"
            )

    return validate


@attrs.frozen
class Hidden:
    """Marks a keyword whose value must not show in an error."""


class Rule(Protocol):
    """A limit of the service, checked before I/O."""

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with the value, or None."""
        ...


@attrs.frozen
class MaxLength:
    """At most that many characters or items."""

    limit: int

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with the value, or None."""
        if len(value) <= self.limit:
            return None
        unit = "characters" if isinstance(value, str) else "items"
        return f"takes at most {self.limit} {unit}, not {len(value)}"


@attrs.frozen
class MaxBytes:
    """At most that many bytes in UTF-8."""

    limit: int

    def problem(self, value: str) -> str | None:
        """Say what is wrong with the value, or None."""
        size = len(value.encode())
        return None if size <= self.limit else f"takes at most {self.limit} bytes, not {size}"


@attrs.frozen
class NotBlank:
    """Not empty, nor of blanks alone."""

    def problem(self, value: str) -> str | None:
        """Say what is wrong with the value, or None."""
        return None if value.strip() else "must not be blank"


@attrs.frozen
class Between:
    """From low to high, both included."""

    low: float
    high: float

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with the value, or None."""
        if self.low <= value <= self.high:
            return None
        return f"must lie between {self.low:g} and {self.high:g}, not {shown(value)}"


@attrs.frozen
class AtLeast:
    """From low on."""

    low: float

    def problem(self, value: Any) -> str | None:
        """Say what is wrong with the value, or None."""
        return None if value >= self.low else f"must be at least {self.low:g}, not {shown(value)}"


@attrs.frozen
class DaysAhead:
    """So many days from now, both included; the service holds them against its own clock, hence the grace."""

    low: int
    high: int

    def problem(self, value: datetime) -> str | None:
        """Say what is wrong with the value, or None."""
        now = datetime.now(UTC)
        if now + timedelta(days=self.low) - _GRACE <= value <= now + timedelta(days=self.high) + _GRACE:
            return None
        return f"must lie {self.low} to {self.high:,} days from now, not at {value.isoformat()}"


@attrs.frozen
class HttpUrl:
    """An http or https address; it is not shown, because it may be signed."""

    def problem(self, value: str) -> str | None:
        """Say what is wrong with the value, or None."""
        try:
            parts = urlsplit(value)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            whole = False
        return None if whole else "must be an http or https address"


Url = Annotated[str, Hidden(), HttpUrl()]


def name_in(meta: Mapping[str, Any]) -> str | None:
    """Give the name kept in ``meta``, where there is one."""
    name = meta.get("name")
    return name if isinstance(name, str) else None
