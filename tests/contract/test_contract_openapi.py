"""The facts as an OpenAPI document: whole, well-formed, and true of the answers that were written down."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from contract_facts import CALLS, MODELS
from contract_shapes import Call, Model
from contract_values import each_call
from openapi_facts import document

DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def operation(fact: Call) -> Any:
    return DOCUMENT["paths"][fact.path][fact.verb.lower()]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a document."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def test_it_has_every_operation_under_a_name_of_its_own() -> None:
    operations = [found for verbs in DOCUMENT["paths"].values() for found in verbs.values()]
    assert len(operations) == 50
    assert {found["operationId"] for found in operations} == {fact.call for fact in CALLS}


def test_the_specifications_own_validator_accepts_it() -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(DOCUMENT)


def test_every_reference_leads_to_a_schema_and_every_schema_is_led_to() -> None:
    used = {found["$ref"].rpartition("/")[2] for found in objects(DOCUMENT) if "$ref" in found}
    assert used == SCHEMAS.keys()


@each_call()
def test_an_operation_has_its_parameters_and_its_answer(fact: Call) -> None:
    found = operation(fact)
    by_place = {
        place: {one["name"] for one in found["parameters"] if one["in"] == place} for place in ("path", "query")
    }
    assert by_place["path"] == set(re.findall(r"{(\w+)}", fact.path))
    assert all(one["required"] for one in found["parameters"] if one["in"] == "path")
    in_query = {one.wire for one in fact.keywords if (one.place or fact.place) == "query"}
    assert by_place["query"] == in_query
    bodies = [content["schema"] for content in found.get("requestBody", {}).get("content", {}).values()]
    inside = [one for one in fact.keywords if (one.place or fact.place) in ("json", "form")]
    in_body = {name for one in inside for name in (one.wire, one.also) if name}
    assert {name for schema in bodies for name in schema["properties"]} == in_body
    assert len(bodies) == (len(fact.one_of) or bool(in_body))
    assert str(fact.status) in found["responses"]


@pytest.mark.parametrize("fact", MODELS, ids=lambda fact: fact.name)
def test_a_model_leaves_room_for_what_is_new_and_for_null(fact: Model) -> None:
    schema = SCHEMAS[fact.name]
    assert schema["additionalProperties"] is True
    for field in fact.fields:
        found = schema["properties"][field.wire]
        null = "null" in found.get("type", ()) or {"type": "null"} in found.get("anyOf", ())
        assert null != field.always, field.wire
        if field.unknown is not None:
            assert found["minimum"] == field.unknown


def test_no_answer_has_a_closed_set_of_words_or_a_limit() -> None:
    """What the service may answer is its own business; only requests are held to limits."""
    for fact in MODELS:
        limits = {key for found in objects(SCHEMAS[fact.name]) for key in found}
        assert not limits & {"enum", "maximum", "maxLength", "pattern"}
