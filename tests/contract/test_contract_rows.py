"""The rows and the signatures of both clients against the written-down facts."""

import inspect
from typing import Any

import attrs
import pytest
from contract_facts import API_CODES, CALLS, LIMITS, PATH_CHOICES, REASON_CODES
from contract_shapes import Call
from contract_values import answer, each_call, envelope, is_given, method, path_values, results, unused
from multidict import CIMultiDict

from cfstream import DecodeError, Limits, errors, sync
from cfstream._answers import RawResponse
from cfstream.endpoints import ROWS
from cfstream.models import AccessRule

calls = each_call()
lists = each_call(fact for fact in CALLS if fact.gives == "list")
objects = each_call(fact for fact in CALLS if fact.gives == "one")
faces = pytest.mark.parametrize("face", ["async", "sync"])


def raw(status: int, headers: dict[str, str], body: bytes) -> RawResponse:
    return RawResponse(status, CIMultiDict(headers), body)


def read(fact: Call, body: bytes) -> Any:
    return ROWS[fact.row].answer.read(raw(fact.status, {"Content-Type": "application/json"}, body))


def parameters(face: str, fact: Call) -> dict[str, inspect.Parameter]:
    client = unused() if face == "async" else sync.Stream("token", "account")
    return dict(inspect.signature(method(client, fact)).parameters)


def test_every_row_is_written_down_and_every_fact_has_its_row() -> None:
    assert len(CALLS) == len(ROWS) == 50
    assert {fact.row for fact in CALLS} == set(ROWS)
    assert len({(fact.verb, fact.path) for fact in CALLS}) == len(CALLS)


@calls
def test_verb_and_path_are_those_of_the_reference(fact: Call) -> None:
    row = ROWS[fact.row]
    assert (row.verb, row.path) == (fact.verb, fact.path)
    assert row.row == f"{fact.verb} {fact.path}"


@calls
def test_the_retry_class_follows_from_what_repeating_does(fact: Call) -> None:
    assert ROWS[fact.row].retry.name == fact.retry


@calls
def test_a_call_takes_keywords_where_the_reference_has_some(fact: Call) -> None:
    assert (ROWS[fact.row].takes is not None) == bool(fact.keywords)


@calls
def test_the_answer_is_read_as_what_the_service_gives(fact: Call) -> None:
    row = ROWS[fact.row]
    assert row.answer.accept == fact.accept
    got: Any = row.answer.read(raw(*answer(fact)))
    if fact.gives == "list":
        assert [type(got.item(place)).__name__ for place in range(len(got.items))] == [fact.model]
    else:
        assert is_given(fact, got)


@lists
def test_every_shape_a_list_has_come_in_is_read(fact: Call) -> None:
    for result in results(fact):
        got = read(fact, envelope(result))
        inner = result[fact.inside] if isinstance(result, dict) else result or []
        assert got.items == inner
        assert (got.range, got.total) == ((1, 12) if isinstance(result, dict) else (None, None))


@lists
def test_counts_beside_the_list_are_read_as_numbers_and_as_text(fact: Call) -> None:
    for total in (35586, "35586"):
        got = read(fact, envelope([], range="1000", total=total))
        assert (got.range, got.total) == (1000, 35586)


@lists
def test_what_is_no_list_is_refused(fact: Call) -> None:
    bad: tuple[Any, ...] = ("text", 7, [1], {fact.inside or "other": {}})
    for result in bad:
        with pytest.raises(DecodeError, match=fact.model):
            read(fact, envelope(result))


@objects
def test_what_is_no_object_is_refused(fact: Call) -> None:
    bad: tuple[Any, ...] = (None, [], 7)
    for result in bad:
        with pytest.raises(DecodeError, match=fact.model):
            read(fact, envelope(result))


@each_call(fact for fact in CALLS if fact.gives == "nothing")
@pytest.mark.parametrize("body", [b"", envelope("ok"), envelope(""), envelope("Revoked"), envelope(None)])
def test_nobody_goes_by_what_a_delete_says(fact: Call, body: bytes) -> None:
    read(fact, body)


@each_call(fact for fact in CALLS if fact.gives != "headers")
def test_a_failure_inside_a_success_is_a_failure(fact: Call) -> None:
    told = b'{"success": false, "errors": [{"code": 10003, "message": "Not Found"}], "messages": [], "result": null}'
    with pytest.raises(errors.APIError, match="10003"):
        read(fact, told)


@faces
@calls
def test_positional_and_keyword_names_are_those_of_the_reference_less_the_account(face: str, fact: Call) -> None:
    found = parameters(face, fact).values()
    positional = [parameter.name for parameter in found if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    keyword = {parameter.name for parameter in found if parameter.kind is parameter.KEYWORD_ONLY}
    assert tuple(positional) == fact.positional
    assert keyword == {*fact.path_keywords, *(keyword.python for keyword in fact.keywords)}
    assert len(found) == len(positional) + len(keyword)


@faces
@calls
def test_what_may_be_left_out_shows_a_default_and_what_may_not_shows_none(face: str, fact: Call) -> None:
    found = parameters(face, fact)
    for keyword in fact.keywords:
        assert (found[keyword.python].default is inspect.Parameter.empty) == keyword.required, keyword.python
    for name in (*fact.positional, *fact.path_keywords):
        assert found[name].default is inspect.Parameter.empty


def test_an_access_rule_has_the_names_of_the_reference() -> None:
    assert tuple(field.name for field in attrs.fields(AccessRule)) == ("type", "action", "country", "ip")


@pytest.mark.parametrize(
    ("fact", "name"), [(fact, name) for fact in CALLS for name in PATH_CHOICES if f"{{{name}}}" in fact.path]
)
def test_a_path_value_is_one_of_the_words_there_are(fact: Call, name: str) -> None:
    values = path_values(fact)
    for word in PATH_CHOICES[name]:
        assert ROWS[fact.row](**{**values, name: word}).values[name] == word
    with pytest.raises(errors.InvalidInputError, match=name):
        ROWS[fact.row](**{**values, name: "video"})


@calls
def test_nothing_in_a_path_leads_elsewhere(fact: Call) -> None:
    values = path_values(fact)
    for name in values:
        for bad in ("", "..", "a/b", "a?b", "a#b", "a%2fb", "a\nb", "ä"):
            with pytest.raises(errors.InvalidInputError, match=name):
                ROWS[fact.row](**{**values, name: bad})


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
