"""Progress of many uploads: every event tells which source of the run it is about."""

import io
from pathlib import Path
from typing import Any

import pytest

from cfstream import Stream, UploadJob
from cfstream.models import UploadProgress

SIZE = 200_000


@pytest.fixture
def namesakes(tmp_path: Path) -> list[Path]:
    """Files of one name, of different sizes, in different folders."""
    paths = [tmp_path / folder / "x.mp4" for folder in ("a", "b")]
    for number, path in enumerate(paths):
        path.parent.mkdir()
        path.write_bytes(bytes([number]) * (SIZE + number))
    return paths


class Seen(list[UploadProgress]):
    """What progress told."""

    def __call__(self, event: UploadProgress) -> None:
        self.append(event)

    def totals(self) -> dict[str, set[int]]:
        return {each.source: {event.total for event in self if event.source == each.source} for each in self}


@pytest.mark.parametrize("kept", [False, True], ids=["no journal", "journal"])
@pytest.mark.parametrize("given", [str, Path, UploadJob], ids=["text", "path", "job"])
async def test_files_of_one_name_are_told_apart_by_their_folders(
    stream: Stream, namesakes: list[Path], tmp_path: Path, given: Any, *, kept: bool
) -> None:
    seen = Seen()
    journal = tmp_path / "uploads.db" if kept else None
    report = await stream.upload_many(map(given, namesakes), on_progress=seen, journal=journal).run()
    assert report.done == 2
    assert seen.totals() == {str(path): {SIZE + number} for number, path in enumerate(namesakes)}


async def test_the_progress_of_a_source_has_the_name_that_a_report_of_its_failure_has(
    stream: Stream, namesakes: list[Path]
) -> None:
    seen = Seen()
    await stream.upload_many(namesakes, on_progress=seen).run()
    report = await stream.upload_many(namesakes, chunk_size=5).run()
    assert {event.source for event in seen} == {entry.source for entry in report.failed}


async def test_what_has_no_path_is_called_what_it_is(stream: Stream) -> None:
    seen = Seen()
    await stream.upload_many([b"x" * SIZE, io.BytesIO(b"x" * (SIZE + 1))], on_progress=seen).run()
    assert seen.totals() == {"bytes": {SIZE}, "BytesIO": {SIZE + 1}}


async def test_a_single_upload_keeps_the_name_of_its_file(stream: Stream, namesakes: list[Path]) -> None:
    seen = Seen()
    await stream.upload(namesakes[1], on_progress=seen)
    await stream.upload(b"x" * SIZE, on_progress=seen)
    assert seen.totals() == {"x.mp4": {SIZE + 1}, "bytes": {SIZE}}
