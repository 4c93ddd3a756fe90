"""``errors``: the tree, and that nothing of an error is lost on the way through pickle and copy."""

import builtins
import copy
import inspect
import pickle
from typing import Any

import pytest

from cfstream import errors
from cfstream.errors import CODES, StreamError, error_class

CONTEXT: dict[str, Any] = {
    "request": "GET /accounts/{account_id}/stream/{identifier}",
    "status": 503,
    "codes": (10005, "ERR_UNKNOWN"),
    "ray_id": "8a1b-FRA",
    "attempts": 4,
    "retryable": True,
}
OWN: dict[str, dict[str, Any]] = {
    "TransportError": {"sent": False},
    "RequestTimeoutError": {"sent": False},
    "RedirectError": {"sent": False},
    "AmbiguousResultError": {"since": 1_800_000_000.5},
    "RateLimitError": {"retry_at": 1_800_000_310.0},
    "UploadError": {"uid": "ea" * 16, "offset": 52_428_800},
    "FileChangedError": {"uid": "ea" * 16, "offset": 52_428_800},
    "EncodingFailedError": {"uid": "ea" * 16},
    "WaitTimeoutError": {"uid": "ea" * 16, "state": "queued"},
}
CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, StreamError)]
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)


def made(cls: type[StreamError]) -> StreamError:
    return cls("it broke", **CONTEXT, **OWN.get(cls.__name__, {}))


@each_class
def test_nothing_is_lost_through_pickle_and_copy(cls: type[StreamError]) -> None:
    error = made(cls)
    error.add_note("seen in the night")
    if isinstance(error, errors.APIError):
        error.retry_after, error.should_retry = 1.5, False
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is cls
        assert again.args == error.args
        assert vars(again) == vars(error)
        assert str(again) == str(error)


@each_class
def test_what_is_given_can_be_read(cls: type[StreamError]) -> None:
    error = made(cls)
    for name, value in {**CONTEXT, **OWN.get(cls.__name__, {})}.items():
        assert getattr(error, name) == value


@each_class
def test_an_error_reads_as_one_line_that_says_where_how_often_and_what_support_asks(cls: type[StreamError]) -> None:
    line = "it broke (GET /accounts/{account_id}/stream/{identifier}, attempts: 4, cf-ray: 8a1b-FRA)"
    assert str(made(cls)) == line
    assert str(cls("it broke")) == "it broke"
    assert str(cls("it broke", attempts=1)) == "it broke"


@each_class
def test_every_name_ends_in_error_and_every_class_says_what_it_is(cls: type[StreamError]) -> None:
    assert cls.__name__.endswith("Error")
    assert cls.__doc__
    assert not hasattr(builtins, cls.__name__)


@each_class
def test_every_class_stands_in_the_drawing_of_the_tree(cls: type[StreamError]) -> None:
    assert errors.__doc__
    assert f" {cls.__name__} " in errors.__doc__.replace("\n", " \n ") + " "


@pytest.mark.parametrize(
    ("cls", "also"),
    [
        (errors.InvalidInputError, ValueError),
        (errors.UnknownKeywordError, ValueError),
        (errors.UnknownKeywordError, TypeError),
        (errors.RequestTimeoutError, TimeoutError),
        (errors.RequestTimeoutError, errors.TransportError),
        (errors.WaitTimeoutError, TimeoutError),
        (errors.RedirectError, errors.TransportError),
        (errors.FileChangedError, errors.UploadError),
        (errors.RateLimitError, errors.APIError),
    ],
)
def test_some_are_also_what_python_calls_them(cls: type[StreamError], also: type[Exception]) -> None:
    assert issubclass(cls, also)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (409, "ConflictError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (503, "InternalServerError"),
        (520, "InternalServerError"),
        (402, "APIError"),
        (413, "APIError"),
        (424, "APIError"),
    ],
)
def test_the_class_goes_by_the_status(status: int, name: str) -> None:
    assert error_class(status).__name__ == name


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CODES[10000] = CODES[10003]  # type: ignore[index]  # refused on purpose


def test_an_empty_error_still_has_a_name() -> None:
    error = StreamError("x")
    error.args = ()
    assert str(error) == "StreamError"
