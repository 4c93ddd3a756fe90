"""The fault matrix finds defects: those known from other clients are planted here one by one."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest
import special_cells
from fault_server import TOKEN, Planned
from matrix_kit import BY_NAME, SIZES, Cell, Point, cells_of, lost, violations

from cfstream import APIError, _governor, _retry, _transport, _tus
from cfstream.uploads import driver, journal, kept, leftovers
from cfstream.uploads.sources.base import Source

Plant = Callable[[pytest.MonkeyPatch], None]


def slice_of(*names: str, where: str = "") -> list[Cell]:
    return [cell for name in names for cell in cells_of(BY_NAME[name], 0) if where in cell.name]


def special(family: str, *words: str) -> list[Cell]:
    return [cell for cell in special_cells.ALL[family]() if all(word in cell.name for word in words)]


def any_offset_is_believed(patch: pytest.MonkeyPatch) -> None:
    def believe(upload: _tus.Upload, response: Any) -> None:
        upload.offset = _tus._number(response, "Upload-Offset") or 0
        upload._next = _tus._Next.DONE if upload.offset >= upload.size else _tus._Next.SEND

    patch.setattr(_tus.Upload, "_sent_answer", believe)


def a_file_is_known_by_its_beginning(patch: pytest.MonkeyPatch) -> None:
    async def is_same(known: Any, source: Source) -> bool:
        return bool(known.size == source.size)

    patch.setattr(kept, "_is_same", is_same)


def standing_still_costs_nothing(patch: pytest.MonkeyPatch) -> None:
    def doubt(upload: _tus.Upload) -> None:
        upload._next = _tus._Next.ASK

    patch.setattr(_tus.Upload, "_doubt", doubt)


def an_offset_is_taken_for_a_number(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_tus, "_number", lambda response, header: int(response.headers.get(header)))


def an_expired_address_is_kept(patch: pytest.MonkeyPatch) -> None:
    def gone(upload: _tus.Upload, response: Any) -> None:
        upload._doubt()

    patch.setattr(_tus.Upload, "_gone", gone)


def the_size_is_believed_at_once(patch: pytest.MonkeyPatch) -> None:
    right = _tus.Upload._sent_answer

    def believe(upload: _tus.Upload, response: Any) -> None:
        if _tus._number(response, "Upload-Offset") == upload.size:
            upload.offset, upload._next = upload.size, _tus._Next.DONE
        else:
            right(upload, response)

    patch.setattr(_tus.Upload, "_sent_answer", believe)


def a_creation_is_repeated_blindly(patch: pytest.MonkeyPatch) -> None:
    async def settle(upload: Any, creation: Any, error: Any) -> None:
        upload._tus.not_created()

    patch.setattr(driver._Upload, "_settle", settle)


def attempts_are_counted_for_the_whole_file(patch: pytest.MonkeyPatch) -> None:
    right = _tus.Upload._advance

    def advance(upload: _tus.Upload, offset: int) -> None:
        stalls = upload.stalls
        right(upload, offset)
        upload.stalls = stalls

    patch.setattr(_tus.Upload, "_advance", advance)


def every_call_may_be_repeated(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_retry, "may_repeat", lambda retry, verdict: verdict is not _retry.Verdict.FINAL)


def retry_after_is_not_read(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_transport, "retry_after", lambda headers: None)


def a_failure_with_status_200_is_a_video(patch: pytest.MonkeyPatch) -> None:
    right = leftovers.look_up

    async def look_up(transport: Any, uid: str, **options: Any) -> Any:
        try:
            return await right(transport, uid, **options)
        except APIError:
            return type("Nothing", (), {"uid": uid, "status": type("Status", (), {"state": None})})

    patch.setattr(driver, "look_up", look_up)


def a_limit_of_the_whole_upload_escapes(patch: pytest.MonkeyPatch) -> None:
    right = driver._Upload.run

    async def run(upload: Any) -> Any:
        async with asyncio.timeout(0.05):
            return await right(upload)

    patch.setattr(driver._Upload, "run", run)


def redirects_are_followed(patch: pytest.MonkeyPatch) -> None:
    right = aiohttp.ClientSession.request

    def request(session: Any, verb: str, url: Any, **options: Any) -> Any:
        return right(session, verb, url, **{**options, "allow_redirects": True})

    patch.setattr(aiohttp.ClientSession, "request", request)


def cancellation_is_taken_for_a_failure(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_retry.Retrier, "_repeats", lambda retrier, error: True)
    patch.setattr(_retry.Retrier, "_next_wait", lambda retrier, state: 0.0)
    patch.setattr(_retry.Retrier, "_must_stop", lambda retrier, state: False)
    patch.setattr(_retry.Retrier, "_before_sleep", lambda retrier, state: None)


def an_endless_pause_is_a_long_one(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_transport, "retry_after", lambda headers: {"inf": 1e9}.get(headers.get("Retry-After")))


def every_request_takes_two_places(patch: pytest.MonkeyPatch) -> None:
    right = _governor.Governor._take

    def take(governor: Any) -> None:
        right(governor)
        right(governor)

    patch.setattr(_governor.Governor, "_take", take)


def the_first_pauses_are_left_out(patch: pytest.MonkeyPatch) -> None:
    right = _retry.wait_after_stall
    patch.setattr(driver, "wait_after_stall", lambda policy, stalls, asked: right(policy, max(1, stalls - 2), asked))


def a_look_has_a_limit_of_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(leftovers, "_unhurried", lambda transport: transport)


def the_journal_has_the_token(patch: pytest.MonkeyPatch) -> None:
    right = journal.JournalWriter.write

    async def write(writer: Any, entry: journal.Entry) -> None:
        await right(writer, attrs.evolve(entry, source=TOKEN))

    patch.setattr(journal.JournalWriter, "write", write)


PLANTED: dict[str, tuple[Plant, Callable[[], list[Cell]]]] = {
    "T1": (any_offset_is_believed, lambda: slice_of("offset too high", where="patch")),
    "T2": (a_file_is_known_by_its_beginning, lambda: special("journals", "another middle")),
    "T3": (standing_still_costs_nothing, lambda: special("storms", "offset unchanged")),
    "T4": (an_offset_is_taken_for_a_number, lambda: slice_of("no offset", where="patch")),
    "T7": (an_expired_address_is_kept, lambda: special("journals", "forgets")),
    "A2": (the_size_is_believed_at_once, lambda: slice_of("offset too high", where="patch")),
    "A3": (a_creation_is_repeated_blindly, lambda: slice_of("RST, what came is kept", where="create")),
    "A5": (attempts_are_counted_for_the_whole_file, lambda: special("storms", "what came is kept")),
    "C1": (every_call_may_be_repeated, lambda: slice_of("500", where="create")),
    "C2": (retry_after_is_not_read, lambda: slice_of("429 seconds", where="create")),
    "C5": (a_failure_with_status_200_is_a_video, lambda: slice_of("success false", where="get")),
    "B1": (a_limit_of_the_whole_upload_escapes, lambda: slice_of("never an answer", where="patch")),
    "B5": (redirects_are_followed, lambda: slice_of("redirect elsewhere", where="patch 1 before")),
    "endless pause": (an_endless_pause_is_a_long_one, lambda: slice_of("429 infinite", where="patch")),
    "two places": (every_request_takes_two_places, lambda: special("governed", "500, get")),
    "no pause": (the_first_pauses_are_left_out, lambda: special("storms", "500 for ever, patch")),
    "hurried look": (a_look_has_a_limit_of_time, lambda: special("governed", "500, create")),
    "told token": (the_journal_has_the_token, lambda: slice_of("500", where="patch 1 before")),
    "B9": (cancellation_is_taken_for_a_failure, lambda: special("cancellations", "repetition")),
}
"""By the number of the defect in the table of other clients' defects, or a name: what is planted, who must see it."""


@pytest.mark.parametrize("number", PLANTED)
async def test_a_planted_defect_is_found(number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, cells = PLANTED[number]
    assert not (found := await violations(cells(), tmp_path)), "\n".join(found)
    plant(monkeypatch)
    assert await violations(cells(), tmp_path)


async def test_a_plan_that_was_not_met_is_told_of(tmp_path: Path) -> None:
    late = Planned("get", 5, lost()(Point("get"), random.Random(0)))
    (found,) = await violations([Cell("late", SIZES[0], [late], any_outcome=True)], tmp_path)
    assert found == "late: planned fault was not met: get 5"
