"""Any JSON as any model: a model that can be used or a decode error, and nothing of the answer is lost."""

from typing import Any

import pytest
from contract_facts import MODELS
from fuzz_kit import changed, fuzzed, json_values, nested, soon, texts
from hypothesis import given
from hypothesis import strategies as st
from unit_kit import UID, video

from cfstream import DecodeError, Video, from_dict, models, to_dict

MODEL = {fact.name: (getattr(models, fact.name), fact.sample) for fact in MODELS}


@pytest.mark.parametrize("name", MODEL)
@fuzzed(25)
@given(data=st.data())
def test_a_changed_sample_gives_a_model_that_can_be_used_or_a_decode_error(name: str, data: st.DataObject) -> None:
    model, sample = MODEL[name]
    answer = data.draw(changed(sample))
    with soon():
        try:
            made = from_dict(model, answer)
        except DecodeError as error:
            assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the two good ends
            str(error).encode()
            return
    repr(made)
    to_dict(made)
    assert isinstance(made, model)


@pytest.mark.parametrize("name", MODEL)
@fuzzed(8)
@given(key=st.text(min_size=1, max_size=10), value=json_values)
def test_what_is_unknown_is_kept(name: str, key: str, value: Any) -> None:
    model, sample = MODEL[name]
    if key in sample:
        return
    known = from_dict(model, sample)
    made = from_dict(model, {**sample, key: value})
    if key in made.extra:
        assert list(made.extra) == [*known.extra, key]
        assert repr(made.extra[key]) == repr(value)  # by their looks, because NaN is not equal to itself
        assert from_dict(model, sample) == known


@fuzzed(100)
@given(texts)
def test_new_words_of_the_service_are_kept(word: str) -> None:
    made = from_dict(Video, video(status={"state": word}, watermark={"uid": UID, "position": word}))
    assert made.status.state == word
    assert made.watermark is not None
    assert made.watermark.position == word


def test_what_is_nested_too_deeply_is_refused_wherever_it_is_kept() -> None:
    for field in ("meta", "later"):
        assert from_dict(Video, video(**{field: {"a": nested(50)}})).uid == UID
        with pytest.raises(DecodeError, match="nested too deeply"):
            from_dict(Video, video(**{field: {"a": nested(3000)}}))
