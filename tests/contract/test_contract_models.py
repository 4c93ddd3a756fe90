"""The models against the written-down facts, both ways, and against answers as they really come."""

from datetime import UTC, datetime
from typing import Any, get_type_hints

import attrs
import pytest
from contract_facts import COPYING, FAILED, LIST_ROW, MODELS, RECORDING, Field, Model

from cfstream import DecodeError, Secret, Video, from_dict, models, to_dict

model_facts = pytest.mark.parametrize("fact", MODELS, ids=lambda fact: fact.name)
fields = [pytest.param(fact, field, id=f"{fact.name}.{field.python}") for fact in MODELS for field in fact.fields]
each_field = pytest.mark.parametrize(("fact", "field"), fields)


def model(fact: Model) -> Any:
    return getattr(models, fact.name)


def wire_value(fact: Model, field: Field) -> Any:
    return fact.sample.get(field.wire)


def least(fact: Model) -> dict[str, Any]:
    """Give the smallest answer there can be."""
    return {field.wire: fact.sample[field.wire] for field in fact.fields if field.always}


def empty(field: Field) -> Any:
    return getattr(models, field.empty)() if isinstance(field.empty, str) and field.empty else field.empty


@model_facts
def test_a_model_has_exactly_the_fields_of_the_reference(fact: Model) -> None:
    assert {field.name for field in attrs.fields(model(fact))} == {field.python for field in fact.fields} | {"extra"}


@model_facts
def test_the_sample_has_every_field(fact: Model) -> None:
    missing = {field.wire for field in fact.fields} - fact.sample.keys()
    assert not missing


@each_field
def test_every_field_is_read_from_its_wire_name_as_its_type(fact: Model, field: Field) -> None:
    value = getattr(from_dict(model(fact), {**least(fact), field.wire: wire_value(fact, field)}), field.python)
    sent = wire_value(fact, field)
    match field.type:
        case "time":
            assert value == datetime.fromisoformat(str(sent))
            assert value.utcoffset() is not None
        case "number as text":
            assert value == float(str(sent))
        case "list of text":
            assert value == tuple(sent)
        case "text" | "integer" | "number" | "flag" | "object":
            assert value == sent
            assert isinstance(value, Secret) == field.secret
        case name:
            assert value == from_dict(getattr(models, name), sent)


@each_field
def test_every_field_is_written_under_its_wire_name(fact: Model, field: Field) -> None:
    made = from_dict(model(fact), {**least(fact), field.wire: wire_value(fact, field)})
    written = to_dict(made, secrets=True)
    assert field.wire in written
    if field.type == "number as text":
        assert written[field.wire] == float(str(wire_value(fact, field)))
    elif field.type[0].islower():
        assert written[field.wire] == wire_value(fact, field)
    else:
        assert written[field.wire].items() >= to_dict(getattr(made, field.python)).items()


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


@pytest.mark.parametrize(("fact", "field"), [param for param in fields if param.values[1].unknown is not None])  # type: ignore[union-attr]  # these are all Field
def test_the_services_mark_for_unknown_reads_as_none(fact: Model, field: Field) -> None:
    assert getattr(from_dict(model(fact), {**least(fact), field.wire: field.unknown}), field.python) is None


@pytest.mark.parametrize(("fact", "field"), [param for param in fields if param.values[1].also])  # type: ignore[union-attr]  # these are all Field
def test_both_spellings_are_read_and_one_is_written(fact: Model, field: Field) -> None:
    assert field.also
    made = from_dict(model(fact), {field.also: "ERR_NON_VIDEO"})
    assert getattr(made, field.python) == "ERR_NON_VIDEO"
    assert made.extra == {}
    written = to_dict(made)
    assert written[field.wire] == "ERR_NON_VIDEO"
    assert field.also not in written
    assert getattr(from_dict(model(fact), {field.also: "old", field.wire: "new"}), field.python) == "new"


@model_facts
def test_there_and_back_gives_an_equal_model(fact: Model) -> None:
    made = from_dict(model(fact), {**fact.sample, "unheardOf": {"a": [1]}})
    again = from_dict(model(fact), to_dict(made, secrets=True))
    assert again == made
    assert again.extra == {"unheardOf": {"a": [1]}}


@model_facts
def test_secrets_are_masked_unless_asked_for(fact: Model) -> None:
    made = from_dict(model(fact), fact.sample)
    for field in fact.fields:
        if field.secret:
            value = str(fact.sample[field.wire])
            assert value not in repr(made)
            assert value not in str(to_dict(made))
            assert to_dict(made, secrets=True)[field.wire] == value


# --- answers as they really come ---------------------------------------------------------------------------------


def test_a_recording_of_a_broadcast() -> None:
    video = from_dict(Video, RECORDING)
    assert video.ready_to_stream_at == datetime(2024, 8, 14, 14, 35, 39, 114350, tzinfo=UTC)
    assert (video.duration, video.size) == (25, 0)
    nothing = (video.creator, video.upload_expiry, video.max_duration_seconds, video.watermark)
    assert nothing == (None,) * 4
    assert video.live_input == "ae" * 16
    assert video.status.pct_complete == 100.0
    assert video.public_details == models.PublicDetails(title="", share_link="", channel_link="", logo="")
    assert video.name == "14 Aug 24 14:34 UTC"
    assert video.extra == {}


def test_a_video_that_is_being_fetched() -> None:
    video = from_dict(Video, COPYING)
    assert video.created == datetime(2020, 10, 16, 20, 20, 17, 872170, tzinfo=UTC)
    assert video.status == models.VideoStatus(state="downloading")
    assert (video.duration, video.input.width, video.input.height, video.public_details) == (None,) * 4
    assert video.meta == {"downloaded-from": "https://example.com/a.mp4", "name": "a"}


def test_a_failed_encode_in_the_spelling_of_the_docs() -> None:
    video = from_dict(Video, FAILED)
    assert video.status.error_reason_code == "ERR_NON_VIDEO"
    assert video.status.error_reason_text == "not a valid video file"
    assert (video.status.step, video.status.pct_complete) == ("encoding", 39.0)
    assert video.public_details == models.PublicDetails()


def test_what_is_new_in_the_service_is_kept_and_never_fails() -> None:
    video = from_dict(Video, LIST_ROW)
    assert video.status.state == "archived-to-tape"
    assert video.status.extra == {"cold": True}
    assert video.input.extra == {"rotation": 90}
    assert video.extra == {"newFeature": {"enabled": True}, "extra": "a field of that very name"}
    assert (video.meta, video.allowed_origins, video.playback) == ({}, (), models.Playback())
    assert video.max_duration_seconds is None
    written = to_dict(video)
    assert written["newFeature"] == {"enabled": True}
    assert written["extra"] == "a field of that very name"
    assert from_dict(Video, written) == video
