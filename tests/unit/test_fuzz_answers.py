"""Any bytes as the answer of any row: a value or an error of the library, by either parser of JSON."""

import copy
import json
import sys
from typing import Any

import pytest
from fuzz_kit import changed, fuzzed, json_values, soon
from hypothesis import given
from hypothesis import strategies as st
from unit_kit import UID, raw, video

from cfstream import DecodeError, StreamError, Video, _wire, from_dict, to_dict
from cfstream._answers import failure, many, nothing, one, text, tus_upload
from cfstream._wire import parse_json

EVERY = {
    "one": one(Video),
    "many": many(Video),
    "text": text("text/vtt"),
    "nothing": nothing(),
    "tus": tus_upload(),
}


@pytest.fixture(params=["fastest", "standard"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Read JSON by the parser of the extra, where it is installed, and by the standard one."""
    with monkeypatch.context() as patch:
        if request.param == "standard":
            patch.setitem(sys.modules, "orjson", None)
        parse = _wire._fastest_parser()
    monkeypatch.setattr(_wire, "_loads", parse)
    return str(request.param)


def read(answer: Any, body: bytes, status: int = 200, **headers: str) -> Any:
    """Give the value, or the error where it is one of the library."""
    with soon():
        try:
            return answer.read(raw(status, body, **headers))
        except StreamError as error:
            assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the two good ends
            assert str(error).isprintable()  # noqa: PT017  # the same
            return error


def use(value: Any) -> None:
    """Do what programs do with a model: show, compare, copy, write and read it."""
    hash(value) if isinstance(value, Video) else None
    repr(value)
    assert copy.deepcopy(value) == value
    written = to_dict(value, secrets=True)
    again = from_dict(type(value), json.loads(json.dumps(written, allow_nan=False)))
    assert to_dict(again, secrets=True) == written
    json.dumps(written, ensure_ascii=False).encode()


# --- bytes -------------------------------------------------------------------------------------------------------


@fuzzed(200)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:0123456789eE+-. \\untrfalse', max_size=60).map(str.encode))
def test_any_bytes_are_a_value_or_what_is_wrong_with_them(body: bytes) -> None:
    value, problem = parse_json(body)
    assert problem in (None, "not JSON", "JSON nested too deeply")
    assert problem is None or value is None
    for answer in EVERY.values():
        for kind in ("application/json", "text/vtt", "text/html"):
            read(answer, body, Content_Type=kind)
    assert isinstance(failure(raw(500, body)), StreamError)


@fuzzed(200)
@given(json_values)
def test_json_comes_back_as_it_was_written(value: Any) -> None:
    try:
        body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:  # half a surrogate pair, or no number: not JSON
        body = json.dumps(value).encode()
        assert parse_json(body) == (None, "not JSON")
        return
    try:
        wanted = as_read(value)
    except OverflowError:
        assert parse_json(body) == (None, "not JSON")
    else:
        assert parse_json(body) == (wanted, None)


def as_read(value: Any) -> Any:
    """Give the value as other languages have it: a whole number that 64 bits do not hold is a float."""
    if isinstance(value, dict):
        return {key: as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return list(map(as_read, value))
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value


START = b'{"success": true, "result": {"uid": "a", "created": "2024-01-01T00:00:00Z", "later": '
BOUNDS = {
    "half a pair": START + b'"\\ud800"}}',
    "half a pair in a name": START + b'{"\\uDC00": 1}}}',
    "a number that is none": START + b"NaN}}",
    "without end": START + b"-Infinity}}",
    "a number beyond all bounds": START + b"1e999}}",
    "digits beyond all bounds": START + b"9" * 4301 + b"}}",
    "more digits than a float has": START + b"9" * 400 + b"}}",
    "65 deep": START + b"[" * 65 + b"]" * 65 + b"}}",
    "65 deep in objects": START + b'{"a":' * 65 + b"1" + b"}" * 65 + b"}}",
    "500 deep": START + b"[" * 500 + b"]" * 500 + b"}}",
    "deeper than parsers go": START + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "a mark of the byte order": b"\xef\xbb\xbf" + START + b"1}}",
    "UTF-16": (START + b"1}}").decode().encode("utf-16"),
    "UTF-32": (START + b"1}}").decode().encode("utf-32-le"),
    "Latin-1": START + b'"caf\xe9"}}',
    "a trailing comma": START + b"1},}",
    "two documents": START + b"1}}{}",
    "cut off": START + b"1",
    "a null byte": START + b'"a\0b"}}',
}


@pytest.mark.parametrize("name", BOUNDS)
def test_what_is_no_json_or_beyond_its_bounds_is_a_decode_error(name: str) -> None:
    assert type(read(one(Video), BOUNDS[name])) is DecodeError


def test_what_is_within_the_bounds_is_read_and_can_be_worked_with() -> None:
    for later in (b'"\\ud83d\\ude00"', b"[" * 60 + b"]" * 60, b"1e308", b"9" * 18, b"9" * 40, b'"\\\\ud800"'):
        made = read(one(Video), START + later + b"}}")
        assert type(made) is Video
        use(made)


def test_of_two_fields_of_one_name_the_last_counts() -> None:
    body = b'{"success": true, "result": {"uid": "a", "created": "2024-01-01T00:00:00Z", "uid": "b"}, "success": false}'
    assert read(one(Video), body).__class__.__name__ == "APIError"
    assert parse_json(body)[0]["result"]["uid"] == "b"


# --- envelopes ---------------------------------------------------------------------------------------------------

envelopes = changed({"success": True, "errors": [], "messages": [], "result": video(), "total": "5", "range": 5})
refusals = changed({"success": False, "errors": [{"code": 10003, "message": "Not Found"}], "result": None})


@fuzzed(200)
@given(envelopes, st.sampled_from(sorted(EVERY)))
def test_any_envelope_gives_a_value_that_can_be_used_or_an_error(envelope: Any, name: str) -> None:
    body = json.dumps(envelope).encode("utf-8", "surrogatepass")
    kind = "text/vtt" if name == "text" else "application/json"
    made = read(EVERY[name], body, Content_Type=kind, stream_media_id=UID, Location="https://u.example/x")
    if name == "one" and isinstance(made, Video):
        use(made)
    if name == "many" and not isinstance(made, StreamError):
        assert made.total is None or isinstance(made.total, int)
        for place in range(len(made.items)):
            try:
                use(made.item(place))
            except DecodeError:
                continue


@fuzzed(200)
@given(refusals, st.sampled_from([200, 400, 401, 404, 429, 500, 520, 999]))
def test_any_refusal_is_an_error_in_one_printable_line(envelope: Any, status: int) -> None:
    with soon():
        error = failure(raw(status, json.dumps(envelope).encode()), ["CANARY"])
    assert "\n" not in str(error)
    assert all(isinstance(code, int) for code in error.codes)
    str(error).encode()


@pytest.mark.parametrize("depth", [300, 900, 990, 1000, 1010, 1020])
@pytest.mark.parametrize("name", ["code", "message"])
def test_a_refusal_of_any_depth_is_an_error(depth: int, name: str) -> None:
    deep = "[" * depth + "]" * depth
    body = f'{{"success": false, "errors": [{{"{name}": {deep}}}]}}'.encode()
    assert isinstance(failure(raw(400, body)), StreamError)


def test_a_message_of_megabytes_takes_no_time() -> None:
    for filler in ("http://", "bearer ", "eyJ ", '"pem":"', "-----BEGIN ", '\\"token\\":\\"'):
        body = json.dumps({"success": False, "errors": [{"code": 1, "message": filler * 200_000}]}).encode()
        with soon():
            assert len(str(failure(raw(400, body)))) < 1000
