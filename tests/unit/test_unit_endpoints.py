"""``endpoints``: what may stand in a path, and what a row makes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from unit_kit import UID

from cfstream import InvalidInputError, endpoints
from cfstream.endpoints import Request

ROWS_WITH_ID: dict[str, Callable[[str], Request[Any]]] = {
    "get": lambda value: endpoints.STREAM_GET(identifier=value),
    "edit": lambda value: endpoints.STREAM_EDIT({}, identifier=value),
    "delete": lambda value: endpoints.STREAM_DELETE(identifier=value),
    "token": lambda value: endpoints.TOKEN_CREATE({}, identifier=value),
    "vtt": lambda value: endpoints.CAPTIONS_LANGUAGE_VTT_GET(identifier=value, language="en"),
}


@pytest.mark.parametrize("make", ROWS_WITH_ID.values(), ids=ROWS_WITH_ID)
@pytest.mark.parametrize(
    "value",
    ["", ".", "..", "a/b", "../x", "a?b", "a#b", "a b", "%2e%2e", "a%2fb", "a\n", "a\0", "ä", "a" * 65, "a\\b", "*"],
    ids=repr,
)
def test_what_would_lead_the_path_elsewhere_is_refused(make: Callable[[str], Request[Any]], value: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^identifier: ") as caught:
        make(value)
    assert "\n" not in str(caught.value)
    assert "give 1 to 64 letters, digits, - or _" in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"abc", ["x"]], ids=repr)
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"^identifier: "):
        endpoints.STREAM_GET(identifier=value)


@pytest.mark.parametrize("word", ["webhook", "keys", "clip", "copy", "live_inputs", "storage-usage", "watermarks"])
def test_a_word_of_the_apis_own_paths_is_no_uid(word: str) -> None:
    for row in (endpoints.STREAM_DELETE, endpoints.STREAM_EDIT, endpoints.STREAM_GET):
        with pytest.raises(
            InvalidInputError, match=f"^identifier: '{word}' is a part of the API of its own, not a uid"
        ):
            row(identifier=word)


def test_a_value_of_ten_thousand_characters_is_not_repeated() -> None:
    with pytest.raises(InvalidInputError) as caught:
        endpoints.STREAM_GET(identifier="a" * 10_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("language", ["en", "deu", "pt-BR", "zh-Hant-TW", "es-419"])
def test_language_tags_are_taken(language: str) -> None:
    request = endpoints.CAPTIONS_LANGUAGE_VTT_GET(identifier=UID, language=language)
    assert request.values == {"identifier": UID, "language": language}


def test_a_uid_in_place_of_the_language_is_refused_with_the_right_call() -> None:
    with pytest.raises(InvalidInputError, match=rf'\("en", identifier="{UID}"\)'):
        endpoints.CAPTIONS_LANGUAGE_VTT_GET(identifier="en", language=UID)
    with pytest.raises(InvalidInputError, match=rf'\("en", identifier="{UID}"\)'):
        endpoints.CAPTIONS_LANGUAGE_UPDATE({"file": b"WEBVTT"}, identifier=UID, language=UID)


def test_a_language_in_place_of_the_uid_is_refused_with_the_right_call() -> None:
    with pytest.raises(InvalidInputError, match=r'looks like a language.*\("en", identifier="<uid>"\)'):
        endpoints.CAPTIONS_LANGUAGE_VTT_GET(identifier="pt-BR", language="en")


def test_a_short_name_may_be_an_identifier_where_no_language_is_taken() -> None:
    assert endpoints.STREAM_GET(identifier="abc").values == {"identifier": "abc"}


@pytest.mark.parametrize("language", ["english", "e", "en_US", "12", "a" * 32])
def test_what_is_no_language_tag_is_refused(language: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a language tag"):
        endpoints.CAPTIONS_LANGUAGE_VTT_GET(identifier=UID, language=language)


def test_a_row_names_the_call_by_its_template() -> None:
    request = endpoints.STREAM_GET(identifier=UID)
    assert request.endpoint.row == "GET /accounts/{account_id}/stream/{identifier}"
    assert UID not in request.endpoint.row


def test_ids_come_before_the_keywords_are_looked_at() -> None:
    with pytest.raises(InvalidInputError, match=r"^identifier: "):
        endpoints.STREAM_EDIT({"nonsense": 1}, identifier="..")
