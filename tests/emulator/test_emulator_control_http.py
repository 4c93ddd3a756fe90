"""The control over HTTP: what a test in another language turns."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest
from emulator_kit import SMALL, Answer, Api, FixedClock, running


@attrs.frozen
class Remote:
    """Calls to the control."""

    api: Api

    async def __call__(self, verb: str, path: str = "", body: Any = None, **options: Any) -> Answer:
        sent = options if body is None else {"json": body, **options}
        return await self.api.call(verb, self.api.emulator.url(f"/_emulator{path}"), **sent)

    async def state(self) -> Any:
        return (await self("GET")).result


@asynccontextmanager
async def controlled(**options: Any) -> AsyncGenerator[tuple[Api, Remote]]:
    async with running(clock=FixedClock(), **options) as api:
        api.session._retry_connection = False
        yield api, Remote(api)


async def test_the_state() -> None:
    async with controlled() as (api, remote):
        await api.call("GET")
        assert await remote.state() == {
            "clock": {"now": 1_800_000_000.0, "time": "2027-01-15T08:00:00Z"},
            "settings": {
                "list_lag": 0.0,
                "rate_limit": False,
                "viewer": {"country": None, "address": None},
            },
            "limits": attrs.asdict(SMALL),
            "faults": {"pending": [], "spent": []},
            "requests": 1,
            "encoding": {"paused": False},
        }


async def test_faults_are_planned_met_and_forgotten() -> None:
    async with controlled() as (api, remote):
        plan = {
            "row": "STREAM_LIST",
            "times": 2,
            "faults": [
                {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}, "body": "later"},
                {"kind": "drop"},
            ],
        }
        answer = await remote("POST", "/faults", plan)
        assert answer.result["faults"]["pending"][:2] == [
            {"row": "STREAM_LIST", "fault": "status 503"},
            {"row": "STREAM_LIST", "fault": "drop before commit"},
        ]
        first = await api.call("GET")
        assert (first.status, first.body, first.headers["Retry-After"]) == (503, b"later", "1")
        with pytest.raises(aiohttp.ClientError):
            await api.call("GET")
        state = await remote.state()
        assert (len(state["faults"]["pending"]), len(state["faults"]["spent"])) == (2, 2)
        assert (await remote("DELETE", "/faults")).result["faults"] == {"pending": [], "spent": []}
        assert (await api.call("GET")).status == 200


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ({"kind": "status", "status": 429, "code": 971}, "status 429"),
        ({"kind": "drop", "after_commit": True}, "drop after commit"),
        ({"kind": "drop", "after_bytes": 10}, "drop after 10 bytes"),
        ({"kind": "cut", "after": 3}, "cut after 3 bytes"),
        ({"kind": "cut"}, "cut after 0 bytes"),
        ({"kind": "stall"}, "stall"),
        ({"kind": "delay", "seconds": 1.5}, "delay 1.5 s"),
    ],
)
async def test_every_kind_of_fault_has_its_words(fault: dict[str, Any], shown: str) -> None:
    async with controlled() as (_, remote):
        answer = await remote("POST", "/faults", {"faults": [fault]})
        assert answer.result["faults"]["pending"] == [{"row": None, "fault": shown}]
        await remote("DELETE", "/faults")


async def test_the_clock_goes_forward_and_what_is_due_is_done() -> None:
    async with controlled() as (api, remote):
        await api.create(5000)
        answer = await remote("POST", "/clock", {"advance": 2 * 24 * 3600})
        assert answer.result["clock"] == {"now": 1_800_172_800.0, "time": "2027-01-17T08:00:00Z"}
        assert api.emulator._running.library.store.due(2**60) == []
        assert (await api.call("GET")).result == []


async def test_settings_and_limits() -> None:
    async with controlled() as (api, remote):
        settings = (await remote("PUT", "/settings", {"list_lag": 2.5, "rate_limit": True})).result["settings"]
        assert (settings["list_lag"], settings["rate_limit"]) == (2.5, True)
        limits = (await remote("PUT", "/limits", {"requests": 7, "encoding_max": 2})).result["limits"]
        assert limits == {**attrs.asdict(SMALL), "requests": 7, "encoding_max": 2}
        assert (await api.call("GET")).headers["Ratelimit"] == '"default";r=6;t=300'
        assert (await remote("PUT", "/settings", {"rate_limit": False})).result["settings"]["list_lag"] == 2.5
        assert api.emulator.limits.encoding_max == 2


async def test_the_log() -> None:
    async with controlled() as (api, remote):
        await api.call("GET", "?limit=2")
        await api.create(5000)
        records = (await remote("GET", "/requests")).result
        assert [record["row"] for record in records] == ["STREAM_LIST", "STREAM_CREATE"]
        assert (records[0]["query"], records[0]["status"], records[0]["fault"]) == ([["limit", "2"]], 200, None)
        assert ["Authorization", "***"] in records[0]["headers"]
        assert [record["verb"] for record in (await remote("GET", "/requests?row=STREAM_CREATE")).result] == ["POST"]
        assert (await remote("DELETE", "/requests")).result["requests"] == 0


async def test_a_reset() -> None:
    async with controlled() as (api, remote):
        await api.create(5000)
        await remote("PUT", "/limits", {"requests": 7})
        assert (await remote("POST", "/reset")).result["limits"] == attrs.asdict(SMALL)
        assert (await api.call("GET")).result == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "message"),
    [
        ("POST", "/faults", {}, "faults: must be a list of objects"),
        ("POST", "/faults", {"faults": []}, "faults: give one or more"),
        ("POST", "/faults", {"faults": [3]}, "faults[0]: must be an object"),
        ("POST", "/faults", {"faults": [{"kind": "fire"}]}, "faults[0].kind: must be one of status, drop"),
        ("POST", "/faults", {"faults": [{"kind": ["drop"]}]}, "faults[0].kind: must be one of"),
        ("POST", "/faults", {"faults": [{"kind": "stall"}, {"kind": "status"}]}, "faults[1].status: is missing"),
        ("POST", "/faults", {"faults": [{"kind": "status", "status": 99}]}, "faults[0].status: must be a whole number"),
        ("POST", "/faults", {"faults": [{"kind": "status", "status": 500, "headers": []}]}, "faults[0].headers: must"),
        ("POST", "/faults", {"faults": [{"kind": "status", "status": 500, "headers": {"A": 1}}]}, "faults[0].headers:"),
        ("POST", "/faults", {"faults": [{"kind": "status", "status": 500, "body": {}}]}, "faults[0].body: must be"),
        ("POST", "/faults", {"faults": [{"kind": "drop", "after": 1}]}, "faults[0].after: is not known; did you mean"),
        ("POST", "/faults", {"faults": [{"kind": "drop", "after_commit": 1}]}, "faults[0].after_commit: must be true"),
        ("POST", "/faults", {"faults": [{"kind": "stall", "x": 1}]}, "faults[0].x: is not known; there are none"),
        ("POST", "/faults", {"faults": [{"kind": "delay"}]}, "faults[0].seconds: is missing"),
        ("POST", "/faults", {"faults": [{"kind": "stall"}], "times": "2"}, "times: must be a whole number"),
        ("POST", "/faults", {"faults": [{"kind": "stall"}], "row": "TUS_PUT"}, "row: 'TUS_PUT' is no call"),
        ("POST", "/faults", {"faults": [{"kind": "stall"}], "row": ["x"]}, "row: must be the name of a call"),
        ("POST", "/faults", {"fault": []}, "fault: is not known; did you mean faults?"),
        ("POST", "/clock", {}, "advance: must be a number of seconds"),
        ("POST", "/clock", {"advance": -1}, "advance: must be a number of seconds"),
        ("PUT", "/settings", {"list_lag": "x", "rate_limit": True}, "list_lag: must be a number of seconds"),
        ("PUT", "/settings", {"list_lag": 1, "rate_limit": 1}, "rate_limit: must be true or false"),
        ("PUT", "/limits", {"encoding_most": 1}, "encoding_most: is not known; did you mean encoding_max?"),
        ("PUT", "/limits", {"encoding_max": -1}, "encoding_max: must be a whole number"),
        ("PUT", "/limits", {"chunk_multiple": 0}, "chunk_multiple: must be a whole number from 1"),
        ("PUT", "/limits", {"upload_expiry": 2**50}, "upload_expiry: must be a whole number from 0"),
        ("PUT", "/limits", [], "The body is not a JSON object"),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_changes_nothing(
    verb: str, path: str, body: Any, message: str
) -> None:
    async with controlled() as (_, remote):
        before = await remote.state()
        answer = await remote(verb, path, body)
        assert (answer.status, answer.codes) == (400, [10005])
        assert answer.json["errors"][0]["message"].startswith(message)
        assert await remote.state() == before


ADDRESSES = [
    ("GET", ""),
    ("POST", "/faults"),
    ("DELETE", "/faults"),
    ("POST", "/clock"),
    ("PUT", "/settings"),
    ("PUT", "/limits"),
    ("GET", "/requests"),
    ("DELETE", "/requests"),
    ("POST", "/reset"),
    ("GET", "/nothing"),
]


@pytest.mark.parametrize(("verb", "path"), ADDRESSES)
async def test_only_the_token_opens_it_and_no_other_site_may_read(verb: str, path: str) -> None:
    key = {"X-Auth-Key": "k", "X-Auth-Email": "e"}
    async with controlled(api_key="k", api_email="e") as (api, remote):
        await api.create(5000)
        evil = {"Origin": "https://evil.example"}
        for options in ({"token": None}, {"token": "wrong"}, {"token": None, "headers": key}):
            answer = await remote(verb, path, {}, **options)
            assert (answer.status, answer.codes) == (401, [10000])
        answer = await remote(verb, path, {}, headers=evil)
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        preflight = await remote("OPTIONS", path, token=None, headers=evil)
        assert preflight.status in (401, 405)
        assert not [name for name in preflight.headers if name.startswith("Access-Control")]
        foreign = await remote(verb, path, {}, headers={"Host": "evil.example"})
        assert foreign.status == 421


async def test_it_is_subject_to_none_of_what_it_controls() -> None:
    limits = attrs.evolve(SMALL, requests=1)
    async with controlled(limits=limits, rate_limit=True) as (api, remote):
        await remote("POST", "/faults", {"faults": [{"kind": "status", "status": 503}]})
        answers = [await remote("GET") for _ in range(3)]
        assert {(answer.status, "Ratelimit" in answer.headers) for answer in answers} == {(200, False)}
        assert answers[-1].result["requests"] == 0
        assert (await api.call("GET")).status == 503
