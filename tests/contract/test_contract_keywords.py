"""Keywords against the written-down facts: names, types, null, limits, choices, and which go together."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from contract_facts import CALLS, NESTED
from contract_shapes import Call, Keyword
from contract_values import each_call, least, path_values, value, way, ways

from cfstream.endpoints import ROWS
from cfstream.errors import InvalidInputError, UnknownKeywordError
from cfstream.models import AccessRule

TYPES: dict[str, Any] = {
    "text": str,
    "uid": str,
    "address": str,
    "flag": bool,
    "integer": int,
    "number": float,
    "time": datetime,
}
MISTYPED: dict[str, tuple[Any, ...]] = {
    "text": (7, ["a"], b"a"),
    "uid": (7,),
    "address": (7, "example.com/a", "/etc/passwd", "file:///etc/passwd"),
    "flag": (1, "true"),
    "integer": (1.5, "1", True),
    "number": ("0.5", True, float("nan"), float("inf")),
    "time": ("2024-01-02T03:04:05Z", 7, datetime(2024, 1, 2)),  # noqa: DTZ001  # without a zone is the point
    "object": ("a", ["a"], {"a": {1, 2}}),
    "file": (7, ["a"], b""),
    "list of text": ("a", [7], {"a": 1}),
}
SECRET = "CANARY-0123456789-CANARY"

with_keywords = each_call(fact for fact in CALLS if fact.keywords)
each = [pytest.param(fact, key, id=f"{fact.call}.{key.python}") for fact in CALLS for key in fact.keywords]
each_keyword = pytest.mark.parametrize(("fact", "keyword"), each)


def those(wanted: Callable[[Any], object]) -> pytest.MarkDecorator:
    """Run a test for the keywords that a fact is about."""
    return pytest.mark.parametrize(("fact", "keyword"), [one for one in each if wanted(one.values[1])])


def bare(hint: Any) -> tuple[Any, bool]:
    """Give a hint without its limits and its None, and whether None was in it."""
    null = False
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
            (hint,) = (member for member in get_args(hint) if member is not NoneType)
            null = True
        else:
            return hint, null


def params_of(fact: Call) -> Any:
    takes = ROWS[fact.row].takes
    assert takes is not None
    return takes.params


def encoded(fact: Call, given: Mapping[str, Any]) -> Any:
    return ROWS[fact.row](given, **path_values(fact)).encoded


def given_with(fact: Call, keyword: Keyword, new: Any) -> dict[str, Any]:
    """Give as many keywords as go with this one, and this one as wanted."""
    without = {*fact.one_of} - {keyword.python} if keyword.python in fact.one_of else {*fact.one_of[1:]}
    return {**way(fact, less=without).given, keyword.python: new}


def takes(fact: Call, keyword: Keyword, *values: Any) -> None:
    for one in values:
        encoded(fact, given_with(fact, keyword, one))


def refuses(fact: Call, keyword: Keyword, *values: Any) -> None:
    for one in values:
        with pytest.raises(InvalidInputError, match=rf"^{keyword.python}\b"):
            encoded(fact, given_with(fact, keyword, one))


@with_keywords
def test_the_keyword_set_has_exactly_the_keys_of_the_reference(fact: Call) -> None:
    assert set(get_type_hints(params_of(fact))) == {keyword.python for keyword in fact.keywords}
    assert params_of(fact).__required_keys__ == {keyword.python for keyword in fact.keywords if keyword.required}


@each_keyword
def test_the_type_and_the_choices_of_a_keyword(fact: Call, keyword: Keyword) -> None:
    hint, null = bare(get_type_hints(params_of(fact), include_extras=True)[keyword.python])
    if keyword.python == "upload_metadata":
        assert str in get_args(hint)  # the header as it stands, or keys and values to make it of
        return
    assert null == keyword.null
    if keyword.choices:
        assert get_origin(hint) is Literal
        assert set(get_args(hint)) == set(keyword.choices)
    elif keyword.type == "object":
        assert get_origin(hint) is Mapping
    elif keyword.type.startswith("list of"):
        assert get_origin(hint) is Sequence
    elif keyword.type in NESTED:
        assert is_typeddict(hint)
    elif keyword.type in TYPES:
        assert hint is TYPES[keyword.type]


@pytest.mark.parametrize("name", [name for name in NESTED if name != "AccessRule"])
def test_objects_inside_keywords_have_the_keys_of_the_reference(name: str) -> None:
    users = [(fact, keyword) for fact in CALLS for keyword in fact.keywords if keyword.type == name]
    assert users
    for fact, outer in users:
        nested, _ = bare(get_type_hints(params_of(fact), include_extras=True)[outer.python])
        hints = get_type_hints(nested, include_extras=True)
        assert set(hints) == {keyword.python for keyword in NESTED[name]}
        for keyword in NESTED[name]:
            hint, null = bare(hints[keyword.python])
            assert null == keyword.null
            if keyword.choices:
                assert set(get_args(hint)) == set(keyword.choices)
            elif keyword.type in TYPES:
                assert hint is TYPES[keyword.type]


@with_keywords
def test_all_keywords_together_are_taken_and_so_are_the_fewest(fact: Call) -> None:
    for one in ways(fact):
        encoded(fact, one.given)
    encoded(fact, least(fact))


@with_keywords
def test_a_keyword_nobody_knows_is_refused(fact: Call) -> None:
    with pytest.raises(UnknownKeywordError, match="unheard_of"):
        encoded(fact, {**least(fact), "unheard_of": 1})


@those(lambda keyword: keyword.required)
def test_what_is_required_cannot_be_left_out(fact: Call, keyword: Keyword) -> None:
    given = way(fact).given
    del given[keyword.python]
    with pytest.raises(InvalidInputError, match=f"missing keyword {keyword.python}"):
        encoded(fact, given)


@each_keyword
def test_null_is_sent_where_it_means_something_and_refused_elsewhere(fact: Call, keyword: Keyword) -> None:
    if not keyword.null:
        refuses(fact, keyword, None)
        return
    import json

    body = json.loads(encoded(fact, {**least(fact), keyword.python: None}).body)
    assert body[keyword.wire] is None


@those(lambda keyword: keyword.type in MISTYPED and keyword.python != "upload_metadata")
def test_a_value_of_another_type_is_refused(fact: Call, keyword: Keyword) -> None:
    refuses(fact, keyword, *MISTYPED[keyword.type])


@those(lambda keyword: keyword.choices)
def test_a_word_nobody_knows_is_refused(fact: Call, keyword: Keyword) -> None:
    takes(fact, keyword, *keyword.choices)
    refuses(fact, keyword, "unheard-of", "", keyword.choices[0].upper() + "x")


@those(lambda keyword: keyword.low is not None)
def test_the_lower_limit(fact: Call, keyword: Keyword) -> None:
    assert keyword.low is not None
    takes(fact, keyword, keyword.low)
    refuses(fact, keyword, keyword.low - 1)


@those(lambda keyword: keyword.high is not None)
def test_the_upper_limit(fact: Call, keyword: Keyword) -> None:
    assert keyword.high is not None
    takes(fact, keyword, keyword.high)
    refuses(fact, keyword, keyword.high + 1)


@those(lambda keyword: keyword.length is not None)
def test_the_longest_text(fact: Call, keyword: Keyword) -> None:
    assert keyword.length is not None
    takes(fact, keyword, "x" * keyword.length)
    refuses(fact, keyword, "x" * (keyword.length + 1))


@those(lambda keyword: keyword.octets is not None)
def test_the_longest_text_in_bytes(fact: Call, keyword: Keyword) -> None:
    assert keyword.octets is not None
    takes(fact, keyword, "x" * keyword.octets)
    refuses(fact, keyword, "x" * (keyword.octets + 1), "ü" * keyword.octets)


@those(lambda keyword: keyword.items is not None)
def test_the_most_items(fact: Call, keyword: Keyword) -> None:
    assert keyword.items is not None
    rule = AccessRule("any", "block")
    takes(fact, keyword, [], [rule] * keyword.items)
    refuses(fact, keyword, [rule] * (keyword.items + 1))


@those(lambda keyword: keyword.days)
def test_how_soon_and_how_late_a_deletion_may_be(fact: Call, keyword: Keyword) -> None:
    assert keyword.days
    soonest, latest = keyword.days
    now = datetime.now(UTC)
    takes(fact, keyword, now + timedelta(days=soonest, minutes=1), now + timedelta(days=latest, minutes=-1))
    refuses(fact, keyword, now + timedelta(days=soonest - 1), now + timedelta(days=latest + 1), now)


@those(lambda keyword: keyword.type == "time")
def test_a_time_is_sent_in_utc(fact: Call, keyword: Keyword) -> None:
    import json
    from zoneinfo import ZoneInfo

    moment, sent = value(keyword, 0)
    found = encoded(fact, {**least(fact), keyword.python: moment.astimezone(ZoneInfo("Asia/Tokyo"))})
    where = found.query if fact.place == "query" else json.loads(found.body)
    assert where[keyword.wire] == sent


@those(lambda keyword: keyword.secret)
def test_a_refused_secret_does_not_show(fact: Call, keyword: Keyword) -> None:
    for bad in ([SECRET], SECRET.encode(), {SECRET: 1}):
        with pytest.raises(InvalidInputError, match=keyword.python) as caught:
            encoded(fact, given_with(fact, keyword, bad))
        assert SECRET not in str(caught.value)


@each_call(fact for fact in CALLS if fact.file_max)
def test_the_largest_file_is_the_services(fact: Call, tmp_path: Any) -> None:
    assert fact.file_max is not None
    path = tmp_path / "file.bin"
    path.write_bytes(fact.file_start)
    given = {**way(fact, less=fact.one_of[1:]).given, "file": path}
    with path.open("r+b") as file:
        file.truncate(fact.file_max)
    encoded(fact, given)
    with path.open("r+b") as file:
        file.truncate(fact.file_max + 1)
    with pytest.raises(InvalidInputError, match=f"the limit of {fact.file_max:,}|the limit of {fact.file_max} bytes"):
        encoded(fact, given)


# --- keywords that depend on each other --------------------------------------------------------------------------


@each_call(fact for fact in CALLS if fact.one_of)
def test_exactly_one_of_them_is_given(fact: Call) -> None:
    names = {*fact.one_of}
    for less in ((), names):
        with pytest.raises(InvalidInputError, match=" or ".join(fact.one_of)):
            encoded(fact, way(fact, less=less).given)


@each_call(fact for fact in CALLS if fact.any_of)
def test_at_least_one_of_them_is_given(fact: Call) -> None:
    for kept in fact.any_of:
        encoded(fact, way(fact, less={*fact.any_of} - {kept}).given)
    with pytest.raises(InvalidInputError, match=fact.any_of[0]):
        encoded(fact, way(fact, less=fact.any_of).given)


@each_call(fact for fact in CALLS if fact.together)
def test_they_go_together_or_not_at_all(fact: Call) -> None:
    encoded(fact, way(fact, less=fact.together).given)
    for missing in fact.together:
        with pytest.raises(InvalidInputError, match=missing):
            encoded(fact, way(fact, less={missing}).given)


@each_call(fact for fact in CALLS if fact.rising)
def test_the_end_is_behind_the_start(fact: Call) -> None:
    start, end = fact.rising
    given = way(fact).given
    encoded(fact, {**given, start: 5, end: 6})
    for last in (5, 4):
        with pytest.raises(InvalidInputError, match=end):
            encoded(fact, {**given, start: 5, end: last})
