"""The rows, signatures and keyword sets against the written-down facts."""

import inspect
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import attrs
import pytest
from contract_facts import (
    ACCESS_RULE,
    API_CODES,
    CALLS,
    LIMITS,
    NESTED_KEYWORDS,
    REASON_CODES,
    Call,
    Keyword,
)

from cfstream import Limits, Stream, errors
from cfstream.endpoints import ROWS
from cfstream.models import AccessRule

calls = pytest.mark.parametrize("fact", CALLS, ids=lambda fact: fact.call)
with_keywords = pytest.mark.parametrize("fact", [fact for fact in CALLS if fact.keywords], ids=lambda fact: fact.call)

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n..."
VTT = b"WEBVTT\n\n"
TYPES: dict[str, Any] = {"text": str, "flag": bool, "integer": int, "number": float, "time": datetime}
SAMPLES: dict[str, tuple[Any, Any]] = {
    "text": ("abc", "abc"),
    "flag": (True, True),
    "integer": (7, 7),
    "number": (0.5, 0.5),
    "time": (MOMENT, "2024-01-02T03:04:05Z"),
    "list of text": (["a", "b"], ["a", "b"]),
}


def method(fact: Call) -> Any:
    found: Any = Stream("token", "account")
    for name in fact.call.split(".")[1:]:
        found = getattr(found, name)
    return found


def path_values(fact: Call) -> dict[str, str]:
    names = [name for name in re.findall(r"{(\w+)}", fact.path) if name != "account_id"]
    return {name: "en" if name == "language" else "ea" * 16 for name in names}


def sample(keyword: Keyword, fact: Call) -> tuple[Any, Any]:
    """Give a value and how it stands on the wire."""
    if keyword.python == "public_details":
        return {"share_link": "https://s", "title": None}, {"share_link": "https://s", "title": None}
    if keyword.python == "meta":
        return {"name": "n", "snake_key": 1}, {"name": "n", "snake_key": 1}
    if keyword.python == "flags":
        return {"original": True}, {"original": True}
    if keyword.python == "access_rules":
        given = [AccessRule(type="ip.geoip.country", action="allow", country=("DE",)), AccessRule("any", "block")]
        return given, [
            {"type": "ip.geoip.country", "action": "allow", "country": ["DE"]},
            {"type": "any", "action": "block"},
        ]
    if keyword.choices:
        return keyword.choices[-1], keyword.choices[-1]
    if keyword.type == "file":
        data = VTT if fact.model == "Caption" else PNG
        return data, data
    return SAMPLES[keyword.type]


def bare(hint: Any) -> tuple[Any, list[Any], bool]:
    """Give a hint without its limits and its None, the limits, and whether None was in it."""
    rules: list[Any] = []
    if get_origin(hint) is Annotated:
        hint, *rules = get_args(hint)
    members = get_args(hint)
    if NoneType in members:
        (hint,) = (member for member in members if member is not NoneType)
        return hint, rules, True
    return hint, rules, False


def test_every_row_is_written_down_and_every_fact_has_its_row() -> None:
    assert {fact.row for fact in CALLS} == set(ROWS)


@calls
def test_verb_and_path_are_those_of_the_reference(fact: Call) -> None:
    row = ROWS[fact.row]
    assert (row.verb, row.path) == (fact.verb, fact.path)
    assert row.row == f"{fact.verb} {fact.path}"


@calls
def test_the_retry_class_follows_from_what_repeating_does(fact: Call) -> None:
    assert ROWS[fact.row].retry.name == fact.retry


@calls
def test_the_answer_is_of_the_kind_the_service_gives(fact: Call) -> None:
    kinds = {"list": "many", "one": "one", "headers": "tus_upload", "nothing": "nothing", "text": "text"}
    answer: Any = ROWS[fact.row].answer
    assert type(answer).__name__ == kinds[fact.gives]
    assert getattr(getattr(answer, "model", None), "__name__", None) == fact.model
    assert answer.accept == fact.accept


@calls
def test_positional_and_keyword_names_are_those_of_the_reference_less_the_account(fact: Call) -> None:
    parameters = inspect.signature(method(fact)).parameters.values()
    positional = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    keyword = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    assert tuple(positional) == fact.positional
    assert keyword == {*fact.path_keywords, *(keyword.python for keyword in fact.keywords)}
    assert not {parameter for parameter in parameters if parameter.kind is parameter.VAR_KEYWORD}


@calls
def test_what_may_be_left_out_shows_a_default_and_what_may_not_shows_none(fact: Call) -> None:
    parameters = inspect.signature(method(fact)).parameters
    for keyword in fact.keywords:
        assert (parameters[keyword.python].default is inspect.Parameter.empty) == keyword.required, keyword.python
    for name in (*fact.positional, *fact.path_keywords):
        assert parameters[name].default is inspect.Parameter.empty


@with_keywords
def test_the_keyword_set_has_exactly_the_keys_of_the_reference(fact: Call) -> None:
    takes = ROWS[fact.row].takes
    assert takes is not None
    assert set(get_type_hints(takes.params)) == {keyword.python for keyword in fact.keywords}
    assert takes.params.__required_keys__ == {keyword.python for keyword in fact.keywords if keyword.required}


@with_keywords
def test_types_null_limits_and_choices_of_keywords(fact: Call) -> None:
    takes = ROWS[fact.row].takes
    assert takes is not None
    hints = get_type_hints(takes.params, include_extras=True)
    for keyword in fact.keywords:
        hint, rules, null = bare(hints[keyword.python])
        if keyword.python == "upload_metadata":
            assert str in get_args(hint)  # the header as it stands, or keys and values to make it of
            continue
        assert null == keyword.null, keyword.python
        if keyword.choices:
            assert get_origin(hint) is Literal
            assert set(get_args(hint)) == set(keyword.choices)
        elif keyword.type == "object":
            assert get_origin(hint) is Mapping if keyword.python == "meta" else is_typeddict(hint)
        elif keyword.type.startswith("list of"):
            assert get_origin(hint) is Sequence
        elif keyword.type in TYPES:
            assert hint is TYPES[keyword.type], keyword.python
        values = {name: value for rule in rules for name, value in attrs.asdict(rule).items()}
        if keyword.low is not None:
            assert values["low"] == keyword.low
        if keyword.high is not None:
            assert values["high"] == keyword.high
        if keyword.length is not None:
            assert values["limit"] == keyword.length


@pytest.mark.parametrize("name", NESTED_KEYWORDS)
def test_objects_inside_keywords_have_the_keys_of_the_reference(name: str) -> None:
    (fact,) = (fact for fact in CALLS for keyword in fact.keywords if keyword.python == name)
    takes = ROWS[fact.row].takes
    assert takes is not None
    hints = get_type_hints(get_type_hints(takes.params)[name])
    assert set(hints) == {keyword.python for keyword in NESTED_KEYWORDS[name]}
    for keyword in NESTED_KEYWORDS[name]:
        hint, _, null = bare(hints[keyword.python])
        assert (hint, null) == (TYPES[keyword.type], keyword.null)


def test_an_access_rule_has_the_names_of_the_reference() -> None:
    assert tuple(field.name for field in attrs.fields(AccessRule)) == ACCESS_RULE


@with_keywords
def test_every_keyword_goes_where_and_as_what_the_reference_says(fact: Call) -> None:
    import json

    values = {keyword.python: sample(keyword, fact) for keyword in fact.keywords}
    request = ROWS[fact.row]({name: value for name, (value, _) in values.items()}, **path_values(fact))
    encoded = request.encoded
    expected = {keyword.wire: values[keyword.python][1] for keyword in fact.keywords}

    if fact.where == "json":
        assert encoded.body is not None
        assert json.loads(encoded.body) == expected
        assert not encoded.query
    elif fact.where == "query":
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in expected.items()
        }
        assert encoded.query == texts
        assert encoded.body is None
    elif fact.where == "headers":
        in_query = dict.fromkeys(fact.in_query, "true")
        assert encoded.query == in_query
        assert encoded.headers == {name: str(value) for name, value in expected.items() if name not in fact.in_query}
        assert encoded.body is None
    else:
        file, *others = encoded.parts
        assert (file.name, file.data) == ("file", expected.pop("file"))
        assert file.filename
        assert {part.name: part.data for part in others} == {name: str(value) for name, value in expected.items()}
        assert all(part.filename is None for part in others)


@pytest.mark.parametrize("fact", [fact for fact in CALLS if fact.file_max], ids=lambda fact: fact.call)
def test_the_largest_file_is_the_services(fact: Call) -> None:
    good = VTT if fact.model == "Caption" else PNG
    assert fact.file_max is not None
    row, values = ROWS[fact.row], path_values(fact)
    row({"file": good + bytes(fact.file_max - len(good))}, **values)
    with pytest.raises(errors.InvalidInputError, match=f"the limit of {fact.file_max} bytes"):
        row({"file": good + bytes(fact.file_max - len(good) + 1)}, **values)


def test_the_tus_version_goes_along_unasked() -> None:
    request = ROWS["STREAM_CREATE"]({"upload_length": 0})
    assert request.encoded.headers == {"Tus-Resumable": "1.0.0", "Upload-Length": "0"}
    assert request.encoded.query is None


def test_the_limits_are_the_services() -> None:
    ours = attrs.asdict(Limits())
    assert {name: ours[name] for name in LIMITS} == LIMITS


def test_the_codes_the_docs_name_have_meaning_and_advice() -> None:
    for code in (*REASON_CODES, *API_CODES):
        entry = errors.CODES[code]
        assert entry.code == code
        assert entry.meaning
        assert entry.advice
