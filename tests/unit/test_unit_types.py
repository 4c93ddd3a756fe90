"""``_types`` and ``_redact``: what keeps secrets out of sight, and the small shared types."""

import asyncio
import copy
import logging
import pickle
import time
import traceback

import pytest

from cfstream import Secret
from cfstream._redact import excerpt, redact
from cfstream._types import ABSENT, Absent, SystemClock

LONG = "CANARY-0123456789-tail"


def test_a_secret_is_a_str_that_only_its_repr_masks() -> None:
    secret = Secret(LONG)
    assert secret == LONG
    assert f"{secret}" == str(secret) == LONG
    assert repr(secret) == "Secret('***tail')"
    assert secret.masked == "***tail"


@pytest.mark.parametrize("short", ["", "x", "elevenchars"])
def test_of_a_short_secret_nothing_is_shown(short: str) -> None:
    assert repr(Secret(short)) == "Secret('***')"


def test_containers_and_log_arguments_show_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(LONG)
    logging.getLogger("somebody").warning("made %r and %s", secret, [secret])
    assert LONG not in caplog.text
    assert LONG not in repr({"k": (secret,)})


def test_a_traceback_with_locals_shows_the_mask() -> None:
    secret = Secret("CANARY" + "-0123456789-tail")
    try:
        _ = secret.no_such_name  # type: ignore[attr-defined]  # fails on purpose
    except AttributeError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "***tail" in shown
    assert LONG not in shown


def test_a_secret_survives_pickle_and_copy() -> None:
    secret = Secret(LONG)
    for again in (pickle.loads(pickle.dumps(secret)), copy.copy(secret), copy.deepcopy(secret)):
        assert type(again) is Secret
        assert again == LONG


def test_absent_is_one_thing_that_says_its_name() -> None:
    assert list(Absent) == [ABSENT]
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert repr(ABSENT) == "ABSENT"


async def test_the_system_clock_is_the_machines() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)
    assert clock.monotonic() - before >= 0.001
    assert abs(clock.time() - time.time()) < 1
    assert abs(clock.monotonic() - asyncio.get_running_loop().time()) < 1


# --- redaction ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"token {LONG} was refused",
        f"Authorization: Bearer {LONG}",
        f"bearer   {LONG}, more",
        f'{{"pem": "{LONG}"}}',
        f'{{"token":"{LONG}"}}',
        f'{{"uploadURL" : "{LONG}',
        f"-----BEGIN RSA PRIVATE KEY-----\n{LONG}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{LONG} and then cut off",
        f"eyJhbGciOiJSUzI1NiJ9.{LONG}.c2ln",
    ],
)
def test_known_secrets_and_what_looks_like_one_are_masked(text: str) -> None:
    shown = redact(text, [LONG] if "refused" in text else [])
    assert LONG not in shown
    assert "***" in shown


def test_ordinary_text_stays_as_it_is() -> None:
    text = 'Could not route to /path, "title": "a token of thanks" 10003'
    assert redact(text, ["", LONG]) == text


def test_an_excerpt_is_one_short_line() -> None:
    shown = excerpt("a\r\nb\x1b[31m\x00c\t" + "x" * 500)
    assert shown.startswith("a b [31m c x")
    assert shown.endswith("x...")
    assert len(shown) == 203
    assert excerpt(" short\n") == "short"


def test_a_secret_is_masked_before_the_text_is_cut() -> None:
    assert LONG[:5] not in excerpt("x" * 195 + LONG, secrets=[LONG])
