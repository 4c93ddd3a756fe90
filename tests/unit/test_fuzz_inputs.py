"""Anything as an argument: what is taken can be sent, what is not is refused by an error of the library."""

import json
import re
import string
from typing import Any, get_type_hints

import pytest
from fuzz_kit import Odd, anything, fuzzed, nested, soon, texts
from hypothesis import given
from hypothesis import strategies as st
from unit_kit import ACCOUNT, UID
from yarl import URL

from cfstream import AccessRule, InvalidInputError, RetryPolicy, Stream
from cfstream._files import check_png, check_vtt
from cfstream._params import Encoded
from cfstream._raw import raw_request
from cfstream._session import checked_base_url
from cfstream.endpoints import ROWS

KEYWORDS = {name: get_type_hints(row.takes.params) for name, row in ROWS.items() if row.takes is not None}
IDS = {"language": "en", "download_type": "default"}


def ids_of(path: str) -> dict[str, str]:
    names = (name for _, name, _, _ in string.Formatter().parse(path) if name and name != "account_id")
    return {name: IDS.get(name, UID) for name in names}


def sendable(encoded: Encoded) -> None:
    """See that what became of the keywords can go over the wire."""
    for name, value in (encoded.headers or {}).items():
        assert name.isascii()
        assert not set(value) & set("\r\n\0")
        value.encode()
    for name, value in (encoded.query or {}).items():
        (name + value).encode()
    for part in encoded.parts:
        assert part.filename is None or part.filename.isprintable()
    if encoded.body is not None:
        json.loads(encoded.body)


def refused(error: InvalidInputError) -> None:
    """See that the refusal is one short line that can be printed."""
    assert "\n" not in str(error)
    assert len(str(error)) < 1500
    str(error).encode()


# --- keywords ----------------------------------------------------------------------------------------------------


@fuzzed(600)
@given(st.sampled_from(sorted(KEYWORDS)), st.data())
def test_any_value_of_any_keyword_can_be_sent_or_is_refused(name: str, data: st.DataObject) -> None:
    row = ROWS[name]
    params = data.draw(st.dictionaries(st.sampled_from(sorted(KEYWORDS[name])), anything, min_size=1, max_size=3))
    with soon():
        try:
            made = row(params, **ids_of(row.path))
        except InvalidInputError as error:
            refused(error)
            return
    sendable(made.encoded)


WORST = [Odd(), nested(3000), {"a": nested(3000)}, 10**5000, -(10**5000), [10**5000], "\ud800", b"\xff", float("nan")]


@pytest.mark.parametrize("name", KEYWORDS)
def test_the_worst_values_of_every_keyword_are_refused_or_can_be_sent(name: str) -> None:
    row = ROWS[name]
    for keyword in KEYWORDS[name]:
        for value in WORST:
            try:
                made = row({keyword: value}, **ids_of(row.path))
            except InvalidInputError as error:
                refused(error)
            else:
                sendable(made.encoded)


@fuzzed(200)
@given(st.sampled_from(sorted(KEYWORDS)), texts)
def test_any_keyword_that_is_none_is_refused(name: str, keyword: str) -> None:
    row, params = ROWS[name], {keyword: 1}
    if keyword in KEYWORDS[name]:
        return
    with pytest.raises(InvalidInputError) as caught:
        row(params, **ids_of(row.path))
    refused(caught.value)


@fuzzed(150)
@given(anything, anything, anything, anything)
def test_any_rule_of_access_is_made_or_refused(kind: Any, action: Any, country: Any, ip: Any) -> None:
    for given_kind, given_action in ((kind, action), ("any", "allow")):
        try:
            rule = AccessRule(given_kind, given_action, country=country, ip=ip)  # type: ignore[arg-type]  # anything is given
        except InvalidInputError as error:
            refused(error)
        else:
            assert {rule.type, rule.action} <= {"any", "ip.src", "ip.geoip.country", "allow", "block"}


def test_a_rule_of_one_number_is_refused_as_such() -> None:
    for value in (5, [5], nested(3000), 10**5000, Odd()):
        with pytest.raises(InvalidInputError):
            AccessRule("any", "allow", country=value)  # type: ignore[arg-type]  # refused on purpose


# --- where requests go -------------------------------------------------------------------------------------------

odd_paths = st.text(alphabet="/a.%2eE5cC0dAf?#\\@:;{}account_id\r\n\t \u00e4\ud800", max_size=25)


@pytest.mark.parametrize("place", ["identifier", "live_input_identifier", "audio_identifier", "output_identifier"])
@fuzzed(100)
@given(value=anything | odd_paths)
def test_any_id_stands_in_the_path_as_it_is_or_is_refused(place: str, value: Any) -> None:
    row = next(row for row in ROWS.values() if place in ids_of(row.path))
    try:
        row(**{**ids_of(row.path), place: value})
    except InvalidInputError as error:
        refused(error)
    else:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value)


@fuzzed(300)
@given(odd_paths.map(lambda text: f"/{text}") | odd_paths | anything)
def test_any_raw_path_stays_below_the_base_or_is_refused(path: Any) -> None:
    base = "https://api.cloudflare.com/client/v4"
    try:
        made = raw_request("GET", path, query=None, json=None, data=None)
    except InvalidInputError as error:
        refused(error)
        return
    filled = made.endpoint.path.format(account_id=ACCOUNT)
    sent = URL(f"{base}{filled}", encoded=True)
    assert (sent.scheme, sent.host, sent.raw_query_string, sent.raw_fragment) == ("https", "api.cloudflare.com", "", "")
    assert sent.raw_path == f"/client/v4{filled}"
    assert sent.raw_path.isascii()
    assert sent.raw_path.isprintable()
    # also for whoever undoes the escapes, once or twice
    assert URL(str(sent)).path.startswith("/client/v4/")
    assert ".." not in sent.path.split("/")


@fuzzed(300)
@given(anything, anything, anything, anything)
def test_any_raw_request_can_be_sent_or_is_refused(method: Any, query: Any, value: Any, data: Any) -> None:
    for verb, sent in ((method, value), ("POST", None), ("POST", value)):
        try:
            made = raw_request(verb, "/x", query=query, json=sent, data=data)
        except InvalidInputError as error:
            refused(error)
        else:
            assert made.encoded.body is None or isinstance(made.encoded.body, bytes)
            if sent is not None:
                sendable(made.encoded)


odd_addresses = (
    st.from_regex(r"https?://[a-z0-9.\[\]:@%+]{0,15}(/[a-z.%{}\\]{0,9})?[?#]?", fullmatch=True)
    | st.text(alphabet="htps:/.a1@?#[]%\\\r\n\t \0\u00e4\u2028\ud800", max_size=25)
    | odd_paths.map(lambda text: f"https://h{text}")
)


@fuzzed(300)
@given(odd_addresses | anything)
def test_any_base_leads_to_one_host_in_plain_characters_or_is_refused(base: Any) -> None:
    try:
        address = checked_base_url(base)
    except InvalidInputError as error:
        refused(error)
        return
    sent = URL(f"{address}/accounts/{ACCOUNT}/stream", encoded=True)
    assert sent.scheme in ("http", "https")
    assert sent.host
    assert (sent.user, sent.password, sent.raw_query_string, sent.raw_fragment) == (None, None, "", "")
    assert sent.raw_path.isascii()
    assert sent.raw_path.isprintable()
    assert " " not in sent.raw_path
    assert sent.raw_path.endswith(f"/accounts/{ACCOUNT}/stream")


@fuzzed(200)
@given(
    st.dictionaries(
        st.sampled_from(["api_token", "account_id", "api_key", "api_email", "base_url", "timeout"]),
        anything,
        min_size=1,
    )
)
def test_any_setting_of_the_client_is_taken_or_refused(options: dict[str, Any]) -> None:
    settings = {"account_id": ACCOUNT, **options}
    if "api_key" not in options and "api_email" not in options:
        settings.setdefault("api_token", "token")
    try:
        Stream(**settings)
    except InvalidInputError as error:
        refused(error)


@pytest.mark.parametrize("name", ["attempts", "base", "cap", "max_retry_after", "response_timeout"])
@fuzzed(50)
@given(value=anything)
def test_any_figure_of_a_policy_is_taken_or_refused(name: str, value: Any) -> None:
    try:
        RetryPolicy(**{name: value})
    except InvalidInputError as error:
        refused(error)


# --- files -------------------------------------------------------------------------------------------------------


@fuzzed(300)
@given(texts, st.binary(max_size=40) | st.binary(max_size=20).map(lambda tail: b"WEBVTT" + tail))
def test_bytes_are_captions_or_a_picture_by_their_beginning_alone(name: str, data: bytes) -> None:
    for check, beginnings in ((check_vtt, (b"WEBVTT", b"\xef\xbb\xbfWEBVTT")), (check_png, (b"\x89PNG\r\n\x1a\n",))):
        try:
            check(name, data)
        except InvalidInputError as error:
            refused(error)
            assert not data.startswith(beginnings)
        else:
            assert data.startswith(beginnings)
