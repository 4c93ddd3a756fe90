"""The account's webhook: set, seen, replaced, taken away."""

import re
from typing import Any

import pytest
from emulator_kit import FixedClock, running

NOW = 1_800_000_000


async def test_there_is_none_at_first() -> None:
    async with running() as api:
        answer = await api.call("GET", "/webhook")
        assert (answer.status, answer.codes) == (404, [10003])
        assert (await api.call("DELETE", "/webhook")).result == ""


async def test_the_last_one_counts_and_each_has_a_new_secret() -> None:
    clock = FixedClock(NOW)
    async with running(clock=clock) as api:
        first = (await api.call("PUT", "/webhook", json={"notificationUrl": "https://example.com/a"})).result
        assert (await api.call("GET", "/webhook")).result == first
        clock.now += 1
        again = (await api.call("PUT", "/webhook", json={"notificationUrl": "https://example.com/a"})).result
        second = (await api.call("PUT", "/webhook", json={"notification_url": "http://example.com/b"})).result
        assert (await api.call("GET", "/webhook")).result == second
        assert (await api.call("DELETE", "/webhook")).result == ""
        assert (await api.call("GET", "/webhook")).status == 404
    assert list(first) == ["notification_url", "notificationUrl", "modified", "secret"]
    assert first["notificationUrl"] == first["notification_url"] == "https://example.com/a"
    assert second["notificationUrl"] == second["notification_url"] == "http://example.com/b"
    assert (first["modified"], second["modified"]) == ("2027-01-15T08:00:00Z", "2027-01-15T08:00:01Z")
    secrets = {each["secret"] for each in (first, again, second)}
    assert len(secrets) == 3
    assert all(re.fullmatch(r"[0-9a-f]{40}", secret) for secret in secrets)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"notificationUrl": "ftp://example.com"}, 10010),
        ({"notificationUrl": "example.com"}, 10010),
        ({"notification_url": "https://"}, 10010),
        ({"notificationUrl": "https://exa mple.com"}, 10010),
        ({"notificationUrl": "https://example.com:99999"}, 10010),
        ({"notificationUrl": "https://[::1"}, 10010),
        ({"notificationUrl": "\x00"}, 10010),
        ({"notificationUrl": "https://user:password@example.com"}, 10010),
        ({"notificationUrl": 1}, 10005),
        ({"notificationUrl": None}, 10005),
        ({}, 10005),
    ],
)
async def test_refused(body: dict[str, Any], code: int) -> None:
    async with running() as api:
        kept = (await api.call("PUT", "/webhook", json={"notificationUrl": "https://example.com"})).result
        answer = await api.call("PUT", "/webhook", json=body)
        assert (answer.status, answer.codes) == (400, [code])
        assert "notification" in answer.json["errors"][0]["message"]
        assert (await api.call("GET", "/webhook")).result == kept
