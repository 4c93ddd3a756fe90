"""Uploads that were begun go on, begin anew or turn out whole, whatever the server says of them."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from upload_kit import KIB, quick, stored, there, uids, walked

from cfstream import AuthenticationError, PermissionDeniedError, Stream, StreamError, Uploaded, UploadJournal
from cfstream.emulator import Emulator, Fault

DATA = os.urandom(900 * KIB + 17)
USELESS = {
    "400": Fault.status(400),
    "403": Fault.status(403),
    "415": Fault.status(415),
    "another length": Fault.status(200, headers={"Upload-Offset": "0", "Upload-Length": "5"}),
}
"""Answers to the question where an upload stands that no repetition changes."""


@pytest.fixture
async def stream(emulator: Emulator) -> AsyncIterator[Stream]:
    async with quick(emulator) as client:
        yield client


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "uploads.db"


async def begun(emulator: Emulator, stream: Stream, film: Path, journal: Path, *faults: Fault) -> None:
    """Leave an upload that the journal knows, unfinished unless the faults say otherwise."""
    emulator.faults.add("TUS_PATCH", *(faults or (Fault.drop(after_bytes=100 * KIB),)))
    emulator.faults.add("TUS_HEAD", Fault.status(401))  # ends it
    with pytest.raises(AuthenticationError):
        await stream.upload(film, resume=journal)
    assert UploadJournal(journal).report().done == 0
    assert emulator.faults.pending == ()


# --- what the server says of an upload of an earlier process -----------------------------------------------------


@pytest.mark.parametrize("answer", USELESS)
async def test_an_upload_that_cannot_be_gone_on_with_begins_anew(
    emulator: Emulator, stream: Stream, film: Path, journal: Path, answer: str
) -> None:
    await begun(emulator, stream, film, journal)
    emulator.faults.add("TUS_HEAD", USELESS[answer])
    video = await stream.upload(film, resume=journal)
    assert stored(emulator, video.uid) == DATA
    assert await there(emulator) == [DATA]  # nothing is left of the first
    assert UploadJournal(journal).report().done == 1


@pytest.mark.parametrize("answer", USELESS)
async def test_an_upload_that_cannot_be_asked_about_and_is_whole_is_done(
    emulator: Emulator, stream: Stream, film: Path, journal: Path, answer: str
) -> None:
    await begun(emulator, stream, film, journal, *[Fault.delay(0)] * 3, Fault.drop(after_commit=True))
    emulator.faults.add("TUS_HEAD", USELESS[answer])
    await stream.upload(film, resume=journal)
    assert await there(emulator) == [DATA]
    assert emulator.requests.count("STREAM_CREATE") == 1


async def test_a_token_that_is_refused_ends_a_resumed_upload_and_costs_nothing_of_it(
    emulator: Emulator, stream: Stream, film: Path, journal: Path
) -> None:
    await begun(emulator, stream, film, journal)
    emulator.faults.add("TUS_HEAD", Fault.status(401))
    with pytest.raises(AuthenticationError):
        await stream.upload(film, resume=journal)
    await stream.upload(film, resume=journal)
    assert await there(emulator) == [DATA]
    assert emulator.requests.count("STREAM_CREATE") == 1


async def test_an_unfinished_upload_of_a_changed_file_is_not_gone_on_with_whatever_its_sample_says(
    emulator: Emulator, stream: Stream, tmp_path: Path, journal: Path
) -> None:
    film, data = tmp_path / "long.mp4", bytearray(os.urandom(4096 * KIB))
    film.write_bytes(data)
    await begun(emulator, stream, film, journal, Fault.drop(after_bytes=200 * KIB))
    for place in (100 * KIB, 3000 * KIB):  # between the blocks that a sample reads
        data[place : place + 10 * KIB] = os.urandom(10 * KIB)
    film.write_bytes(data)
    os.utime(film, (1, 1))
    video = await stream.upload(film, resume=journal)
    assert await there(emulator) == [bytes(data)]
    os.utime(film, (2, 2))
    assert (await stream.upload(film, resume=journal)).uid == video.uid  # one that is done stays done


def rewrite_unnoticed(film: Path, data: bytes) -> None:
    """Give a file other bytes, and leave its size, its inode and its time of change as they were."""
    before = film.stat()
    with film.open("r+b") as file:
        file.write(data)
    os.utime(film, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = film.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)


async def test_an_unfinished_upload_of_a_file_whose_time_of_change_was_put_back_begins_anew(
    emulator: Emulator, stream: Stream, film: Path, journal: Path
) -> None:
    await begun(emulator, stream, film, journal)
    other = os.urandom(len(DATA))
    rewrite_unnoticed(film, other)
    await stream.upload(film, resume=journal)
    assert await there(emulator) == [other]
    assert UploadJournal(journal).report().done == 1


async def test_what_the_journal_knows_of_a_file_is_what_was_sent_of_it(
    emulator: Emulator, stream: Stream, film: Path, journal: Path
) -> None:
    emulator.faults.add("STREAM_CREATE", Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film, resume=journal)
    other = os.urandom(len(DATA))
    rewrite_unnoticed(film, other)
    await stream.upload(film, resume=journal)
    os.utime(film, (1, 1))
    await stream.upload(film, resume=journal)
    assert await there(emulator) == [other]


# --- a video that is whole, and nobody was told ------------------------------------------------------------------


async def whole(emulator: Emulator, stream: Stream, film: Path, journal: Path) -> str:
    """Leave an upload that arrived whole and whose last look was refused; gives its uid."""
    emulator.faults.add("STREAM_GET", Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film, resume=journal)
    assert UploadJournal(journal).report().done == 0
    (uid,) = await uids(emulator)
    assert (await stream.get(uid)).status.state == "queued"
    return uid


async def again(stream: Stream, film: Path, journal: Path, *, many: bool) -> str:
    """Upload once more, by itself or as one of many; gives the uid."""
    if not many:
        return (await stream.upload(film, resume=journal)).uid
    (outcome,) = await walked(stream.upload_many([film], journal=journal))
    assert isinstance(outcome, Uploaded)
    return outcome.uid


def edit(film: Path, data: bytes) -> None:
    film.write_bytes(data)
    os.utime(film, (1, 1))  # another time than before, however coarse the file system tells it


@pytest.mark.parametrize("many", [False, True])
async def test_a_whole_video_of_a_file_that_was_only_touched_since_is_done_and_not_sent_again(
    emulator: Emulator, stream: Stream, film: Path, journal: Path, many: bool
) -> None:
    uid = await whole(emulator, stream, film, journal)
    sent = emulator.requests.count("TUS_PATCH")
    os.utime(film, (1, 1))
    assert await again(stream, film, journal, many=many) == uid
    assert await there(emulator) == [DATA]
    assert emulator.requests.count("TUS_PATCH") == sent
    assert UploadJournal(journal).report().done == 1


@pytest.mark.parametrize(("many", "edit"), [(False, edit), (True, edit), (True, rewrite_unnoticed)])
async def test_a_whole_video_of_a_file_that_was_edited_since_stays_beside_the_new_one(  # noqa: PLR0917  # given by name
    emulator: Emulator, stream: Stream, film: Path, journal: Path, many: bool, edit: Callable[[Path, bytes], None]
) -> None:
    uid = await whole(emulator, stream, film, journal)
    edited = os.urandom(len(DATA))
    edit(film, edited)
    other = await again(stream, film, journal, many=many)
    assert sorted(await uids(emulator)) == sorted([uid, other])
    assert (stored(emulator, uid), stored(emulator, other)) == (DATA, edited)
    assert UploadJournal(journal).report().done == 1


# --- what the server forgets or tells late -----------------------------------------------------------------------


async def test_a_whole_video_whose_address_vanished_is_looked_at_once_more_before_another_is_made(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.drop(after_commit=True))
    emulator.faults.add("TUS_HEAD", Fault.status(404), times=3)
    emulator.faults.add("STREAM_GET", Fault.status(404), times=2)
    await stream.upload(film, chunk_size=1024 * KIB)
    assert await there(emulator) == [DATA]
    assert emulator.requests.count("STREAM_CREATE") == 1


async def test_an_unfinished_upload_whose_address_vanished_is_taken_back(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.delay(0), Fault.status(404))
    await stream.upload(film)
    assert await there(emulator) == [DATA]
    assert emulator.requests.count("STREAM_CREATE") == 2


async def test_a_complete_upload_that_shows_late_is_waited_for(emulator: Emulator, stream: Stream, film: Path) -> None:
    emulator.faults.add("STREAM_GET", Fault.status(404), times=3)
    video = await stream.upload(film)
    assert stored(emulator, video.uid) == DATA
    assert emulator.requests.count("STREAM_CREATE") == 1


async def test_a_complete_upload_that_never_shows_is_an_error_in_the_end(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    emulator.faults.add("STREAM_GET", Fault.status(404), times=100)
    with pytest.raises(StreamError, match="no progress after"):
        await stream.upload(film)
    assert emulator.requests.count("STREAM_CREATE") == 1
    emulator.faults.clear()


async def test_an_upload_that_fails_leaves_nothing_that_nobody_could_go_on_with(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.status(403), times=2)
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film)
    assert len((await stream.upload_many([film]).run()).failed) == 1
    assert await uids(emulator) == []


async def test_a_whole_video_stays_whatever_fails_afterwards(emulator: Emulator, stream: Stream, film: Path) -> None:
    emulator.faults.add("STREAM_GET", Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film)
    assert await there(emulator) == [DATA]


async def test_a_whole_video_stays_where_the_answers_that_tell_of_it_are_lost(
    emulator: Emulator, stream: Stream, film: Path
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.drop(after_commit=True))
    emulator.faults.add("TUS_HEAD", Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film, chunk_size=1024 * KIB)
    assert await there(emulator) == [DATA]


async def test_an_upload_that_fails_with_a_journal_is_gone_on_with(
    emulator: Emulator, stream: Stream, film: Path, journal: Path
) -> None:
    emulator.faults.add("TUS_PATCH", Fault.status(403))
    with pytest.raises(PermissionDeniedError):
        await stream.upload(film, resume=journal)
    (uid,) = await uids(emulator)
    assert (await stream.upload(film, resume=journal)).uid == uid
