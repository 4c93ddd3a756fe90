"""``_answers``: envelopes, raw text and headers, read to a value or an error."""

import json
from typing import Any

import pytest
from unit_kit import TOKEN, UID, all_words, envelope, raw, refusal, video

from cfstream import APIError, BadRequestError, DecodeError, Secret, Video, errors, models
from cfstream._answers import failure, is_failure, many, nothing, one, text, tus_upload

BROKEN = {
    "nothing at all": b"",
    "HTML": b"<!DOCTYPE html><html><body>Sign in to the hotel network</body></html>",
    "half a JSON": envelope(video())[:-20],
    "a list": b"[1, 2]",
    "a text": b'"fine"',
    "null": b"null",
    "NaN": b'{"success": true, "result": NaN}',
    "binary": bytes(range(256)),
    "deep": b'{"result":' + b"[" * 100_000,
}


# --- one object --------------------------------------------------------------------------------------------------


def test_one_object_is_read_out_of_the_envelope() -> None:
    made = one(Video).read(raw(200, envelope(video(size=5))))
    assert (made.uid, made.size) == (UID, 5)


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("answer", [one(Video), many(Video)], ids=["one", "many"])
def test_a_body_that_is_no_envelope_is_a_decode_error_worth_another_try(answer: Any, body: bytes) -> None:
    with pytest.raises(DecodeError, match="status 200, not") as caught:
        answer.read(raw(200, body))
    assert caught.value.retryable
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("result", [None, [], "ok", 5])
def test_an_envelope_without_the_object_is_a_decode_error(result: Any) -> None:
    with pytest.raises(DecodeError, match="Video: expected an object"):
        one(Video).read(raw(200, envelope(result)))


def test_an_object_of_the_wrong_shape_is_not_worth_another_try() -> None:
    with pytest.raises(DecodeError) as caught:
        one(Video).read(raw(200, envelope({"uid": UID})))
    assert not caught.value.retryable


def test_success_false_is_a_failure_whatever_the_status() -> None:
    for answer in (one(Video), many(Video), nothing(), text("text/vtt")):
        response = raw(200, refusal((10003, "Not Found")), Content_Type="application/json", cf_ray="8a-FRA")
        with pytest.raises(APIError, match="10003 Not Found") as caught:
            answer.read(response)
        assert caught.value.codes == (10003,)
        assert caught.value.status == 200
        assert caught.value.ray_id == "8a-FRA"


def test_a_missing_success_is_no_failure() -> None:
    assert one(Video).read(raw(200, json.dumps({"result": video()}).encode())).uid == UID


# --- lists -------------------------------------------------------------------------------------------------------


def test_a_list_makes_its_objects_only_when_asked() -> None:
    page = many(Video).read(raw(200, envelope([video(), {"uid": "no created"}])))
    assert page.item(0).uid == UID
    with pytest.raises(DecodeError, match="created"):
        page.item(1)


def test_null_is_an_empty_list() -> None:
    assert many(Video).read(raw(200, envelope(None))).items == []


@pytest.mark.parametrize("result", [{}, "x", 5, [1], [None], [video(), "x"], {"videos": []}])
def test_a_list_that_is_none_is_a_decode_error(result: Any) -> None:
    with pytest.raises(DecodeError, match=r"Video: expected a list of objects @ \$\.result"):
        many(Video).read(raw(200, envelope(result)))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (35586, 35586),
        ("35586", 35586),
        ("0", 0),
        (None, None),
        ("many", None),
        ("-5", None),
        ("", None),
        ([], None),
        (1.5, None),
        ("9" * 5000, None),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_counts_may_be_numbers_or_text(given: Any, read: int | None) -> None:
    page = many(Video).read(raw(200, envelope([], total=given, range=given)))
    assert (page.total, page.range) == (read, read)


# --- text --------------------------------------------------------------------------------------------------------


def test_text_is_the_body_as_it_stands() -> None:
    body = "WEBVTT\n\n00:00.000 --> 00:01.000\nGrüße\n"
    for kind in ("text/vtt", "text/vtt; charset=utf-8"):
        assert text("text/vtt").read(raw(200, body.encode(), Content_Type=kind)) == body


def test_text_of_another_kind_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="expected text/vtt, got text/html: <html>Sign in"):
        text("text/vtt").read(raw(200, b"<html>Sign in", Content_Type="text/html"))
    with pytest.raises(DecodeError, match="expected text/vtt, got no content type: an empty body"):
        text("text/vtt").read(raw(200))
    with pytest.raises(DecodeError, match="expected text/vtt, got application/json"):
        text("text/vtt").read(raw(200, envelope(None), Content_Type="application/json"))


def test_text_that_is_not_utf8_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="in UTF-8") as caught:
        text("text/vtt").read(raw(200, b"WEBVTT \xff", Content_Type="text/vtt"))
    assert caught.value.__cause__ is caught.value.__context__ is None


# --- nothing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b'""', b'"ok"', envelope(""), envelope(None)])
def test_an_answer_of_no_use_is_not_looked_into(body: bytes) -> None:
    nothing().read(raw(200, body))


def test_a_page_of_html_is_not_the_answer_to_a_delete() -> None:
    with pytest.raises(DecodeError) as caught:
        nothing().read(raw(200, BROKEN["HTML"], Content_Type="text/html"))
    assert caught.value.retryable


# --- headers of a new upload -------------------------------------------------------------------------------------


def test_a_new_upload_is_read_from_its_headers_in_any_case() -> None:
    made = tus_upload().read(raw(201, LOCATION="https://x/tus/abc?tusv2=true", Stream_Media_ID=UID))
    assert (made.uid, made.upload_url) == (UID, "https://x/tus/abc?tusv2=true")
    assert isinstance(made.upload_url, Secret)


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        ({}, "stream-media-id"),
        ({"Location": "https://x/y"}, "stream-media-id"),
        ({"stream_media_id": UID}, "Location"),
        ({"stream_media_id": "", "Location": "https://x/y"}, "stream-media-id"),
        ({"stream_media_id": UID, "Location": ""}, "Location"),
    ],
)
def test_a_new_upload_without_its_headers_is_a_decode_error(headers: dict[str, str], missing: str) -> None:
    with pytest.raises(DecodeError, match=f"required header missing: {missing}") as caught:
        tus_upload().read(raw(201, **headers))
    assert "https://x/y" not in str(caught.value)


# --- failures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "failed"), [(200, False), (204, False), (399, False), (400, True), (599, True)])
def test_from_400_on_a_status_is_a_failure(status: int, *, failed: bool) -> None:
    assert is_failure(status) == failed


def test_a_failure_says_status_codes_messages_and_what_to_do() -> None:
    error = failure(raw(403, refusal((10000, "Authentication error"), (9109, "Invalid")), cf_ray="8a1b-FRA"))
    assert isinstance(error, errors.PermissionDeniedError)
    assert str(error).startswith("403 Forbidden: 10000 Authentication error; 9109 Invalid; check that the API token")
    assert (error.status, error.codes, error.ray_id) == (403, (10000, 9109), "8a1b-FRA")
    assert "cf-ray: 8a1b-FRA" in str(error)


def test_long_messages_and_many_of_them_are_cut() -> None:
    error = failure(raw(400, refusal(*[(10005, "x" * 5000)] * 50)))
    assert len(str(error)) < 1000
    assert error.codes == (10005,) * 50
    assert len(str(failure(raw(502, b"y" * 100_000)))) < 300


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"[]", b'{"errors": "no"}', b'{"errors": [5]}'])
def test_a_failure_without_an_envelope_shows_what_came(body: bytes) -> None:
    error = failure(raw(502, body))
    assert isinstance(error, errors.InternalServerError)
    assert str(error).startswith("502 Bad Gateway: ")
    assert (body.decode() or "an empty body") in str(error)
    assert error.codes == ()


def test_entries_of_odd_shapes_do_not_matter() -> None:
    entries: list[Any] = [{"code": "x", "message": None}, {}, None, {"code": 7003, "message": "Could not route"}]
    error = failure(raw(404, json.dumps({"errors": entries}).encode()))
    assert isinstance(error, errors.NotFoundError)
    assert error.codes == (7003,)
    assert "Could not route" in str(error)


def test_statuses_of_the_edge_have_a_name_too() -> None:
    assert str(failure(raw(520))).startswith("520 from the edge: an empty body")


def test_an_answer_that_repeats_the_credentials_does_not_show_them() -> None:
    for body in (refusal((10000, f"token {TOKEN} is not valid")), f"you sent Authorization: Bearer {TOKEN}".encode()):
        error = failure(raw(401, body), [TOKEN])
        assert TOKEN not in all_words(error)
        assert "***" in str(error)


def test_control_characters_do_not_reach_the_terminal() -> None:
    error = failure(raw(400, refusal((10005, "a\x1b[31mb\r\nc"))))
    assert str(error).isprintable()


def test_an_entry_among_the_errors_is_a_failure_whatever_else_the_answer_says() -> None:
    body = json.dumps({"success": True, "errors": [{"code": 10005, "message": "in use"}], "result": "ok"}).encode()
    for answer in (nothing(), one(Video), many(Video)):
        with pytest.raises(BadRequestError, match="200 OK: 10005 in use"):
            answer.read(raw(200, body))


@pytest.mark.parametrize("result", [[{"uid": "a"}], {"audio": [{"uid": "a"}], "total": 7}, {"audio": None}, {}, None])
def test_a_list_may_stand_inside_an_object(result: Any) -> None:
    page = many(models.Audio, inside="audio").read(raw(200, envelope(result)))
    expected = ["a"] if result and "uid" in str(result) else []
    assert [page.item(place).uid for place in range(len(page.items))] == expected
    assert page.total == (7 if "total" in (result or ()) else None)


@pytest.mark.parametrize("result", [{"audio": {}}, {"audio": [5]}, 5, "x", [None]])
def test_a_list_inside_an_object_must_be_one(result: Any) -> None:
    with pytest.raises(DecodeError, match="expected a list of objects"):
        many(models.Audio, inside="audio").read(raw(200, envelope(result)))
