"""The journal of uploads: what its one connection asks of SQLite, so that a commit outlives a power cut."""

from pathlib import Path

from cfstream import UploadJournal
from cfstream.uploads.journal import JournalWriter, writing


def asked(writer: JournalWriter, pragma: str) -> object:
    """Read a setting of the writer's own connection: most of them are of no other."""
    ((value,),) = writer._rows(f"PRAGMA {pragma}")
    return value


async def test_every_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    async with writing(UploadJournal(tmp_path / "uploads.db")) as writer:
        assert asked(writer, "journal_mode") == "wal"
        assert asked(writer, "synchronous") == 2  # FULL: NORMAL would lose the newest commits


async def test_a_journal_that_is_there_already_is_written_as_safely_as_a_new_one(tmp_path: Path) -> None:
    journal = UploadJournal(tmp_path / "uploads.db")
    async with writing(journal):
        pass
    async with writing(journal) as writer:
        assert (asked(writer, "journal_mode"), asked(writer, "synchronous")) == ("wal", 2)
