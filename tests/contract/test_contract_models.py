"""The models against the written-down facts, both ways."""

import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any, get_type_hints

import attrs
import pytest
from contract_facts import MODELS
from contract_shapes import Field, Model
from contract_values import BY_MODEL

from cfstream import DecodeError, Secret, from_dict, models, to_dict

model_facts = pytest.mark.parametrize("fact", MODELS, ids=lambda fact: fact.name)
fields = [pytest.param(fact, field, id=f"{fact.name}.{field.python}") for fact in MODELS for field in fact.fields]
each_field = pytest.mark.parametrize(("fact", "field"), fields)
LIST_OF = "list of "


def those(wanted: Callable[[Any], object]) -> pytest.MarkDecorator:
    """Run a test for the fields that a fact is about."""
    return pytest.mark.parametrize(("fact", "field"), [one for one in fields if wanted(one.values[1])])


def model(fact: Model) -> Any:
    return getattr(models, fact.name)


def least(fact: Model) -> dict[str, Any]:
    """Give the smallest answer there can be."""
    return {field.wire: fact.sample[field.wire] for field in fact.fields if field.always}


def empty(field: Field) -> Any:
    return getattr(models, field.empty)() if isinstance(field.empty, str) and field.empty in BY_MODEL else field.empty


def settled(kind: str, value: Any) -> Any:
    """Give a wire value with its times and texts of numbers as what they mean, and without what is null."""
    if value is None:
        return None
    if kind.removeprefix(LIST_OF) in BY_MODEL and isinstance(value, list):
        return [settled(kind.removeprefix(LIST_OF), item) for item in value]
    if kind in BY_MODEL:
        kinds = {field.wire: field.type for field in BY_MODEL[kind].fields}
        return {key: settled(kinds.get(key, "text"), item) for key, item in value.items() if item is not None}
    if kind == "time":
        return datetime.fromisoformat(value)
    return float(value) if kind == "number as text" else value


@model_facts
def test_a_model_has_exactly_the_fields_of_the_reference(fact: Model) -> None:
    assert {field.name for field in attrs.fields(model(fact))} == {field.python for field in fact.fields} | {"extra"}


@model_facts
def test_the_sample_has_every_field_and_no_other(fact: Model) -> None:
    assert {field.wire for field in fact.fields} == fact.sample.keys()


@each_field
def test_every_field_is_read_from_its_wire_name_as_its_type(fact: Model, field: Field) -> None:
    sent: Any = fact.sample[field.wire]
    made = from_dict(model(fact), {**least(fact), field.wire: sent})
    value = getattr(made, field.python)
    assert made.extra == {}
    match field.type:
        case "time":
            assert value == datetime.fromisoformat(sent)
            assert value.utcoffset() is not None
        case "number as text":
            assert value == float(sent)
        case "list of text":
            assert value == tuple(sent)
        case "text" | "integer" | "number" | "flag" | "object":
            assert value == sent
            assert isinstance(value, Secret) == field.secret
        case name if name.startswith(LIST_OF):
            assert value == tuple(from_dict(getattr(models, name.removeprefix(LIST_OF)), item) for item in sent)
        case name:
            assert value == from_dict(getattr(models, name), sent)


@model_facts
def test_the_sample_is_written_as_it_was_read(fact: Model) -> None:
    written = to_dict(from_dict(model(fact), fact.sample), secrets=True)
    assert settled(fact.name, written) == settled(fact.name, fact.sample)
    assert written.keys() == fact.sample.keys()


@each_field
def test_a_field_that_is_absent_or_null_is_empty_or_refused(fact: Model, field: Field) -> None:
    answer = least(fact)
    if field.always:
        del answer[field.wire]
        for bad in (answer, {**answer, field.wire: None}):
            with pytest.raises(DecodeError, match=rf"{fact.name}: .*{field.python}"):
                from_dict(model(fact), bad)
    else:
        assert getattr(from_dict(model(fact), answer), field.python) == empty(field)
        assert getattr(from_dict(model(fact), {**answer, field.wire: None}), field.python) == empty(field)


@each_field
def test_only_fields_that_may_miss_are_optional_in_the_types(fact: Model, field: Field) -> None:
    optional = type(None) in getattr(get_type_hints(model(fact))[field.python], "__args__", ())
    assert optional == (not field.always and field.empty is None)


@each_field
def test_a_value_of_another_type_is_refused_by_the_name_of_its_field(fact: Model, field: Field) -> None:
    bad: Any = {"number": "much", "number as text": "much", "integer": 1.5, "flag": 1, "time": "soon"}.get(
        field.type, 7
    )
    with pytest.raises(DecodeError, match=rf"^{fact.name}: .*{field.python}"):
        from_dict(model(fact), {**least(fact), field.wire: bad})


@those(lambda field: field.unknown is not None)
def test_the_services_mark_for_unknown_reads_as_none(fact: Model, field: Field) -> None:
    assert getattr(from_dict(model(fact), {**least(fact), field.wire: field.unknown}), field.python) is None


@those(lambda field: field.choices)
def test_words_the_reference_has_and_words_it_may_come_to_have_are_read(fact: Model, field: Field) -> None:
    for word in (*field.choices, "unheard-of"):
        assert getattr(from_dict(model(fact), {**least(fact), field.wire: word}), field.python) == word


@those(lambda field: field.also)
def test_both_spellings_are_read_and_one_is_written(fact: Model, field: Field) -> None:
    assert field.also
    rest = {name: value for name, value in least(fact).items() if name != field.wire}
    made = from_dict(model(fact), {**rest, field.also: "old"})
    assert getattr(made, field.python) == "old"
    assert made.extra == {}
    written = to_dict(made)
    assert written[field.wire] == "old"
    assert field.also not in written
    both = from_dict(model(fact), {**rest, field.also: "old", field.wire: "new"})
    assert getattr(both, field.python) == "new"
    assert both.extra == {}


@model_facts
def test_there_and_back_gives_an_equal_model(fact: Model) -> None:
    made = from_dict(model(fact), {**fact.sample, "unheardOf": {"a": [1]}})
    again = from_dict(model(fact), to_dict(made, secrets=True))
    assert again == made
    assert again.extra == {"unheardOf": {"a": [1]}}
    assert pickle.loads(pickle.dumps(made)) == made


@model_facts
def test_a_model_cannot_be_changed(fact: Model) -> None:
    made = from_dict(model(fact), fact.sample)
    for field in fact.fields:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, field.python, None)


@pytest.mark.parametrize(
    "fact", [fact for fact in MODELS if fact.fields[0].python in ("uid", "id")], ids=lambda fact: fact.name
)
def test_what_has_a_uid_can_stand_in_a_set(fact: Model) -> None:
    made = from_dict(model(fact), fact.sample)
    assert {made, from_dict(model(fact), fact.sample)} == {made}


def secret_values(fact: Model, sample: Any) -> list[str]:
    """Give every secret of a sample, those of objects inside it included."""
    found: list[str] = []
    for field in fact.fields:
        value = sample.get(field.wire)
        if field.secret:
            found.append(str(value))
        elif field.type in BY_MODEL and isinstance(value, dict):
            found += secret_values(BY_MODEL[field.type], value)
    return found


@pytest.mark.parametrize(
    "fact", [fact for fact in MODELS if secret_values(fact, fact.sample)], ids=lambda fact: fact.name
)
def test_secrets_are_masked_unless_asked_for(fact: Model) -> None:
    made = from_dict(model(fact), fact.sample)
    for value in secret_values(fact, fact.sample):
        assert value not in repr(made)
        assert value not in str(to_dict(made))
        assert value in str(to_dict(made, secrets=True))
