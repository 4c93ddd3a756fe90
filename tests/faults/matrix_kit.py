"""The fault matrix: kinds of faults, the places where they strike, what must come of each, and who judges it."""

import asyncio
import gzip
import io
import itertools
import logging
import random
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import attrs
import pytest
from fault_server import (
    ADDRESS,
    EVIL,
    TOKEN,
    WHOLE,
    Account,
    Act,
    Exchange,
    FaultServer,
    Planned,
    Where,
    envelope,
    http,
)
from unit_kit import all_words, mentions
from virtual_clock import VirtualClock

from cfstream import (
    APIError,
    AuthenticationError,
    ConflictError,
    Limits,
    NotFoundError,
    PermissionDeniedError,
    RateLimit,
    RedirectError,
    RetryPolicy,
    Stream,
    StreamError,
    TransportError,
    UploadError,
)
from cfstream.uploads import driver

KIB = 1024
C = 64 * KIB
LIMITS = Limits(chunk_min=C, chunk_default=C, chunk_max=4096 * KIB, chunk_multiple=C)
SIZES = (1, C - 1, C, C + 1, int(4.6 * C))
POLICY = RetryPolicy(connect_timeout=5.0, response_timeout=5.0)
SILENCE = 0.15
"""Seconds of real time after which a cell whose server falls silent goes on; nothing else in a cell takes time."""
HASTY = RetryPolicy(connect_timeout=5.0, response_timeout=SILENCE)
LONGEST = 700.0
"""Seconds of virtual time that an upload may take which meets the same fault for ever."""
PER_FAULT = 40.0
"""Seconds of virtual time that any other fault may cost, beside the pause it asks for."""
SPREAD = 3
"""Places inside each chunk at which a fault strikes."""
HANGS = 60.0
"""Seconds of real time after which a cell is given up."""
ACCOUNT = "a" * 32

Outcome = type[BaseException] | None
"""The error that must come; None for a video."""


# --- kinds -------------------------------------------------------------------------------------------------------


@attrs.frozen
class Point:
    """Where a fault strikes: the nth request of a kind, after so many bytes of its body were taken."""

    where: Where
    nth: int = 1
    taken: int = 0

    def __str__(self) -> str:
        depth = {0: "before", WHOLE: "after commit"}.get(self.taken, f"at byte {self.taken}")
        return f"{self.where} {self.nth} {depth}"


@attrs.frozen
class Kind:
    """One way of failing."""

    name: str
    make: Callable[[Point, random.Random], Act]
    outcomes: Mapping[str, Outcome]
    """By place; the fault does not happen at places that are not named."""
    after: bool = True
    """Whether it may also come when the request was carried out."""
    amid: bool = True
    """Whether it may also come in the middle of a body."""
    once: bool = False
    """Whether the first such answer must be the last request of its kind."""
    slow: bool = False
    """Whether the client's own watchdogs must end it."""


_EVERYWHERE: tuple[Where, ...] = ("create", "head", "patch", "get")
_FINE: dict[str, Outcome] = dict.fromkeys(_EVERYWHERE)


def _said(*answer: Any, body: bytes = b"") -> Callable[[Point, random.Random], Act]:
    """Answer so, after the bytes that the point names."""

    def make(point: Point, _: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            await exchange.say(http(*answer, body=b"" if exchange.where == "head" else body))

        return act

    return make


def _raw(data: Callable[[Exchange], bytes]) -> Callable[[Point, random.Random], Act]:
    """Answer with these bytes as they stand, and close."""

    def make(point: Point, _: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            await exchange.say(data(exchange))
            await exchange.end()

        return act

    return make


def _gone(status: int) -> Callable[[Point, random.Random], Act]:
    """The upload is cleared away."""

    def make(point: Point, _: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            if exchange.room is not None and exchange.where != "get":
                exchange.room.gone = True
            await exchange.say(http(status))

        return act

    return make


def _quiet(status: int, *, form: str) -> Callable[[Point, random.Random], Act]:
    """Ask for a pause, in one of the forms there are or by odd words; nothing may come before it is over."""

    def make(point: Point, rng: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            seconds = rng.randint(1, 40)
            now = time.time() + rng.choice([-3600, 0, 3600])
            headers = {
                "seconds": [f"Retry-After: {seconds}"],
                "date": [
                    f"Date: {formatdate(now, usegmt=True)}",
                    f"Retry-After: {formatdate(now + seconds, usegmt=True)}",
                ],
                "bare": [],
            }.get(form, [f"Retry-After: {form}"])
            if form in {"seconds", "date"}:
                exchange.account.quiet(seconds)
            await exchange.say(http(status, *headers))

        return act

    return make


_ODD = {
    "zero": "0",
    "negative": "-5",
    "no number": "nan",
    "infinite": "inf",
    "overflowing": "1e400",
    "letters": "abc",
    "past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "endless": "9" * 400,
    "foreign digit": "\u0661",
}
"""Pauses that nobody can mean: each costs no more than an answer that asks for none."""
_LIKE_ANOTHER = frozenset(f"429 {name}" for name in _ODD) - {"429 infinite"}
"""Of these one is enough among other faults."""


def _offset(value: Callable[[Exchange, random.Random], str | None]) -> Callable[[Point, random.Random], Act]:
    """Answer with success and a wrong Upload-Offset."""

    def make(point: Point, rng: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            told = value(exchange, rng)
            headers = [] if told is None else [f"Upload-Offset: {told}"]
            if exchange.where == "head" and exchange.room is not None:
                exchange.room.told = int(told) if told is not None and told.isdecimal() and told.isascii() else None
                headers.append(f"Upload-Length: {exchange.room.size}")
            await exchange.say(http(204 if exchange.where == "patch" else 200, *headers))

        return act

    return make


def _too_high(exchange: Exchange, rng: random.Random) -> str:
    assert exchange.room is not None
    sent = int(exchange.headers.get("upload-offset", "0")) + int(exchange.headers.get("content-length", "0"))
    size = exchange.room.size
    claims = [sent + 1, size + 1, 999_999_999, *([size] if size > sent else [])]
    return str(rng.choice(claims) if exchange.where == "patch" else size + 1)


def _too_low(exchange: Exchange, rng: random.Random) -> str:
    return str(max(0, int(exchange.headers.get("upload-offset", "0")) - rng.choice([1, C])))


def lost(*, store: bool = True, fin: bool = False) -> Callable[[Point, random.Random], Act]:
    """Break the connection in place of an answer."""

    def make(point: Point, _: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken, store=store)
            await exchange.end() if fin else exchange.reset()

        return act

    return make


def silent(point: Point, _: random.Random) -> Act:
    async def act(exchange: Exchange) -> None:
        await exchange.take(point.taken)
        await exchange.silence()

    return act


def _dripping(point: Point, _: random.Random) -> Act:
    """Answer so slowly that no limit on silence ever sees it end."""

    async def act(exchange: Exchange) -> None:
        await exchange.take(point.taken)
        exchange.keep = False
        exchange.writer.write(b"HTTP/1.1 200 X\r\nX-Slow: ")
        while not exchange.account.over.is_set():
            exchange.writer.write(b".")
            await exchange.writer.drain()
            await asyncio.sleep(SILENCE / 5)

    return act


def _redirect(host: str) -> Callable[[Point, random.Random], Act]:
    def make(point: Point, rng: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            await exchange.take(point.taken)
            target = f"http://{host}:{exchange.server.port}/{exchange.account.number}/{EVIL}/media/x"
            await exchange.say(http(rng.choice([301, 302, 307, 308]), f"Location: {target}"))

        return act

    return make


def _location(write: Callable[[Exchange, str], Sequence[str]]) -> Callable[[Point, random.Random], Act]:
    """Make the room, and say where it is in a form of its own."""

    def make(_: Point, __: random.Random) -> Act:
        async def act(exchange: Exchange) -> None:
            room = exchange.made()
            await exchange.say(http(201, *write(exchange, exchange.location(room)), f"stream-media-id: {room.uid}"))

        return act

    return make


_HTML = b"<html><body>Please log in to the hotel's network</body></html>"
_BOMB = gzip.compress(bytes(20 * 1024 * KIB))
_CUT_JSON = envelope({"uid": "0" * 32})[:-30]


def _html(status: int) -> Callable[[Point, random.Random], Act]:
    return _said(status, "Content-Type: text/html", body=_HTML)


def _status(status: int, *, create: Outcome = None, head: Outcome = None, get: Outcome = None, **more: Any) -> Kind:
    outcomes: dict[str, Outcome] = {"create": create, "head": head, "patch": more.pop("patch", None), "get": get}
    return Kind(str(status), more.pop("make", _said(status)), outcomes, **more)


def _refusal(status: int, error: type[APIError] = APIError) -> Kind:
    return Kind(str(status), _said(status), dict.fromkeys(_EVERYWHERE, error), once=True, after=False)


def _unreadable(*places: Where) -> dict[str, Outcome]:
    """What nobody can read is no answer: it is gone on from there, but for the last look at the video."""
    return {place: TransportError if place == "get" else None for place in places}


def _pause(name: str, status: int, form: str, *, amid: bool = True) -> Kind:
    return Kind(name, _quiet(status, form=form), _FINE, after=False, amid=amid)


KINDS: tuple[Kind, ...] = (
    Kind("RST after headers", lost(), _FINE, after=False, amid=False),
    Kind("RST amid the body", lost(store=False), {"patch": None}, after=False),
    Kind("RST, what came is kept", lost(), _FINE),
    Kind("FIN", lost(fin=True), _FINE),
    Kind("never an answer", silent, _FINE, amid=False, slow=True),
    Kind("stops reading", silent, {"patch": None}, after=False, slow=True),
    Kind("one byte at a time", _dripping, _FINE, amid=False, slow=True),
    _status(408),
    _pause("429 seconds", 429, "seconds"),
    _pause("429 date", 429, "date"),
    _pause("429 bare", 429, "bare"),
    *(_pause(f"429 {name}", 429, words, amid=False) for name, words in _ODD.items()),
    _status(500),
    Kind("502 HTML", _html(502), _FINE),
    _pause("503 seconds", 503, "seconds"),
    _status(504),
    _status(520),
    _status(522, after=False),
    _status(524),
    _status(409, create=ConflictError, get=ConflictError, after=False),
    _status(423, create=APIError, get=APIError, after=False),
    _status(404, create=NotFoundError, make=_gone(404), after=False),
    _status(410, create=APIError, get=APIError, make=_gone(410), after=False),
    _refusal(401, AuthenticationError),
    _refusal(403, PermissionDeniedError),
    _refusal(413),
    _refusal(415),
    _refusal(460),
    Kind("no offset", _offset(lambda *_: None), {"head": None, "patch": None}),
    Kind(
        "offset no number",
        _offset(lambda _, rng: rng.choice(["abc", "-1", "1e3", "\u0661", ""])),
        {"head": None, "patch": None},
    ),
    Kind("offset too high", _offset(_too_high), {"head": UploadError, "patch": None}),
    Kind("offset too low", _offset(_too_low), {"head": None, "patch": None}),
    Kind("offset unchanged", _offset(lambda exchange, _: exchange.headers["upload-offset"]), {"patch": None}),
    Kind("cut JSON", _said(200, "Content-Type: application/json", body=_CUT_JSON), _FINE),
    Kind("HTML 200", _html(200), _FINE),
    Kind("binary garbage", _raw(lambda _: bytes(range(128, 256)) * 8 + b"\r\n\r\n"), _unreadable(*_EVERYWHERE)),
    Kind("success false", _said(200, body=envelope(None, success=False)), {**_FINE, "get": APIError}),
    Kind("redirect", _redirect("127.0.0.1"), dict.fromkeys(_EVERYWHERE, RedirectError), once=True, after=False),
    Kind(
        "redirect elsewhere", _redirect("localhost"), dict.fromkeys(_EVERYWHERE, RedirectError), once=True, after=False
    ),
    Kind("huge header", _raw(lambda _: http(200, f"X-Big: {'x' * 9000}")), _unreadable(*_EVERYWHERE)),
    Kind("gzip bomb", _said(200, "Content-Encoding: gzip", body=_BOMB), _unreadable("create", "patch", "get")),
    Kind("no Location", _location(lambda *_: []), {"create": None}, amid=False),
    Kind(
        "Location without host",
        _location(lambda _, url: [f"Location: /{url.split('/', 3)[3]}"]),
        {"create": None},
    ),
    Kind(
        "Location elsewhere",
        _location(lambda _, url: [f"Location: {url.replace('127.0.0.1', 'localhost')}"]),
        {"create": None},
    ),
    Kind("Location unreadable", _location(lambda *_: ["Location: http://[::1"]), {"create": UploadError}),
)
BY_NAME = {kind.name: kind for kind in KINDS}


# --- cells -------------------------------------------------------------------------------------------------------


@attrs.define
class Cell:
    """One upload, what strikes it, and what must come of it."""

    name: str
    size: int
    plan: list[Planned]
    outcome: Outcome | None = None
    any_outcome: bool = False
    """Whether an error is as good as a video."""
    once: Where | None = None
    slow: bool = False
    chunk: int | None = None
    prepare: Callable[["Ground"], None] | None = None
    proof: Callable[["Ground"], bool] | None = None
    """Tells that a fault which is no request was met."""
    between: Callable[["Ground"], None] | None = None
    """What happens before the second run; nothing of the first is gone on with then."""
    again: bool = True
    """Whether the second run can succeed."""
    from_file: bool = False
    unmet: bool = False
    """Whether the upload may end before it meets what was planned."""
    limits: Limits = LIMITS
    apart: float = 0.0
    """Seconds between two requests under a rate limit; none applies without."""
    step: Callable[[Coroutine[Any, Any, str]], Awaitable[str]] | None = None
    """Drives the first run, where that is not left to the loop."""
    inspect: Callable[["Ground"], Iterator[str]] | None = None
    """Tells what is wrong after a first run that gave no video."""
    resent: int = C
    """Bytes that one fault may cause to be sent again."""


def chunks_of(size: int) -> int:
    return -(-size // C)


def points(kind: Kind, size: int, rng: random.Random, *, dense: bool) -> Iterator[Point]:
    """Give the places of a kind in a file of that size: all chunks where dense, else the last."""
    if "patch" in kind.outcomes:
        yield from _in_chunks(kind, size, rng, dense=dense)
    if "create" in kind.outcomes:
        if kind.name not in _ONLY_MADE:
            yield Point("create", 1, 0)
        if kind.after:
            yield Point("create", 1, WHOLE)
    for where in ("head", "get"):
        if where in kind.outcomes:
            yield Point(where)


def _in_chunks(kind: Kind, size: int, rng: random.Random, *, dense: bool) -> Iterator[Point]:
    last = chunks_of(size)
    for nth in range(1, last + 1) if dense else (last,):
        length = min(C, size - (nth - 1) * C)
        yield Point("patch", nth, 0)
        if kind.amid and length > 1:
            inside = rng.sample(range(1, length), SPREAD if dense else 1)
            yield from (Point("patch", nth, taken) for taken in inside)
        if kind.after:
            yield Point("patch", nth, WHOLE)


_ONLY_MADE = frozenset({"no Location", "Location without host", "Location elsewhere", "Location unreadable"})


def cell_of(kind: Kind, point: Point, size: int, rng: random.Random) -> Cell:
    plan = [Planned(point.where, point.nth, kind.make(point, rng))]
    if point.where == "head":  # nobody asks without a doubt
        plan.insert(0, Planned("patch", 1, lost()(Point("patch", 1, rng.choice([0, size // 2])), rng)))
    outcome = kind.outcomes[point.where]
    return Cell(
        f"{kind.name}, {point}, {size} bytes",
        size,
        plan,
        outcome,
        once=point.where if kind.once else None,
        slow=kind.slow,
        resent=size if outcome is None and kind.name in {"404", "410"} else C,
    )


def cells_of(kind: Kind, seed: int) -> list[Cell]:
    rng = random.Random(f"{kind.name} {seed}")
    return [
        cell_of(kind, point, size, rng) for size in SIZES for point in points(kind, size, rng, dense=size == SIZES[-1])
    ]


def schedule(number: int, seed: int) -> Cell:
    """Several faults of the transient kinds, anywhere: each strikes the next request of its kind."""
    rng = random.Random(f"schedule {seed} {number}")
    size = rng.choice(SIZES[2:])
    drawn: list[tuple[Kind, Point]] = []
    for _ in range(rng.randint(2, 12)):
        kind = rng.choice(TRANSIENT)
        drawn.append((kind, rng.choice(list(points(kind, size, rng, dense=True)))))
    counts: Counter[Where] = Counter()
    plan: list[Planned] = []
    for kind, point in _reachable(drawn, size):
        counts[point.where] += 1
        plan.append(Planned(point.where, counts[point.where], kind.make(point, rng)))
    return Cell(f"schedule {seed}/{number}", size, plan, any_outcome=True, resent=size)


TRANSIENT = [kind for kind in KINDS if kind.outcomes == _FINE and not kind.slow and kind.name not in _LIKE_ANOTHER]


def _reachable(drawn: Sequence[tuple[Kind, Point]], size: int) -> Iterator[tuple[Kind, Point]]:
    """Leave out chunks after the file is whole, and questions of a client that has no doubt."""
    there, doubts = 0, any(point.where == "patch" for _, point in drawn)
    for kind, point in drawn:
        if point.where == "patch":
            if there == size:
                continue
            length = min(C, size - there)
            there += length if point.taken == WHOLE else min(point.taken, length)
        if point.where != "head" or doubts:
            yield kind, point


# --- judging -----------------------------------------------------------------------------------------------------


class Ground:
    """What one cell stands on: its account, its clock, its client's options."""

    def __init__(self, server: FaultServer, cell: Cell, number: int, folder: Path) -> None:
        self.server = server
        self.cell = cell
        self.clock = WaitingClock()
        self.account = server.accounts[number] = Account(number, self.clock, cell.plan)
        self.data = random.Random(number).randbytes(cell.size)
        self.folder = folder / f"{number}"
        self.folder.mkdir()
        self.journal = self.folder / "uploads.db"
        self.file = self.folder / "film.mp4"
        self.site = server.url
        self.source: bytes | Path = self.data
        if cell.from_file:
            self.write(self.data)
        self.policy = HASTY if cell.slow else POLICY

    def write(self, data: bytes) -> None:
        """Put the data into the file that is uploaded."""
        self.data, self.source = data, self.file
        self.file.write_bytes(data)

    def client(self) -> Stream:
        return Stream(
            TOKEN,
            ACCOUNT,
            base_url=f"{self.site}/{self.account.number}",
            retry=self.policy,
            rate_limit=RateLimit(requests=2, per=self.cell.apart) if self.cell.apart else None,
            _limits=self.cell.limits,
            _clock=self.clock,
        )


class WaitingClock(VirtualClock):
    """A virtual clock beginning now, that tells when its client first has to wait."""

    def __init__(self) -> None:
        super().__init__(epoch=time.time())
        self.first_wait: Callable[[], Awaitable[None]] | None = None

    async def sleep(self, seconds: float) -> None:
        told, self.first_wait = self.first_wait, None
        if told is not None:
            await told()
        await super().sleep(seconds)


async def _tried(ground: Ground, cell: Cell) -> BaseException | str:
    """Upload once, and give the uid or what was raised."""
    work = _uploaded(ground, cell)
    try:
        return await (work if cell.step is None else cell.step(work))
    except BaseException as error:  # noqa: BLE001  # whatever comes is judged
        return error


async def _uploaded(ground: Ground, cell: Cell) -> str:
    async with ground.client() as stream:
        video = await stream.upload(ground.source, name="film.mp4", resume=ground.journal, chunk_size=cell.chunk)
    return video.uid


def _judged(ground: Ground, cell: Cell, result: BaseException | str) -> Iterator[str]:
    account = ground.account
    yield from account.broken
    # an error may come of the first faults; a video is there only after all of them
    if not cell.unmet and (isinstance(result, str) or not cell.any_outcome):
        yield from (f"planned fault was not met: {unmet}" for unmet in account.unmet())
    whole = [room for room in account.kept if bytes(room.data) == ground.data]
    if isinstance(result, str):
        if [room.uid for room in account.kept] != [result] or not whole:
            kept = [len(room.data) for room in account.kept]
            yield f"a video, but the service holds {len(account.kept)} of {kept} bytes, {len(whole)} of them right"
        if cell.outcome is not None:
            yield f"a video in place of {cell.outcome.__name__}"
    else:
        yield from _judged_error(account, cell, result)
    if cell.once and account.counts[cell.once] != 1 + sum(one.nth - 1 for one in cell.plan if one.where == cell.once):
        yield f"a refusal was repeated: {account.seen}"
    faults = sum(one.met for one in cell.plan)
    bound = cell.size * max(1, len(account.rooms)) + faults * (cell.chunk or cell.resent)
    if account.body_bytes > bound:
        yield f"{account.body_bytes} bytes were sent, the bound is {bound}"
    if account.clock.now > (longest := _longest(account, cell)):
        yield f"took {account.clock.now:.0f} s, the bound is {longest:.0f} s"
    yield from _told_by_files(ground)


def _longest(account: Account, cell: Cell) -> float:
    """Give how much virtual time is right for what the upload met."""
    if any(one.times > 1 for one in cell.plan):
        return LONGEST
    faults = sum(one.met for one in cell.plan)
    return account.paused * 1.1 + cell.apart * len(account.seen) + PER_FAULT * max(1, faults)


def _told_by_files(ground: Ground) -> Iterator[str]:
    """Tell which files hold what they must not: the address of an upload belongs in the journal alone."""
    for path in ground.folder.iterdir():
        try:
            content, mode = path.read_bytes(), path.stat().st_mode
        except FileNotFoundError:  # a journal whose upload was cancelled is closed by its own thread
            continue
        of_journal = path.name.startswith(ground.journal.name)
        found = [word for word in (TOKEN, *(() if of_journal else (ADDRESS,))) if word.encode() in content]
        if found:
            yield f"{path.name} holds {found}"
        if of_journal and mode & 0o077:
            yield f"{path.name} can be read by others"


def _judged_error(account: Account, cell: Cell, error: BaseException) -> Iterator[str]:
    if cell.outcome is asyncio.CancelledError and isinstance(error, asyncio.CancelledError):
        return
    if not isinstance(error, StreamError):
        yield f"not an error of the library: {error!r}\n{''.join(traceback.format_exception(error))}"
        return
    if cell.outcome is None and not cell.any_outcome:
        yield f"{type(error).__name__} in place of a video: {error}"
    elif cell.outcome is not None and not isinstance(error, cell.outcome):
        yield f"{type(error).__name__} in place of {cell.outcome.__name__}: {error}"
    yield from _missing_fields(account, error)
    if len(account.kept) > 1:
        yield f"failed, and {len(account.kept)} videos are left"
    shown = mentions(all_words(error), [TOKEN, ADDRESS])
    if shown:
        yield f"the error shows {shown}"


def _missing_fields(account: Account, error: StreamError) -> Iterator[str]:
    if isinstance(error, UploadError):
        if error.uid not in {None, *account.rooms}:
            yield f"the error names {error.uid}, which the service does not know"
    elif not error.request:
        yield f"the error does not say which request failed: {error!r}"
    if isinstance(error, APIError) and error.status is None:
        yield "the error has no status"


async def _again(ground: Ground, cell: Cell) -> list[str]:
    """Run the same upload without faults: it goes on where it stood."""
    account = ground.account
    account.next_run()
    ground.site, ground.policy = ground.server.url, POLICY
    if cell.between is not None:
        cell.between(ground)
    before, creates = account.body_bytes, account.counts["create"]
    resumable = [] if cell.between else [room for room in account.kept if account.seen.count("patch")]
    there = len(resumable[0].data) if resumable else 0
    cell.step = None
    result = await _tried(ground, cell)
    problems = [f"second run: {one}" for one in account.broken]
    if not isinstance(result, str):
        return [*problems, f"second run: {result!r}"]
    if len(account.kept) != 1 or bytes(account.kept[0].data) != ground.data:
        problems.append(f"second run: the service holds {[len(room.data) for room in account.kept]} bytes")
    if account.body_bytes - before > cell.size - there:
        problems.append(f"second run: sent {account.body_bytes - before} bytes, {there} were there")
    if resumable and account.counts["create"] != creates:
        problems.append("second run: made another upload")
    return problems


async def _run(server: FaultServer, cell: Cell, number: int, folder: Path) -> list[str]:
    ground = Ground(server, cell, number, folder)
    if cell.prepare is not None:
        cell.prepare(ground)
    ground.account.client = asyncio.create_task(_tried(ground, cell))
    async with asyncio.timeout(HANGS):
        result = await ground.account.client
    problems = list(_judged(ground, cell, result))
    ground.account.client = None
    if cell.proof is not None and not cell.proof(ground):
        problems.append("the fault was not met")
    if cell.inspect is not None and not isinstance(result, str):
        problems += cell.inspect(ground)
    if cell.again and not isinstance(result, str) and not problems:
        problems = await _again(ground, cell)
    ground.account.over.set()
    server.unlisten()
    del server.accounts[number]
    return [f"{cell.name}: {problem}" for problem in problems]


_numbers = itertools.count(1)


async def violations(cells: Iterable[Cell], folder: Path) -> list[str]:
    """Run the cells and give what went wrong; slow ones run side by side."""
    found: list[str] = []
    with _noted() as log, _quick_watchdogs():
        async with FaultServer() as server:
            for batch in _batches(cells):
                tasks, sockets = asyncio.all_tasks() - server.tasks, _sockets()
                runs = [_run(server, cell, next(_numbers), folder) for cell in batch]
                found += itertools.chain.from_iterable(await asyncio.gather(*runs))
                found += await _left(server, tasks, sockets, batch)
    shown = mentions(log.getvalue(), [TOKEN, ADDRESS])
    return [*found, f"the log shows {shown}"] if shown else found


def _batches(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    slow: list[Cell] = []
    for cell in cells:
        if not cell.slow:
            yield [cell]
            continue
        slow.append(cell)
        if len(slow) == 8:
            yield slow
            slow = []
    if slow:
        yield slow


async def _left(server: FaultServer, tasks: set[asyncio.Task[Any]], sockets: int, batch: Sequence[Cell]) -> list[str]:
    """Tell what the clients left open, a moment after they closed."""
    for wait in (0.0, 0.0, 0.001, 0.01, 0.05, 0.1, 0.1):
        more = asyncio.all_tasks() - server.tasks - tasks
        if not more and not server.tasks and _sockets() <= sockets:
            return []
        await asyncio.sleep(wait)
    names = ", ".join(cell.name for cell in batch)
    return [f"{names}: left {len(more)} tasks, {len(server.tasks)} connections, {_sockets() - sockets} sockets"]


def _sockets() -> int:
    return sum(_is_socket(link) for link in Path("/proc/self/fd").iterdir())


def _is_socket(link: Path) -> bool:
    try:
        return str(link.readlink()).startswith("socket:")
    except OSError:  # the descriptor of the listing itself
        return False


@contextmanager
def _noted() -> Iterator[io.StringIO]:
    """Keep all that is logged, by anybody, at every level."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    names = ("cfstream", "aiohttp", "asyncio")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        yield log
    finally:
        for name in names:
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(levels[name])


@contextmanager
def _quick_watchdogs() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "_PULL_TIMEOUT", SILENCE)
        patch.setattr(driver, "_ANSWER_TIMEOUT", SILENCE)
        yield
