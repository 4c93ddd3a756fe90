"""What the fuzz tests share: how many examples, hostile values, and samples with something changed in them."""

import json
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

T = TypeVar("T")

# The examples are the same every time, so that a change that breaks nothing never fails; to look further, run with
# CFSTREAM_FUZZ=100, which takes new examples and a hundred times as many.
TIMES = int(os.environ.get("CFSTREAM_FUZZ", "1"))
PATIENCE = 5.0


def fuzzed(examples: int) -> Callable[[T], T]:
    """Run a property on so many examples."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


@contextmanager
def soon() -> Generator[None]:
    """See that the block takes no time to speak of; the bound is wide, because machines are busy."""
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < PATIENCE


words = st.sampled_from(
    [
        *("", "ready", "-1", "NaN", "1e999", "9" * 400, "../x", "a\r\nb", "\x00", "\ud800", "\u2028"),
        *("2024-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"),
        "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
    ]
)
texts = words | st.text(max_size=20)
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**64), 10**400, 1e308, -0.0])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed(draw: st.DrawFn, sample: Any) -> Any:
    """Give the sample with one to three of its parts, at any depth, replaced, taken out or added to."""
    made = json.loads(json.dumps(sample))
    for _ in range(draw(st.integers(1, 3))):
        made = _change(draw, made)
    return made


def _change(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict) and value and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 4)) == 0:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: _change(draw, value[key])}
    if isinstance(value, dict) and draw(st.booleans()):
        return {**value, draw(texts): draw(json_values)}
    return draw(json_values)


class Odd:
    """An object that refuses to be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def nested(depth: int) -> list[Any]:
    """Give a list in a list in a list."""
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


anything = (
    json_values
    | st.sampled_from(
        [Odd(), Odd, object(), nested(3000), {"a": nested(3000)}, 10**5000, float("nan"), b"x", 1j, {1: 2}]
    )
    | st.datetimes()
    | st.datetimes(timezones=st.timezones())
    | st.binary(max_size=20)
    | st.sets(st.integers(), max_size=2)
)
"""Whatever somebody may give a call by mistake."""
