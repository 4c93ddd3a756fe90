"""Checks of the settings that users make: attrs validators with the library's own error."""

import math
from typing import Any

import attrs

from cfstream._redact import shown
from cfstream.errors import InvalidInputError


def above_zero(instance: Any, attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """Refuse what is no finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        named = f"{type(instance).__name__}: {attribute.name}"
        raise InvalidInputError(f"{named} must be a number above 0, got {shown(value)}")
