"""Every call under every planned failure: how often it is sent, what there is afterwards, what the caller gets.

The cases are generated: each row of the API times each scenario; what is expected follows from the retry class that the
facts of the API give the row, and from nothing in the library.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import attrs
import pytest
from conformance_kit import SETUPS, World
from contract_facts import CALLS
from virtual_clock import VirtualClock

from cfstream import AmbiguousResultError, AuthenticationError, BadRequestError, Stream
from cfstream.emulator import BlockingEmulator, Emulator, Fault
from cfstream.emulator.media.testvideo import make_test_video

_UNAVAILABLE, _RESET = Fault.status(503), Fault.drop()
SCENARIOS: dict[str, tuple[Fault, ...]] = {
    "503 503": (_UNAVAILABLE, _UNAVAILABLE),
    "reset reset": (_RESET, _RESET),
    "reset 503": (_RESET, _UNAVAILABLE),
    "400": (Fault.status(400),),
    "401": (Fault.status(401),),
    "503 400": (_UNAVAILABLE, Fault.status(400)),
    "committed reset": (Fault.drop(after_commit=True),),
}
FACTS = {fact.row: fact for fact in CALLS}


@attrs.frozen
class Expected:
    sent: int
    """Requests of the row."""
    done: bool
    """Whether the service carried it out."""
    error: type[Exception] | None = None
    looked: int = 0
    """How often the caption was looked for."""


_REPEATED = {
    "503 503": Expected(3, done=True),
    "reset reset": Expected(3, done=True),
    "reset 503": Expected(3, done=True),
    "400": Expected(1, done=False, error=BadRequestError),
    "401": Expected(1, done=False, error=AuthenticationError),
    "503 400": Expected(2, done=False, error=BadRequestError),
    "committed reset": Expected(2, done=True),
}
_NEVER_BLINDLY = {
    "503 503": Expected(1, done=False, error=AmbiguousResultError),
    "reset reset": Expected(1, done=False, error=AmbiguousResultError),
    "reset 503": Expected(1, done=False, error=AmbiguousResultError),
    "400": Expected(1, done=False, error=BadRequestError),
    "401": Expected(1, done=False, error=AuthenticationError),
    "503 400": Expected(1, done=False, error=AmbiguousResultError),
    "committed reset": Expected(1, done=True, error=AmbiguousResultError),
}
_AFTER_A_LOOK = {
    "503 503": Expected(3, done=True, looked=2),
    "reset reset": Expected(3, done=True, looked=2),
    "reset 503": Expected(3, done=True, looked=2),
    "400": Expected(1, done=False, error=BadRequestError),
    "401": Expected(1, done=False, error=AuthenticationError),
    "503 400": Expected(2, done=False, error=BadRequestError, looked=1),
    "committed reset": Expected(1, done=True, looked=1),
}
EXPECTED = {
    "READ": _REPEATED,
    "SET": _REPEATED,
    "DELETE": _REPEATED,
    "CREATE": _NEVER_BLINDLY,
    "BODY_POST": _NEVER_BLINDLY,
    "GENERATE": _AFTER_A_LOOK,
}
LOOK = "CAPTIONS_LANGUAGE_GET"


@pytest.fixture(scope="module")
def emulator() -> Iterator[BlockingEmulator]:
    with Emulator() as running:
        yield running


@pytest.fixture(scope="module")
def ready(emulator: BlockingEmulator, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("conformance") / "clip.mp4"
    make_test_video(path, seconds=2, size=(160, 90))
    with emulator.stream() as stream:
        uid = stream.upload(path).uid
        stream.wait_until_ready(uid)
    emulator.pause_encoding()
    return uid


@pytest.fixture
async def world(emulator: BlockingEmulator, ready: str) -> AsyncIterator[World]:
    async with _client(emulator, VirtualClock()) as admin:
        yield World(admin, ready)


def _client(emulator: BlockingEmulator, clock: VirtualClock) -> Stream:
    return Stream(
        emulator.api_token, emulator.account_id, base_url=emulator.base_url, rate_limit=None, timeout=None, _clock=clock
    )


def test_every_row_is_tried() -> None:
    assert SETUPS.keys() == FACTS.keys()


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("row", FACTS)
async def test_conformance(row: str, scenario: str, emulator: BlockingEmulator, world: World) -> None:
    expected = EXPECTED[FACTS[row].retry][scenario]
    trial = await SETUPS[row](world)
    before = await trial.count()
    emulator.requests.clear()
    emulator.faults.add(row, *SCENARIOS[scenario])
    error: Exception | None = None
    async with _client(emulator, VirtualClock()) as stream:
        try:
            await trial.call(stream)
        except Exception as raised:  # noqa: BLE001  # which one it is, is asserted below
            error = raised
    sent, looked = emulator.requests.count(row), emulator.requests.count(LOOK)
    met = len(SCENARIOS[scenario]) - len(emulator.faults.pending)
    emulator.faults.clear()

    assert type(error) is (expected.error or type(None)), error
    assert sent == expected.sent
    assert met == min(sent, len(SCENARIOS[scenario]))
    if row != LOOK:
        assert looked == expected.looked
    assert await trial.count() - before == (trial.makes if expected.done else 0)
    if isinstance(error, AmbiguousResultError):
        assert error.attempts == sent
        assert error.since
