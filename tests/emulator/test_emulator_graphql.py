"""Analytics: minutes viewed, counted from the segments that were fetched, asked for in GraphQL."""

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from emulator_kit import Api, FixedClock, clip, running

from cfstream.emulator.analytics import minutes

DAY = 24 * 3600
TODAY, TOMORROW = "2027-01-15", "2027-01-16"  # of the fixed clock
LENGTH = 6  # seconds: two segments, of 4 and 2

MINUTES = """
query StreamGetMinutesExample($accountTag: string!, $start: Date, $end: Date) {
  viewer {
    accounts(filter: { accountTag: $accountTag }) {
      streamMinutesViewedAdaptiveGroups(
        filter: { date_geq: $start, date_lt: $end }, orderBy: [sum_minutesViewed_DESC], limit: 100
      ) {
        sum { minutesViewed }
        dimensions { uid clientCountryName }
      }
    }
  }
}
"""


@attrs.frozen
class Analytics:
    """Questions to the dataset."""

    api: Api

    async def post(self, body: Any, **options: Any) -> Any:
        answer = await self.api.call("POST", f"{self.api.emulator.base_url}/graphql", json=body, **options)
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Type"].startswith("application/json")
        return answer.json

    async def ask(self, query: str, **variables: Any) -> Any:
        return await self.post({"query": query, "variables": {"accountTag": self.api.emulator.account_id, **variables}})

    async def groups(self, fields: str, condition: str = "date_geq: $start", rest: str = "limit: 100") -> Any:
        """What is answered to a query of these fields, or why it is refused."""
        query = (
            "query ($accountTag: string!) { viewer { accounts(filter: {accountTag: $accountTag}) {"
            f"streamMinutesViewedAdaptiveGroups(filter: {{{condition}}}, {rest}) {{{fields}}} }} }} }}"
        )
        answer = await self.ask(query.replace("$start", f'"{TODAY}"'))
        if answer["errors"] is not None:
            return answer["errors"][0]["message"]
        return answer["data"]["viewer"]["accounts"][0]["streamMinutesViewedAdaptiveGroups"]

    async def watch(self, uid: str, *paths: str, **headers: str) -> None:
        for path in paths or ("180/seg_00000.mp4", "180/seg_00001.mp4"):
            assert (await self.api.media(f"/{uid}/manifest/{path}", **headers)).status in (200, 206)


@asynccontextmanager
async def watched(**options: Any) -> AsyncGenerator[tuple[Analytics, str, FixedClock]]:
    clock = FixedClock()
    async with running(clock=clock, **options) as api:
        uid = await api.upload(clip(LENGTH))
        await api.until(uid, "ready")
        yield Analytics(api), uid, clock


async def test_segments_that_were_fetched_become_minutes() -> None:
    async with watched() as (analytics, uid, _):
        await analytics.watch(uid)
        await analytics.watch(uid, "180/seg_00000.mp4")
        analytics.api.emulator.viewer.country = "DE"
        await analytics.watch(uid, "180/seg_00001.mp4")
        answer = await analytics.ask(MINUTES, start=TODAY, end=TOMORROW)
        assert answer["errors"] is None
        assert answer["data"]["viewer"]["accounts"][0]["streamMinutesViewedAdaptiveGroups"] == [
            {
                "sum": {"minutesViewed": pytest.approx(10 / 60, abs=1e-5)},
                "dimensions": {"uid": uid, "clientCountryName": "XX"},
            },
            {
                "sum": {"minutesViewed": pytest.approx(2 / 60, abs=1e-5)},
                "dimensions": {"uid": uid, "clientCountryName": "DE"},
            },
        ]


async def test_what_is_no_picture_does_not_count() -> None:
    async with watched() as (analytics, uid, _):
        await analytics.watch(uid, "video.m3u8", "video.mpd", "180/stream.m3u8", "180/init.mp4")
        master = (await analytics.api.media(f"/{uid}/manifest/video.m3u8")).body.decode()
        sound = master.partition('URI="')[2].partition("/")[0]
        await analytics.watch(uid, f"{sound}/seg_00000.mp4")
        await analytics.api.media(f"/{uid}/manifest/180/seg_00000.mp4", "HEAD")
        await analytics.api.media(f"/{uid}/manifest/180/seg_00009.mp4")
        assert await analytics.groups("count") == []
        await analytics.watch(uid, "180/seg_00000.mp4", Range="bytes=0-99")
        await analytics.watch(uid, "180/seg_00000.mp4", Range="bytes=100-199")
        assert await analytics.groups("count") == [{"count": 1}]


async def test_groups_filters_and_order() -> None:
    async with watched() as (analytics, first, clock):
        api = analytics.api
        second = await api.upload(clip(LENGTH), **{"Upload-Creator": "anna"})
        await api.until(second, "ready")
        await analytics.watch(first)
        clock.now += DAY
        await analytics.watch(second)
        await analytics.watch(second)
        low, high = sorted((first, second))
        ask = analytics.groups
        both = "sum { minutesViewed } count dimensions { uid date }"
        assert await ask(both, rest="limit: 5, orderBy: [date_ASC]") == [
            {"sum": {"minutesViewed": 0.1}, "count": 2, "dimensions": {"uid": first, "date": TODAY}},
            {"sum": {"minutesViewed": 0.2}, "count": 4, "dimensions": {"uid": second, "date": TOMORROW}},
        ]
        assert await ask("sum { minutesViewed }") == [{"sum": {"minutesViewed": 0.3}}]
        uids = "dimensions { uid }"
        for condition, found in {
            "date_gt: $start": [second],
            'date: "2027-01-15"': [first],
            f'date_geq: $start, date_lt: "{TOMORROW}"': [first],
            f'date_geq: $start, date_leq: "{TOMORROW}", uid: "{second}"': [second],
            f'date_geq: $start, uid_gt: "{low}"': [high],
            f'date_geq: $start, uid_in: ["{low}"]': [low],
            f'date_geq: $start, uid_neq: "{low}"': [high],
            'date_geq: $start, creator: "anna"': [second],
            'date_geq: $start, clientCountryName: "FR"': [],
            "date_geq: $start, uid_gt: null": [low, high],
            f'AND: [{{date_geq: $start}}, {{OR: [{{uid: "{low}"}}, {{uid: "none"}}]}}]': [low],
        }.items():
            groups = await ask(uids, condition, "limit: 9, orderBy: [uid_ASC]")
            assert [group["dimensions"]["uid"] for group in groups] == found, condition
        assert [each["dimensions"]["uid"] for each in await ask(uids, rest="limit: 1, orderBy: uid_DESC")] == [high]


async def test_moments_are_dimensions_and_filters() -> None:
    async with watched() as (analytics, uid, clock):
        await analytics.watch(uid)
        clock.now += 90.25
        await analytics.watch(uid, "180/seg_00000.mp4")
        every = "count dimensions { date datetime datetimeMinute datetimeHour }"
        early, late = f"{TODAY}T08:00:00Z", f"{TODAY}T08:01:30Z"
        assert await analytics.groups(every, rest="limit: 9, orderBy: [datetime_DESC]") == [
            {
                "count": count,
                "dimensions": {
                    "date": TODAY,
                    "datetime": moment,
                    "datetimeMinute": f"{moment[:16]}:00Z",
                    "datetimeHour": f"{TODAY}T08:00:00Z",
                },
            }
            for moment, count in ((late, 1), (early, 2))
        ]
        assert len(await analytics.groups("count dimensions { datetimeHour }")) == 1
        for condition, count in {
            f'datetime_geq: "{early}"': 3,
            f'datetime_geq: "{TODAY}T09:00:00.5+01:00"': 1,
            f'datetime_gt: "{early}", datetime_lt: "{late}"': 0,
            f'datetime_geq: "{early}", datetime_lt: "{late}"': 2,
            f'datetime_geq: "{early}", datetime_leq: "{late}"': 3,
            f'datetime: "{late}"': 1,
            f'datetime_in: ["{late}", "{early}"]': 3,
            f'date: "{TODAY}", datetime_neq: "{late}"': 2,
            f'date: "{TODAY}", datetimeMinute: "{TODAY}T08:01:00Z"': 1,
            f'datetimeHour: "{TODAY}T08:00:00Z"': 3,
            'datetime_geq: "2026-12-15T08:01:31Z"': 3,
            f'datetime_geq: "2026-12-15T08:01:30Z", datetime_leq: "{late}"': 3,  # 31 days
        }.items():
            found = await analytics.groups("count", condition)
            assert sum(group["count"] for group in found) == count, condition


async def test_countries_creators_and_kinds_are_filtered_like_uids() -> None:
    async with watched() as (analytics, first, _):
        second = await analytics.api.upload(clip(LENGTH), **{"Upload-Creator": "anna"})
        await analytics.api.until(second, "ready")
        for uid, country in ((first, "AT"), (second, "DE")):
            analytics.api.emulator.viewer.country = country
            await analytics.watch(uid)
        for condition, found in {
            'clientCountryName_gt: "AT"': [second],
            'clientCountryName_geq: "AT", clientCountryName_lt: "DE"': [first],
            'clientCountryName_leq: "AT"': [first],
            'creator_gt: ""': [second],
            'creator_geq: "anna"': [second],
            'creator_lt: "anna"': [first],
            'creator_leq: "a"': [first],
            'mediaType: "vod", creator: "anna"': [second],
            'mediaType_neq: "vod"': [],
        }.items():
            groups = await analytics.groups("dimensions { uid mediaType }", f"date_geq: $start, {condition}")
            assert [group["dimensions"] for group in groups] == [{"uid": uid, "mediaType": "vod"} for uid in found]


async def test_fragments_in_fragments_take_no_time() -> None:
    async with watched() as (analytics, uid, _):
        await analytics.watch(uid)
        made, depth = "AccountStreamMinutesViewedAdaptiveGroups", 23  # half a minute, if each level doubled the work
        nested = "".join(f"fragment f{i} on {made} {{ ...f{i + 1} ...f{i + 1} }} " for i in range(depth))
        query = (
            "query ($accountTag: string!) { viewer { accounts(filter: {accountTag: $accountTag}) {"
            f'streamMinutesViewedAdaptiveGroups(filter: {{date: "{TODAY}"}}, limit: 1) {{ ...f0 }} }} }} }} '
            f"{nested} fragment f{depth} on {made} {{ count dimensions {{ uid }} }}"
        )
        async with asyncio.timeout(10):
            answer = await analytics.ask(query)
        (account,) = answer["data"]["viewer"]["accounts"]
        assert account["streamMinutesViewedAdaptiveGroups"] == [{"count": 2, "dimensions": {"uid": uid}}]


async def test_a_query_uses_the_dataset_twenty_times_at_most() -> None:
    async with running(clock=FixedClock()) as api:
        for accounts, uses, message in (
            (1, 20, None),
            (1, 21, "query: at most 20 uses of the dataset are answered"),
            (3, 7, "query: at most 20 uses of the dataset are answered"),
        ):
            used = f'streamMinutesViewedAdaptiveGroups(filter: {{date: "{TODAY}"}}, limit: 1) {{ count }}'
            each = "accounts(filter: {accountTag: $accountTag}) {"
            fields = " ".join(f"u{i}: {used}" for i in range(uses))
            query = " ".join(f"a{i}: {each} {fields} }}" for i in range(accounts))
            answer = await Analytics(api).ask(f"query ($accountTag: string!) {{ viewer {{ {query} }} }}")
            assert message == (answer["errors"] and answer["errors"][0]["message"])
            assert (answer["data"] is None) == (message is not None)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"OR": [{"uid": "x"}] * 99}, None),
        ({"OR": [{"uid": "x"}] * 100}, "filter: at most 100 conditions are answered"),
        ({"AND": [{}] * 100}, "filter: at most 100 conditions are answered"),
        ({"OR": [{"AND": [{"uid": "x", "uid_gt": "y"}] * 25}] * 2}, "filter: at most 100 conditions are answered"),
        ({"uid_in": ["x"] * 1000}, None),
        ({"OR": [{"date": "soon"}]}, "filter: date must be a day such as 2026-11-22, before the year 9999"),
    ],
)
async def test_a_filter_has_a_hundred_conditions_at_most(condition: dict[str, Any], message: str | None) -> None:
    async with running(clock=FixedClock()) as api:
        answer = await ask_by_variable(api, {"date": TODAY, **condition})
        assert message == (answer["errors"] and answer["errors"][0]["message"])


async def test_a_filter_that_is_nested_without_end_is_refused() -> None:
    condition: dict[str, Any] = {"date": TODAY}
    for _ in range(400):
        condition = {"AND": [condition]}
    async with running(clock=FixedClock()) as api:
        answer = await ask_by_variable(api, condition)
        assert answer["data"] is None
        assert "nested too deeply" in answer["errors"][0]["message"]


async def ask_by_variable(api: Api, condition: dict[str, Any]) -> Any:
    query = (
        "query ($accountTag: string!, $f: AccountStreamMinutesViewedAdaptiveGroupsFilter_InputObject) {"
        "viewer { accounts(filter: {accountTag: $accountTag}) {"
        "streamMinutesViewedAdaptiveGroups(filter: $f, limit: 1) { count } } } }"
    )
    return await Analytics(api).ask(query, f=condition)


async def test_queries_do_not_hold_up_other_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def groups(*args: Any, **options: Any) -> Any:
        threads.append(threading.current_thread())
        return minutes.groups(*args, **options)

    monkeypatch.setattr("cfstream.emulator.analytics.graphql.groups", groups)
    async with running(clock=FixedClock()) as api:
        assert await Analytics(api).groups("count") == []
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()  # which the emulator serves in


async def test_the_language_in_any_form() -> None:
    async with watched() as (analytics, uid, _):
        await analytics.watch(uid)
        answer = await analytics.ask(
            """
            # a comment, commas, aliases, fragments and directives
            query A($accountTag: String!, $start: Date!, $not: Boolean = false) {
              viewer { mine: accounts(filter: {accountTag: $accountTag}) {
                ...groups, accountTag __typename } } }
            fragment groups on account {
              views: streamMinutesViewedAdaptiveGroups(limit: 10, filter: {date_geq: $start}) {
                total: sum { minutes: minutesViewed }
                dimensions { id: uid, date @skip(if: true), ... @include(if: $not) { clientCountryName } __typename }
              }
            }
            query B { viewer { __typename } }
            """,
            start=TODAY,
        )
        assert answer == {"data": None, "errors": answer["errors"]}
        assert "operation name" in answer["errors"][0]["message"]
        query = """
            query A($accountTag: String!) { viewer { mine: accounts(filter: {accountTag: $accountTag}) { ...groups } } }
            fragment groups on account {
              views: streamMinutesViewedAdaptiveGroups(limit: 10, filter: {date_geq: "DAY"}) {
                total: sum { minutes: minutesViewed } dimensions { id: uid, date @skip(if: true) __typename }
              }
            }
            query B { __typename }
        """
        body = {"query": query.replace("DAY", TODAY), "operationName": "A"}
        account = analytics.api.emulator.account_id
        answer = await analytics.post({**body, "variables": {"accountTag": account}})
        (views,) = answer["data"]["viewer"]["mine"][0]["views"]
        assert views["total"] == {"minutes": pytest.approx(0.1)}
        assert views["dimensions"] == {"id": uid, "__typename": "AccountStreamMinutesViewedAdaptiveGroupsDimensions"}


async def test_it_tells_its_schema() -> None:
    async with running() as api:
        answer = await Analytics(api).ask('{ __type(name: "account") { fields { name } } }')
        assert {"name": "streamMinutesViewedAdaptiveGroups"} in answer["data"]["__type"]["fields"]


@pytest.mark.parametrize(
    ("condition", "rest", "message"),
    [
        ('date_geq: "2026-12-15"', "limit: 1", "filter: the interval is longer than 31 days"),
        ('date_geq: "2026-09-01", date_lt: "2026-09-03"', "limit: 1", "filter: there is nothing older than 90 days"),
        ("date_leq: $start", "limit: 1", "filter: give the first day"),
        ('date_geq: "yesterday"', "limit: 1", "filter: date_geq must be a day"),
        ('date_geq: "2027-02-30"', "limit: 1", "filter: date_geq must be a day"),
        ('date_gt: "9999-12-31"', "limit: 1", "filter: date_gt must be a day such as 2026-11-22, before the year 9999"),
        ('datetime_geq: "2027-01-15"', "limit: 1", "filter: datetime_geq must be a moment such as"),
        ('datetime_geq: "2026-12-15T07:59:59Z"', "limit: 1", "filter: the interval is longer than 31 days"),
        ("date_geq: $start, uid_gt: 3", "limit: 1", "filter: uid_gt must be text"),
        ("date_geq: $start", "limit: 0", "limit: must be a whole number from 1 to 10000"),
        ("date_geq: $start", "limit: 10001", "limit: must be a whole number from 1 to 10000"),
        ("date_geq: $start", "limit: 1, orderBy: [uid_ASC]", "orderBy: uid is not among the dimensions"),
        ("date_geq: $start", "limit: 1, orderBy: [name_ASC]", "does not exist in"),
        ("date_geq: $start, size: 1", "limit: 1", "size"),
        ("date_geq: $start", "first: 1", "Unknown argument"),
    ],
)
async def test_what_is_wrong_is_told_in_the_form_of_graphql(condition: str, rest: str, message: str) -> None:
    async with running(clock=FixedClock()) as api:
        assert message in await Analytics(api).groups("count", condition, rest)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": None},
        {"query": "{"},
        {"query": "{ viewer { zones { name } } }"},
        {"query": "{ viewer { __typename } }", "variables": [1]},
        {"query": "{ viewer { __typename } }", "operationName": 3},
        {"query": "{ viewer { __typename } } " * 2},
        {"query": "{" + "viewer " * 6000 + "}"},
        {"query": "{" + "viewer { " * 2000},
        {"query": MINUTES},
        {"query": MINUTES, "variables": {"accountTag": "0" * 32}},
    ],
)
async def test_errors_have_a_message_a_path_and_extensions(body: Any) -> None:
    async with running(clock=FixedClock()) as api:
        answer = await Analytics(api).post(body)
        assert set(answer) == {"data", "errors"}
        assert answer["data"] is None
        for error in answer["errors"]:
            assert set(error) == {"message", "path", "extensions"}
            assert error["message"]
            assert error["extensions"]["timestamp"] == "2027-01-15T08:00:00Z"


async def test_it_takes_the_token_and_is_a_call_like_others() -> None:
    async with running() as api:
        url = f"{api.emulator.base_url}/graphql"
        assert (await api.call("POST", url, token=None, json={})).status == 401
        await Analytics(api).post({"query": "{ __typename }"})
        assert api.emulator.requests.count("GRAPHQL") == 2
        assert (await api.call("POST", url, data=b"{")).status == 400


async def test_minutes_outlive_the_emulator_and_the_video_but_no_reset(tmp_path: Path) -> None:
    async with watched(data_dir=tmp_path) as (analytics, uid, _):
        await analytics.watch(uid)
        await analytics.api.call("DELETE", f"/{uid}")
    async with running(data_dir=tmp_path, clock=FixedClock()) as api:
        assert await Analytics(api).groups("count dimensions { uid }") == [{"count": 2, "dimensions": {"uid": uid}}]
        await api.emulator.reset()
        assert await Analytics(api).groups("count") == []
