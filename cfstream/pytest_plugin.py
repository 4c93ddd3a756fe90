"""Fixtures for tests against the emulator: ``cfstream_emulator`` and ``cfstream_stream``."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from cfstream.client import Stream
    from cfstream.emulator import Emulator

try:
    import pytest_asyncio
except ImportError:  # pragma: no cover  # without it async fixtures have no one to run them
    pass
else:

    @pytest_asyncio.fixture
    async def cfstream_emulator(request: "pytest.FixtureRequest") -> "AsyncIterator[Emulator]":
        """A fresh emulator on the test's own event loop, gone after the test; planned faults must have been met."""
        # Imported here: every pytest run of everyone who has cfstream installed loads this file.
        from cfstream.emulator import Emulator

        failed_before = request.session.testsfailed
        async with Emulator() as emulator:
            yield emulator
            if request.session.testsfailed > failed_before:
                emulator.faults.clear()  # the test has its own failure to show

    @pytest_asyncio.fixture
    async def cfstream_stream(cfstream_emulator: "Emulator") -> "AsyncIterator[Stream]":
        """A client of that emulator."""
        async with cfstream_emulator.stream() as stream:
            yield stream
