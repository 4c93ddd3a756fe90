"""A blocking emulator with a few videos, shared by the tests of one file."""

from collections.abc import Iterator

import pytest

from cfstream.emulator import BlockingEmulator, Emulator
from cfstream.sync import Stream


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        running.pause_encoding()
        yield running


@pytest.fixture
def stream(emulator: BlockingEmulator) -> Iterator[Stream]:
    with emulator.stream() as client:
        yield client


@pytest.fixture(scope="module")
def uids(emulator: BlockingEmulator) -> list[str]:
    with emulator.stream() as client:
        return [client.create(upload_length=10, upload_metadata={"name": f"video {n}"}).uid for n in range(5)]
