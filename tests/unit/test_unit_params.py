"""``_params``: keywords checked one by one and written as query, headers, JSON or form."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit_kit import PNG, UID, all_words

from cfstream import InvalidInputError, Secret, UnknownKeywordError, endpoints
from cfstream.models import AccessRule

NAIVE = datetime(2024, 5, 1, 12, 30, 15, 5)  # noqa: DTZ001  # naive on purpose
AWARE = datetime(2024, 5, 1, 12, 30, 15, tzinfo=timezone(timedelta(hours=2)))
CANARY = "CANARY-9f8e7d6c5b4a-CANARY"


def edit(**params: Any) -> dict[str, Any]:
    """Give the JSON body that these keywords become."""
    body = endpoints.STREAM_EDIT(params, identifier=UID).encoded.body
    assert body is not None
    sent: dict[str, Any] = json.loads(body)
    return sent


def token(**params: Any) -> dict[str, Any]:
    body = endpoints.TOKEN_CREATE(params, identifier=UID).encoded.body
    assert body is not None
    sent: dict[str, Any] = json.loads(body)
    return sent


def listed(**params: Any) -> dict[str, str]:
    return dict(endpoints.STREAM_LIST(params).encoded.query or {})


# --- unknown, missing, None --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("required_signed_urls", "require_signed_urls"),
        ("requireSignedURLs", "require_signed_urls"),
        ("scheduledDeletion", "scheduled_deletion"),
        ("metadata", "meta"),
    ],
)
def test_a_misspelt_keyword_is_refused_with_the_one_that_was_meant(given: str, meant: str) -> None:
    with pytest.raises(UnknownKeywordError, match=f"^unknown keyword {given}: did you mean {meant}") as caught:
        edit(**{given: True})
    assert isinstance(caught.value, TypeError)
    assert isinstance(caught.value, ValueError)


def test_a_keyword_like_no_other_is_refused_with_all_there_are() -> None:
    with pytest.raises(UnknownKeywordError, match=r"unknown keyword zzz; it takes allowed_origins, creator, .*uid"):
        edit(zzz=1)


def test_a_misspelt_key_of_a_nested_object_is_refused_by_its_path() -> None:
    with pytest.raises(UnknownKeywordError, match=r"unknown keyword public_details\.titel: did you mean title\?"):
        edit(public_details={"titel": "x"})
    with pytest.raises(InvalidInputError):
        edit(public_details={1: "x"})


def test_a_missing_keyword_is_named() -> None:
    with pytest.raises(InvalidInputError, match="missing keyword upload_length"):
        endpoints.STREAM_CREATE({})
    with pytest.raises(InvalidInputError, match="missing keyword file"):
        endpoints.CAPTIONS_LANGUAGE_UPDATE({}, language="en", identifier="ab" * 16)


@pytest.mark.parametrize("given", [{"name": "x"}, {"file": b"x", "url": "https://a.example/logo.png"}])
def test_a_watermark_comes_from_a_file_or_an_address(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"^give either file or url"):
        endpoints.WATERMARKS_CREATE(given)


def test_a_misspelt_keyword_is_told_before_a_missing_one() -> None:
    with pytest.raises(UnknownKeywordError, match=r"^unknown keyword urll: did you mean url\?"):
        endpoints.WATERMARKS_CREATE({"urll": "https://a.example/logo.png"})


def test_what_is_not_to_be_shown_is_not_shown_when_it_is_no_text() -> None:
    with pytest.raises(InvalidInputError, match=r"^input: expected text, got bytes$"):
        endpoints.COPY_CREATE({"input": b"https://a.example/v.mp4?signature=s3cret"})
    with pytest.raises(InvalidInputError, match=r"^url: is not valid Unicode text$"):
        endpoints.LIVE_INPUTS_OUTPUTS_CREATE({"url": "\ud800", "stream_key": "k"}, live_input_identifier="ab" * 16)


@pytest.mark.parametrize("url", ["ftp://a.example/v.mp4", "v.mp4", "https://", "http://[::1", ""])
def test_an_address_the_service_is_to_fetch_is_http_and_never_shown(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^input: must be an http or https address$"):
        endpoints.COPY_CREATE({"input": url})


def test_a_scheduled_deletion_lies_between_a_month_and_three_years_ahead() -> None:
    now = datetime.now(UTC)
    for days in (30, 1096):
        endpoints.COPY_CREATE({"input": "https://a.example", "scheduled_deletion": now + timedelta(days=days)})
    for days in (29, 1097):
        with pytest.raises(InvalidInputError, match=r"^scheduled_deletion: must lie 30 to 1,096 days from now"):
            endpoints.COPY_CREATE({"input": "https://a.example", "scheduled_deletion": now + timedelta(days=days)})
    edit(scheduled_deletion=now + timedelta(days=1))  # the video may be old
    with pytest.raises(InvalidInputError, match=r"^scheduled_deletion: must lie 0 to 1,096 days from now"):
        edit(scheduled_deletion=now - timedelta(days=1))


def test_keywords_that_go_together_are_checked_together() -> None:
    clip = {"clipped_from_video_uid": "ab" * 16, "start_time_seconds": 5}
    endpoints.CLIP_CREATE({**clip, "end_time_seconds": 6})
    with pytest.raises(
        InvalidInputError, match=r"^end_time_seconds: must be greater than start_time_seconds \(5\), not 5"
    ):
        endpoints.CLIP_CREATE({**clip, "end_time_seconds": 5})
    with pytest.raises(InvalidInputError, match=r"^missing keyword input"):
        endpoints.COPY_CREATE({"name": "x"})
    for half in ({"id": "k"}, {"pem": "p"}):
        with pytest.raises(InvalidInputError, match=r"^id and pem go together"):
            endpoints.TOKEN_CREATE(half, identifier="ab" * 16)


def test_a_live_input_is_made_with_a_key_of_its_own_unless_one_is_given() -> None:
    first, second = (endpoints.LIVE_INPUTS_CREATE({}).encoded for _ in range(2))
    assert first.headers
    assert second.headers
    assert len(first.headers["Idempotency-Key"]) == 32
    assert first.headers != second.headers
    assert first.body == b"{}"
    given = endpoints.LIVE_INPUTS_CREATE({"idempotency_key": "mine"}).encoded
    assert given.headers == {"Idempotency-Key": "mine"}
    with pytest.raises(InvalidInputError, match=r"^idempotency_key: line breaks"):
        endpoints.LIVE_INPUTS_CREATE({"idempotency_key": "a\r\nb"})
    with pytest.raises(InvalidInputError, match=r"^idempotency_key: must not be blank"):
        endpoints.LIVE_INPUTS_CREATE({"idempotency_key": " "})


@pytest.mark.parametrize("name", ["creator", "meta", "require_signed_urls", "allowed_origins", "public_details"])
def test_none_is_refused_where_the_service_takes_no_null(name: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name}: None is not accepted; leave the keyword out instead"):
        edit(**{name: None})


def test_none_is_null_where_the_service_takes_it_and_absent_is_absent() -> None:
    assert edit(scheduled_deletion=None) == {"scheduledDeletion": None}
    assert edit(public_details={"title": None}) == {"publicDetails": {"title": None}}
    assert edit() == {}


# --- wrong types -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("creator", 5, "text"),
        ("creator", b"alice", "text"),
        ("require_signed_urls", 1, "True or False"),
        ("require_signed_urls", "true", "True or False"),
        ("max_duration_seconds", 1.5, "a whole number"),
        ("max_duration_seconds", True, "a whole number"),
        ("max_duration_seconds", "60", "a whole number"),
        ("thumbnail_timestamp_pct", "0.5", "a number"),
        ("thumbnail_timestamp_pct", True, "a number"),
        ("thumbnail_timestamp_pct", float("nan"), "a number"),
        ("thumbnail_timestamp_pct", float("inf"), "a number"),
        ("thumbnail_timestamp_pct", Decimal("0.5"), "a number"),
        ("scheduled_deletion", "2024-05-01T00:00:00Z", "a datetime"),
        ("scheduled_deletion", AWARE.date(), "a datetime"),
        ("upload_expiry", 1714552215, "a datetime"),
        ("meta", [("a", 1)], "a mapping"),
        ("meta", "name", "a mapping"),
        ("allowed_origins", "example.com", "a list"),
        ("allowed_origins", {"example.com"}, "a list"),
        ("public_details", "title", "a mapping"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name_value_and_what_is_wanted(
    name: str, value: Any, wanted: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name}: expected {wanted}, got ") as caught:
        edit(**{name: value})
    assert repr(value)[:80] in str(caught.value)


def test_a_wrong_item_is_named_by_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"allowed_origins\[1\]: expected text, got 5"):
        edit(allowed_origins=["a.example", 5])
    with pytest.raises(InvalidInputError, match=r"access_rules\[0\]: expected a AccessRule, got {'type': 'any'}"):
        token(access_rules=[{"type": "any"}])
    with pytest.raises(InvalidInputError, match=r"flags\.original: expected True or False"):
        token(flags={"original": "yes"})


def test_a_word_that_is_no_choice_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidInputError, match=r"status: expected one of 'pendingupload', .*, got 'done'"):
        listed(status="done")
    with pytest.raises(InvalidInputError, match="type: expected one of 'vod', 'live', got 5"):
        listed(type=5)
    with pytest.raises(InvalidInputError, match="position: expected one of"):
        endpoints.WATERMARKS_CREATE({"file": PNG, "position": "middle"})


def test_long_values_are_cut_in_errors() -> None:
    with pytest.raises(InvalidInputError) as caught:
        edit(require_signed_urls="x" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_private_key_of_the_wrong_type_is_not_shown() -> None:
    with pytest.raises(InvalidInputError, match=r"^pem: expected text") as caught:
        token(pem=CANARY.encode())
    assert CANARY not in all_words(caught.value)


def test_a_rule_with_a_single_text_where_a_list_belongs_is_refused() -> None:
    wrong: list[dict[str, Any]] = [{"country": "DE"}, {"ip": "1.2.3.4"}, {"country": [1]}]
    for values in wrong:
        with pytest.raises(InvalidInputError, match="expected a list of texts"):
            AccessRule(type="any", action="block", **values)


@pytest.mark.parametrize(("kind", "action"), [("ip", "allow"), ("any", "deny"), ("any", None), (5, "block")])
def test_a_rule_of_unknown_words_is_refused_because_it_would_let_everybody_in(kind: Any, action: Any) -> None:
    with pytest.raises(InvalidInputError, match="expected one of"):
        token(access_rules=[AccessRule(kind, action)])


# --- limits ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "low", "high"), [("max_duration_seconds", 1, 36000), ("thumbnail_timestamp_pct", 0, 1)]
)
def test_numbers_must_lie_within_the_services_limits(name: str, low: int, high: int) -> None:
    edit(**{name: low})
    edit(**{name: high})
    for value in (low - 1, high + 1):
        with pytest.raises(InvalidInputError, match=f"^{name}: must lie between {low} and {high}, not {value}"):
            edit(**{name: value})


@pytest.mark.parametrize("value", [0, 1001, -5])
def test_a_page_has_1_to_1000_videos(value: int) -> None:
    listed(limit=1000)
    with pytest.raises(InvalidInputError, match=f"limit: must lie between 1 and 1000, not {value}"):
        listed(limit=value)


def test_a_creator_has_at_most_64_characters() -> None:
    assert edit(creator="ä" * 64) == {"creator": "ä" * 64}
    with pytest.raises(InvalidInputError, match="creator: takes at most 64 characters, not 65"):
        edit(creator="ä" * 65)


def test_a_token_has_at_most_five_rules() -> None:
    rules = [AccessRule("any", "block")] * 6
    assert len(token(access_rules=rules[:5])["accessRules"]) == 5
    with pytest.raises(InvalidInputError, match="access_rules: takes at most 5 items, not 6"):
        token(access_rules=rules)


def test_numbers_too_large_for_a_float_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="thumbnail_timestamp_pct"):
        edit(thumbnail_timestamp_pct=10**400)


# --- times -------------------------------------------------------------------------------------------------------


def test_a_naive_datetime_is_refused_with_the_way_out() -> None:
    with pytest.raises(InvalidInputError, match=r"start: 2024-05-01T12:30:15.000005 has no time zone") as caught:
        listed(start=NAIVE)
    assert "tzinfo=datetime.UTC" in str(caught.value)


def test_an_aware_datetime_is_sent_in_utc() -> None:
    assert listed(start=AWARE) == {"start": "2024-05-01T10:30:15Z"}
    assert edit(upload_expiry=AWARE) == {"uploadExpiry": "2024-05-01T10:30:15Z"}


# --- free metadata -----------------------------------------------------------------------------------------------


def test_keys_of_meta_are_never_renamed() -> None:
    meta = {"snake_key": 1, "requireSignedURLs": "x", "deep": {"a_b": [1, None, True]}}
    assert edit(meta=meta) == {"meta": meta}


def test_times_and_secrets_in_meta_are_written_out() -> None:
    assert edit(meta={"at": AWARE.astimezone(UTC), "key": Secret(CANARY), "pair": (1, 2)}) == {
        "meta": {"at": "2024-05-01T10:30:15Z", "key": CANARY, "pair": [1, 2]}
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"bytes"], ids=repr)
def test_meta_that_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^meta: not JSON: "):
        edit(meta={"a": [value]})


def test_meta_that_holds_itself_is_refused() -> None:
    meta: dict[str, Any] = {}
    meta["self"] = meta
    with pytest.raises(InvalidInputError, match=r"^meta: "):
        edit(meta=meta)


# --- writing -----------------------------------------------------------------------------------------------------


def test_flags_in_the_query_are_words() -> None:
    assert listed(asc=True, include_counts=False, limit=5) == {"asc": "true", "include_counts": "false", "limit": "5"}


def test_a_form_has_the_file_first_and_the_fields_as_text() -> None:
    request = endpoints.WATERMARKS_CREATE({"name": "n", "opacity": 0.5, "file": PNG, "scale": 1})
    file, *fields = request.encoded.parts
    assert (file.name, file.filename, file.content_type, file.data) == ("file", "file", "image/png", PNG)
    assert [(part.name, part.data) for part in fields] == [("name", "n"), ("opacity", "0.5"), ("scale", "1")]


def test_rules_of_a_token_are_sent_without_what_they_do_not_say() -> None:
    sent = token(access_rules=(AccessRule("ip.src", "block", ip=["1.2.3.0/24"]),), exp=5)
    assert sent == {"accessRules": [{"type": "ip.src", "action": "block", "ip": ["1.2.3.0/24"]}], "exp": 5}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
edit_names = ["allowed_origins", "creator", "max_duration_seconds", "meta", "public_details", "scheduled_deletion"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*edit_names, "thumbnail_timestamp_pct", "other"]), anything, min_size=1))
def test_whatever_is_given_is_encoded_or_refused_by_name(params: dict[str, Any]) -> None:
    try:
        sent = edit(**params)
    except InvalidInputError as error:
        assert any(name in str(error) for name in params)  # noqa: PT017  # refusals are one of the two good ends
    else:
        json.dumps(sent, allow_nan=False)
