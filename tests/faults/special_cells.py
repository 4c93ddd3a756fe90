"""Cells of the fault matrix that take more than one answer: closed ports, storms, cancellations, journals."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterator
from typing import Any

from fault_server import WHOLE, Act, Exchange, Planned, Where
from matrix_kit import BY_NAME, KIB, KINDS, SIZES, TRANSIENT, C, Cell, Ground, Outcome, Point, cell_of, lost

from cfstream import AuthenticationError, Limits, TransportError, UploadError

ALWAYS = 10**9
APART = 120.0
_SIZE = SIZES[-1]
_RNG = random.Random(0)


def _act(kind: str, where: Where, taken: int = 0) -> Act:
    return BY_NAME[kind].make(Point(where, 1, taken), _RNG)


# --- connections -------------------------------------------------------------------------------------------------


def _refused(where: Where) -> Cell:
    """A port where nobody listens until the client has to wait."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"

    def prepare(ground: Ground) -> None:
        ground.clock.first_wait = lambda: ground.server.listen(bound)
        _move(ground, where, url)

    return Cell(f"refused, {where}", _SIZE, [], prepare=prepare, proof=lambda ground: ground.clock.first_wait is None)


def _move(ground: Ground, where: Where, url: str) -> None:
    if where == "create":
        ground.site = url
    else:
        ground.account.upload_site = url


def _nameless(where: Where, times: int) -> Cell:
    """A host whose name is not found so many times."""
    failed: list[str] = []

    def prepare(ground: Ground) -> None:
        host = f"{'api' if where == 'create' else 'upload'}.c{ground.account.number}.test"
        loop: Any = asyncio.get_running_loop()
        known = type(loop).getaddrinfo

        async def getaddrinfo(name: str, *arguments: Any, **options: Any) -> Any:
            if name != host:
                return await known(loop, name, *arguments, **options)
            if len(failed) < times:
                failed.append(name)
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return await known(loop, "127.0.0.1", *arguments, **options)

        loop.getaddrinfo = getaddrinfo
        _move(ground, where, f"http://{host}:{ground.server.port}")

    name = f"name not found {times} times, {where}"
    return Cell(name, _SIZE, [], prepare=prepare, proof=lambda _: len(failed) == times)


def _no_tls(where: Where) -> Cell:
    """A server that does not speak TLS where it should."""

    def prepare(ground: Ground) -> None:
        ground.server.hellos = 0
        _move(ground, where, f"https://127.0.0.1:{ground.server.port}")

    return Cell(
        f"no TLS, {where}",
        _SIZE,
        [],
        TransportError,
        prepare=prepare,
        proof=lambda ground: ground.server.hellos == 1,
        again=where == "create",  # the journal knows the address that does not work
    )


async def _right_then_reset(exchange: Exchange) -> None:
    answer = await exchange.right()
    await exchange.say(answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
    exchange.keep = False
    exchange.server.resets = 1


async def _reset_twice(exchange: Exchange) -> None:
    exchange.reset()
    exchange.server.resets = 1


def _reset_unread(name: str, *plan: Planned) -> Cell:
    def prepare(ground: Ground) -> None:
        ground.server.resets = 0 if plan else 1

    return Cell(
        f"RST before read, {name}", _SIZE, list(plan), prepare=prepare, proof=lambda ground: not ground.server.resets
    )


def connections() -> Iterator[Cell]:
    yield from (_refused("create"), _refused("patch"))
    yield from (_nameless("create", 1), _nameless("patch", 1), _nameless("patch", 2))
    yield from (_no_tls("create"), _no_tls("patch"))
    yield _reset_unread("create")
    yield _reset_unread("patch 1", Planned("create", 1, _right_then_reset))
    yield _reset_unread("patch 3", Planned("patch", 2, _right_then_reset))
    yield _reset_unread("get", Planned("patch", 5, _right_then_reset))
    yield _reset_unread("head", Planned("patch", 1, _reset_twice))


# --- storms ------------------------------------------------------------------------------------------------------


def _storm(kind: str, where: Where, outcome: Outcome, taken: int = 0, *, size: int = _SIZE) -> Cell:
    plan = [Planned(where, 1, _act(kind, where, taken), times=ALWAYS)]
    if where == "head":
        plan.insert(0, Planned("patch", 1, lost()(Point("patch"), _RNG), times=ALWAYS))
    return Cell(f"{kind} for ever, {where}", size, plan, outcome)


def storms() -> Iterator[Cell]:
    for kind in ("404", "410", "409", "423", "500", "429 bare", "429 seconds", "no offset", "RST after headers"):
        yield _storm(kind, "patch", UploadError)
    for kind in ("404", "410", "423", "500", "429 bare", "429 seconds", "no offset", "RST after headers"):
        yield _storm(kind, "head", UploadError)
    yield _storm("offset unchanged", "patch", UploadError)
    # every answer is lost, but every chunk arrives
    for kind in ("RST, what came is kept", "FIN", "500", "no offset", "offset unchanged", "offset too high"):
        yield _storm(kind, "patch", None, WHOLE, size=20 * C)


async def _slow_to_take(exchange: Exchange) -> None:
    """Take each chunk in pieces, with a moment in between."""
    for _ in range(4):
        await exchange.take(C // 4)
        await asyncio.sleep(0.005)
    await exchange.say(await exchange.right())


def stalls() -> Iterator[Cell]:
    """The chunk is larger than what the sockets between hold, so that the watchdog of the body must end it."""
    chunk = 4096 * KIB
    for nth, taken in ((1, 0), (2, 100 * KIB), (3, 0)):
        plan = [Planned("patch", nth, _act("stops reading", "patch", taken))]
        yield Cell(f"stops reading 4 MiB, patch {nth}", int(2.6 * chunk), plan, slow=True, chunk=chunk)


# --- real limits -------------------------------------------------------------------------------------------------


def real_chunks() -> Iterator[Cell]:
    """Every kind that a chunk can meet, with the service's own limits and a chunk of the least size."""
    real = Limits()
    size = int(2.3 * real.chunk_min)
    for kind in KINDS:
        if "patch" in kind.outcomes and not kind.slow:
            cell = cell_of(kind, Point("patch", 2, _RNG.randrange(1, real.chunk_min) if kind.amid else 0), size, _RNG)
            cell.name += ", real chunks"
            cell.limits, cell.chunk = real, real.chunk_min
            yield cell


# --- the rate limit ----------------------------------------------------------------------------------------------


def governed() -> Iterator[Cell]:
    """One request after the other, each in its time: a place under the limit that is not given back holds all up."""
    for kind in TRANSIENT:
        for point in (Point("create"), Point("head"), Point("patch", 3), Point("get")):
            cell = cell_of(kind, point, _SIZE, _RNG)
            cell.name += ", under a rate limit"
            cell.apart = APART
            yield cell


# --- cancelling --------------------------------------------------------------------------------------------------


def _cancelling(taken: int) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.take(taken)
        assert exchange.account.client is not None
        exchange.account.client.cancel()
        await exchange.silence()

    return act


def cancellations() -> Iterator[Cell]:
    moments: tuple[tuple[Where, int], ...] = (
        ("create", 0),
        ("create", WHOLE),
        ("patch", 0),
        ("patch", 5000),
        ("patch", WHOLE),
        ("get", 0),
    )
    for where, taken in moments:
        plan = [Planned(where, 1, _cancelling(taken))]
        yield Cell(f"cancelled, {where} {taken}", _SIZE, plan, asyncio.CancelledError)
    repeated: tuple[Where, ...] = ("create", "get")
    for where in repeated:
        plan = [Planned(where, 1, _act("503 seconds", where)), Planned(where, 2, _cancelling(0))]
        yield Cell(f"cancelled in a repetition, {where}", _SIZE, plan, asyncio.CancelledError)


# --- journals ----------------------------------------------------------------------------------------------------


def _forgotten(ground: Ground) -> None:
    for room in ground.account.rooms.values():
        room.gone = True


def _other_middle(ground: Ground) -> None:
    ground.write(ground.data[: C + 100] + bytes(10) + ground.data[C + 110 :])


def journals() -> Iterator[Cell]:
    """The first run is refused half way; before the second one something changes."""
    for name, between in (("the service forgets", _forgotten), ("the file gets another middle", _other_middle)):
        plan = [Planned("patch", 3, _act("401", "patch"))]
        yield Cell(name, _SIZE, plan, AuthenticationError, between=between, from_file=True)


ALL: dict[str, Callable[[], Iterator[Cell]]] = {
    "connections": connections,
    "storms": storms,
    "stalls": stalls,
    "real chunks": real_chunks,
    "governed": governed,
    "cancellations": cancellations,
    "journals": journals,
}
