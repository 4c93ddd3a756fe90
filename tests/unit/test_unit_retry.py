"""``_retry``: what a failure says, what may be sent again, and how long to wait."""

import random
import statistics
from typing import Any

import pytest

from cfstream import InvalidInputError, RetryPolicy
from cfstream._retry import Verdict, classify, is_ambiguous, may_repeat, retry_after
from cfstream.endpoints import RetryClass
from cfstream.errors import (
    APIError,
    DecodeError,
    PaginationError,
    RedirectError,
    RequestTimeoutError,
    StreamError,
    TransportError,
    error_class,
)
from cfstream.errors import (
    InvalidInputError as Refused,
)

FINAL, NOT_PROCESSED, AMBIGUOUS, THROTTLED, INVITED, UNREADABLE = Verdict


def answered(status: int, *, after: float | None = None, told: bool | None = None) -> APIError:
    error = error_class(status)("x", status=status)
    error.retry_after, error.should_retry = after, told
    return error


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, FINAL) for status in (400, 401, 403, 404, 405, 409, 410, 411, 413, 415, 422, 424, 501, 505)],
        *[(status, AMBIGUOUS) for status in (408, 425, 500, 502, 503, 504, 520, 524)],
        *[(status, NOT_PROCESSED) for status in (521, 522, 523, 525, 526)],
        (429, THROTTLED),
    ],
)
def test_what_a_status_says(status: int, verdict: Verdict) -> None:
    assert classify(answered(status)) is verdict


def test_a_503_that_says_when_to_come_back_did_nothing() -> None:
    assert classify(answered(503, after=5.0)) is NOT_PROCESSED
    assert classify(answered(503, after=0.0)) is NOT_PROCESSED
    for status in (500, 504, 520, 524):
        assert classify(answered(status, after=5.0)) is AMBIGUOUS


@pytest.mark.parametrize(("status", "verdict"), [(408, UNREADABLE), (429, FINAL), (500, UNREADABLE), (521, FINAL)])
def test_a_server_that_forbids_repeating_is_obeyed_and_a_doubt_stays_one(status: int, verdict: Verdict) -> None:
    assert classify(answered(status, told=False, after=1.0)) is verdict


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (TransportError("refused", sent=False, retryable=True), NOT_PROCESSED),
        (TransportError("reset", retryable=True), AMBIGUOUS),
        (TransportError("TLS", sent=False), FINAL),
        (RequestTimeoutError("silence", retryable=True), AMBIGUOUS),
        (RequestTimeoutError("no connection", sent=False, retryable=True), NOT_PROCESSED),
        (TransportError("no HTTP"), UNREADABLE),
        (RedirectError("elsewhere"), FINAL),
        (DecodeError("HTML", retryable=True), AMBIGUOUS),
        (DecodeError("a field is missing"), FINAL),
        (Refused("x"), FINAL),
        (PaginationError("x"), FINAL),
        (StreamError("x", retryable=True), FINAL),
        (TypeError("a bug"), FINAL),
        (TimeoutError(), FINAL),
        (OSError(), FINAL),
    ],
    ids=lambda value: repr(value) if isinstance(value, Exception) else value.name,
)
def test_what_other_failures_say(error: Exception, verdict: Verdict) -> None:
    assert classify(error) is verdict


REPEATED = {
    RetryClass.READ: {NOT_PROCESSED, AMBIGUOUS, THROTTLED, INVITED},
    RetryClass.SET: {NOT_PROCESSED, AMBIGUOUS, THROTTLED, INVITED},
    RetryClass.DELETE: {NOT_PROCESSED, AMBIGUOUS, THROTTLED, INVITED},
    RetryClass.CREATE: {NOT_PROCESSED, THROTTLED},
    RetryClass.BODY_POST: {NOT_PROCESSED, THROTTLED},
    RetryClass.GENERATE: {NOT_PROCESSED, AMBIGUOUS, THROTTLED, INVITED},
    RetryClass.APPEND: set[Verdict](),
}


@pytest.mark.parametrize("retry", RetryClass)
def test_what_may_be_sent_again_goes_by_the_class(retry: RetryClass) -> None:
    assert {verdict for verdict in Verdict if may_repeat(retry, verdict)} == REPEATED[retry]


@pytest.mark.parametrize("retry", RetryClass)
def test_what_nobody_knows_of_is_said_of_what_must_not_be_repeated_alone(retry: RetryClass) -> None:
    expected = set() if INVITED in REPEATED[retry] else {AMBIGUOUS, UNREADABLE}
    assert {verdict for verdict in Verdict if is_ambiguous(retry, verdict)} == expected


# --- Retry-After -------------------------------------------------------------------------------------------------

NOW = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("0", None, 0.0),
        ("120", None, 120.0),
        (" 1.5 ", None, 1.5),
        ("-5", None, 0.0),
        ("-0", None, 0.0),
        ("1e400", None, None),
        ("nan", None, None),
        ("inf", None, None),
        ("-inf", None, None),
        ("", None, None),
        ("soon", None, None),
        ("12 seconds", None, None),
        ("0x10", None, None),
        ("१२", None, None),
        ("9" * 400, None, None),
        ("Wed, 21 Oct 2026 07:33:00 GMT", NOW, 300.0),
        ("Wednesday, 21-Oct-26 07:33:00 GMT", NOW, 300.0),
        ("Wed, 21 Oct 2026 07:20:00 GMT", NOW, 0.0),
        ("Wed, 21 Oct 2026 09:33:00 +0200", NOW, 300.0),
        ("Wed, 21 Oct 2026 07:33:00 GMT", None, None),
        ("Wed, 21 Oct 2026 07:33:00 GMT", "yesterday", None),
        ("Wed, 32 Oct 2026 07:33:00 GMT", NOW, None),
        ("Wed, 21 Oct 99999 07:33:00 GMT", NOW, None),
    ],
    ids=lambda value: repr(value)[:36],
)
def test_retry_after_is_seconds_or_a_date_against_the_answers_own(
    value: str, date: str | None, seconds: float | None
) -> None:
    headers = {"Retry-After": value, **({"Date": date} if date else {})}
    assert retry_after(headers) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after({"Date": NOW}) is None


# --- waits -------------------------------------------------------------------------------------------------------


def highest(low: float, high: float) -> float:
    assert low == 0.0
    return high


@pytest.mark.parametrize(
    ("failures", "bound", "throttled_bound"),
    [(1, 0.5, 1.0), (2, 1.0, 2.0), (3, 2.0, 4.0), (5, 8.0, 16.0), (6, 8.0, 30.0), (10_000, 8.0, 30.0)],
)
def test_the_bound_doubles_up_to_its_cap(failures: int, bound: float, throttled_bound: float) -> None:
    policy = RetryPolicy()
    assert policy.backoff(failures, highest) == bound
    assert policy.backoff(failures, highest, throttled=True) == throttled_bound


def test_waits_are_spread_over_the_whole_bound() -> None:
    draws = [RetryPolicy().backoff(3, random.Random(seed).uniform) for seed in range(20_000)]
    assert 0 <= min(draws) < 0.01
    assert 1.99 < max(draws) <= 2.0
    assert statistics.fmean(draws) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("name", ["attempts", "base", "cap", "throttle_cap", "max_retry_after", "response_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "3", None, True], ids=repr)
def test_a_policy_takes_numbers_above_zero_only(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"RetryPolicy: {name} must be a number above 0, got {value!r}"):
        RetryPolicy(**{name: value})


def test_the_figures_of_the_default_policy() -> None:
    policy = RetryPolicy()
    assert (policy.attempts, policy.base, policy.cap) == (4, 0.5, 8.0)
    assert (policy.throttle_base, policy.throttle_cap, policy.max_retry_after) == (1.0, 30.0, 310.0)
    assert (policy.connect_timeout, policy.response_timeout) == (10.0, 30.0)
    assert RetryPolicy.none().attempts == 1
