"""Any header of an answer: what cannot be read is ignored or a typed error, and waits stay within their bounds."""

import asyncio
import email.utils
import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aioresponses_shim import mocked_http
from fuzz_kit import fuzzed, soon, texts
from hypothesis import given
from hypothesis import strategies as st
from unit_kit import UID, VIDEOS_URL, client, envelope, raw, video
from virtual_clock import VirtualClock

from cfstream import DecodeError, PaginationError, RateLimit, RetryPolicy, StreamError, UploadError
from cfstream import _tus as tus
from cfstream._answers import RawPage
from cfstream._governor import Governor
from cfstream._retry import retry_after
from cfstream.endpoints import STREAM_LIST
from cfstream.models import Video
from cfstream.pages import ByCreated

EVERYWHERE = re.compile("")
header_texts = st.text(max_size=40) | st.text(alphabet='0123456789;rt= ",-+.eE', max_size=40)
dates = st.datetimes(timezones=st.just(UTC)).map(email.utils.format_datetime) | header_texts


# --- Retry-After and Ratelimit -----------------------------------------------------------------------------------


@fuzzed(600)
@given(dates | st.floats().map(str) | st.integers().map(str), dates)
def test_a_pause_is_a_time_from_now_on_or_ignored(value: str, date: str) -> None:
    with soon():
        asked = retry_after({"Retry-After": value, "Date": date})
    assert asked is None or 0 <= asked < math.inf


@fuzzed(250)
@given(st.integers(0, 10**6))
def test_a_pause_in_seconds_or_as_a_date_is_read_as_it_was_written(seconds: int) -> None:
    assert retry_after({"Retry-After": f" {seconds} "}) == seconds
    now = datetime(2026, 1, 1, tzinfo=UTC)
    then = email.utils.format_datetime(now + timedelta(seconds=seconds))
    assert retry_after({"Retry-After": then, "Date": email.utils.format_datetime(now)}) == seconds


@fuzzed(250)
@given(header_texts | st.from_regex(r'"[a-z]*";\s?r=\d{1,12};\s?t=\d{1,12}'))
def test_no_count_of_the_service_breaks_the_governor_or_shuts_it_for_long(header: str) -> None:
    clock = VirtualClock()
    governor = Governor(None, clock)
    with soon():
        governor.observe({"Ratelimit": header})
        asyncio.run(governor.acquire())
    assert clock.now <= 300


@fuzzed(300)
@given(st.lists(st.floats(0, 400), max_size=5), st.integers(1, 50))
def test_no_row_of_pauses_loses_a_place(pauses: list[float], requests: int) -> None:
    clock = VirtualClock()
    governor = Governor(RateLimit(requests=requests, per=10.0), clock)

    async def main() -> None:
        for pause in pauses:
            governor.pause(pause)
            await governor.acquire()

    asyncio.run(main())
    assert clock.now >= sum(pauses) * (1 - 1e-9)


# --- tus ---------------------------------------------------------------------------------------------------------

offsets = (
    st.integers(-5, 120).map(str) | header_texts | st.sampled_from(["1e2", "0x10", "٣", "9" * 30, "50, 50", "+50"])
)
tus_answers = st.builds(
    lambda status, offset, length, other: raw(
        status, Upload_Offset=offset, Upload_Length=length, Upload_Expires=other, Location=other
    ),
    st.sampled_from([200, 204, 204, 204, 404, 409, 410, 412, 423, 460, 500, 999]),
    offsets,
    offsets | st.just("100"),
    header_texts,
)


@fuzzed(250)
@given(st.lists(st.none() | st.booleans() | tus_answers, max_size=30))
def test_no_answers_lead_an_upload_out_of_its_file(answers: list[Any]) -> None:
    upload = tus.Upload(100, 40)
    upload.created(UID, "https://u.example/x")
    for answer in answers:
        step = upload.next_request()
        match step:
            case tus.Create():
                upload.created(UID, "https://u.example/y")
            case tus.Confirm():
                upload.confirmed(complete=answer is True)
            case tus.Done():
                assert upload.offset in (0, 100) or upload.uid == UID
                return
            case tus.Ask() | tus.Send():
                if isinstance(step, tus.Send):
                    assert 0 <= step.offset < step.offset + step.length <= 100
                if answer is None or isinstance(answer, bool):
                    upload.interrupted() if answer is None else upload.paused()
                    continue
                try:
                    upload.received(answer)
                except UploadError as error:
                    assert "\n" not in str(error)  # noqa: PT017  # giving up is one of the good ends
                    return
        assert 0 <= upload.offset <= 100


addresses = (
    header_texts
    | st.from_regex(r"(https?|ftp|file|javascript)?:?//[a-z0-9.@\[\]:\\]{0,20}(/[a-z.%#?\\]{0,9})?", fullmatch=True)
    | st.sampled_from(
        ["//evil.example/x", "\\\\evil.example", "https:evil.example", "http://[::1%25lo]/", "https://e\tvil/x"]
    )
)


@fuzzed(100)
@given(addresses)
def test_any_address_is_used_safely_or_refused_in_one_line(location: str) -> None:
    sent: list[tuple[str, str, dict[str, str]]] = []

    def record(url: Any, **options: Any) -> None:
        sent.append((url.scheme, url.host, options["headers"]))

    async def main() -> None:
        async with client(retry=RetryPolicy.none()) as stream:
            with mocked_http() as api:
                headers = {"Location": location, "stream-media-id": UID}
                api.post(VIDEOS_URL, status=201, headers=headers)
                api.patch(EVERYWHERE, status=403, callback=record, repeat=True)
                with pytest.raises(StreamError) as caught:
                    await stream.upload(b"video")
        assert "\n" not in str(caught.value)

    with soon():
        asyncio.run(main())
    for scheme, host, headers in sent:
        assert scheme == "https"
        trusted = host == "api.cloudflare.com" or host.endswith(".api.cloudflare.com")
        assert ("Authorization" in headers) == trusted


# --- paging by creation ------------------------------------------------------------------------------------------

moments = (
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00"])
    | st.sampled_from(["9999-12-31T23:59:59.999999-14:00", "0001-01-01T00:00:00.000001Z", "2024-01-01", "2024-W01"])
    | texts
    | st.none()
    | st.integers()
)
pages = st.lists(st.fixed_dictionaries({"uid": texts | st.none(), "created": moments}), min_size=1, max_size=4)


@fuzzed(250)
@given(st.lists(pages, min_size=1, max_size=4), st.booleans(), st.sampled_from([1, 2, 1000]))
def test_no_page_breaks_the_walk_but_by_a_typed_error(answers: list[list[Any]], asc: bool, limit: int) -> None:
    walk: ByCreated[Video] = ByCreated(STREAM_LIST, {"asc": asc, "limit": limit})
    walk.first()
    for items in answers:
        page = RawPage(items, Video)
        with soon():
            try:
                following = walk.after(page)
            except (DecodeError, PaginationError) as error:
                assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the good ends
                return
        assert set(walk.fresh(page)) <= set(range(len(items)))
        if following is None:
            return
        assert following.encoded.query is not None


@fuzzed(60)
@given(st.lists(moments, min_size=1, max_size=3))
def test_a_list_of_any_times_is_walked_or_refused(created: list[Any]) -> None:
    items = [video(f"{place:032x}", moment) for place, moment in enumerate(created)]

    async def main() -> None:
        async with client(VirtualClock()) as stream:
            with mocked_http() as api:
                api.get(EVERYWHERE, body=envelope(items), repeat=True)
                try:
                    async for one in stream.list(limit=len(items)):
                        json.dumps(one.created.isoformat())
                except StreamError as error:
                    assert "\n" not in str(error)  # noqa: PT017  # refusals are one of the good ends

    with soon():
        asyncio.run(main())
