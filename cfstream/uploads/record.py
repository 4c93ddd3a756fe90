"""What is kept of one upload while it runs: nothing beyond the process, or a row of the journal."""

import secrets
from typing import Protocol

import attrs

from cfstream._types import Clock, Secret
from cfstream.uploads.journal import Creation, Entry, JournalWriter

OP_KEY = "cfstream_op"
"""The key in ``meta`` that tells uploads of ours from anybody else's."""
NO_OP = "0" * 32
"""As long as every op id, for requests that are only checked."""


@attrs.frozen
class Begun:
    """An upload that an earlier process has begun."""

    uid: str
    url: Secret


class Record(Protocol):
    """Where an upload writes down what must be known if its process dies."""

    @property
    def lasts(self) -> bool:
        """Whether a later upload of the source can go on with this one."""
        ...

    @property
    def begun(self) -> Begun | None:
        """The upload to go on with, where there is one."""
        ...

    async def creating(self) -> Creation:
        """Write down that the service is about to be asked for an upload."""
        ...

    async def created(self, creation: Creation, uid: str, url: Secret) -> None:
        """Write down what the service answered."""
        ...

    async def settled(self, creation: Creation) -> None:
        """Write down that nothing is left of an attempt."""
        ...

    async def done(self, uid: str, creation: Creation | None = None) -> None:
        """Write down that the video is whole, together with the attempt that made it where that is not known yet."""
        ...

    async def failed(self, reason: str) -> None:
        """Write down why it failed; where its bytes go stays known, so that a later run can go on."""
        ...


def new_creation(key: str, clock: Clock) -> Creation:
    """Name an attempt, so that what it made can be found."""
    return Creation(op=secrets.token_hex(16), key=key, since=clock.time())


@attrs.frozen
class Unkept:
    """An upload that only its own process remembers."""

    clock: Clock
    lasts: bool = False
    begun: None = None

    async def creating(self) -> Creation:
        """Name the attempt."""
        return new_creation("", self.clock)

    async def created(self, creation: Creation, uid: str, url: Secret) -> None:
        """Keep nothing."""

    async def settled(self, creation: Creation) -> None:
        """Keep nothing."""

    async def done(self, uid: str, creation: Creation | None = None) -> None:
        """Keep nothing."""

    async def failed(self, reason: str) -> None:
        """Keep nothing."""


@attrs.define
class Kept:
    """A row of a journal; each change is on disk before the upload goes on."""

    journal: JournalWriter
    entry: Entry
    clock: Clock
    lasts: bool = True

    @property
    def begun(self) -> Begun | None:
        """The upload that the row names."""
        entry = self.entry
        return Begun(entry.uid, entry.url) if entry.state != "done" and entry.uid and entry.url else None

    async def creating(self) -> Creation:
        """Commit the intent."""
        creation = new_creation(self.entry.key, self.clock)
        self.entry = attrs.evolve(self.entry, state="creating", op=creation.op, uid=None, url=None, reason=None)
        await self.journal.creating(self.entry, creation)
        return creation

    async def created(self, creation: Creation, uid: str, url: Secret) -> None:
        """Commit where the bytes go."""
        self.entry = attrs.evolve(self.entry, state="created", uid=uid, url=url)
        await self.journal.created(self.entry, creation.op)

    async def settled(self, creation: Creation) -> None:
        """Commit that nothing is left of the attempt."""
        await self.journal.settled([creation.op])

    async def done(self, uid: str, creation: Creation | None = None) -> None:
        """Commit that the video is whole; between two commits a killed process would leave it without its attempt."""
        self.entry = attrs.evolve(self.entry, state="done", uid=uid, url=None, reason=None)
        if creation is None:
            await self.journal.write(self.entry)
        else:
            await self.journal.created(self.entry, creation.op)

    async def failed(self, reason: str) -> None:
        """Commit why the upload failed."""
        if self.entry.state == "done":  # what failed came after it
            return
        self.entry = attrs.evolve(self.entry, state="failed", reason=reason)
        await self.journal.write(self.entry)
