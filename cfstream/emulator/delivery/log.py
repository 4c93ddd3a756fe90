"""The log of webhook deliveries: what is to be sent, what was, and who waits for it."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Any, Final, Literal, overload

import attrs

from cfstream.emulator.errors import not_running

KEPT: Final = 1_000
"""The newest so many deliveries that have ended are kept."""

PATIENCE: Final = 30.0
"""Seconds that a test waits for a delivery unless it says otherwise."""


@attrs.frozen(kw_only=True)
class Delivery:
    """One message to the webhook's address, as it stands."""

    id: str
    event: Literal["ready", "error"]
    """What the video has become."""
    uid: str
    """The video."""
    created: float
    """When the video became that, in seconds since the epoch on the emulator's clock."""
    body: bytes = attrs.field(repr=False)
    """The video as JSON, byte for byte as it is signed."""
    status: Literal["waiting", "delivered", "failed"] = "waiting"
    attempts: int = 0
    """How often it was sent."""
    next_try: float | None = None
    """When it is sent again, on the emulator's clock; None once it has ended."""
    url: str | None = None
    """Where it was sent last."""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    """With which headers, the signature among them."""
    answer: int | None = None
    """The HTTP status that came back then; None where none did."""
    error: str | None = None
    """Why it did not arrive."""

    @property
    def settled(self) -> bool:
        """Whether it has ended: it arrived, or was given up."""
        return self.status != "waiting"


_Fits = Callable[[Delivery], bool]


class DeliveryLog:
    """Deliveries by age; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deliveries: dict[str, Delivery] = {}
        self._waiters: list[tuple[_Fits, int, Future[Delivery]]] = []

    def listed(self) -> tuple[Delivery, ...]:
        """All that are kept, oldest first."""
        with self._lock:
            return tuple(self._deliveries.values())

    def get(self, name: str) -> Delivery | None:
        """The delivery of that id."""
        with self._lock:
            return self._deliveries.get(name)

    def put(self, delivery: Delivery) -> None:
        """Take a delivery in, or what became of it, and tell who waits for it."""
        with self._lock:
            self._deliveries[delivery.id] = delivery
            settled = [each.id for each in self._deliveries.values() if each.settled]
            for name in settled[:-KEPT]:
                del self._deliveries[name]
            found = [(self._found(fits, count), future) for fits, count, future in self._waiters]
            met = [(each, future) for each, future in found if each is not None]
            self._waiters = [waiter for waiter, (each, _) in zip(self._waiters, found, strict=True) if each is None]
        for each, future in met:
            if future.set_running_or_notify_cancel():
                future.set_result(each)

    def _found(self, fits: _Fits, count: int) -> Delivery | None:
        fitting = filter(fits, self._deliveries.values())
        return next(islice(fitting, count - 1, None), None)

    def clear(self) -> None:
        """Forget those that have ended; the others are still to be sent."""
        with self._lock:
            self._deliveries = {name: each for name, each in self._deliveries.items() if not each.settled}

    def empty(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._deliveries.clear()

    def expect(self, fits: _Fits, count: int) -> "Future[Delivery]":
        """The delivery that is the first to fit, or the second and so on, as soon as there is one."""
        future: Future[Delivery] = Future()
        with self._lock:
            found = self._found(fits, count)
            if found is None:
                self._waiters.append((fits, count, future))
            else:
                future.set_result(found)
        return future

    def abandon(self) -> None:
        """Nothing will be sent any more: who waits is told so."""
        with self._lock:
            waiters, self._waiters = self._waiters, []
        for _, _, future in waiters:
            if future.set_running_or_notify_cancel():
                future.set_exception(not_running())


def _fits(uid: str | None, event: str | None, attempts: int | None) -> _Fits:
    def fits(delivery: Delivery) -> bool:
        far = delivery.settled if attempts is None else delivery.attempts >= attempts
        return far and uid in (None, delivery.uid) and event in (None, delivery.event)

    return fits


class _Shown(Sequence[Delivery]):
    """What both faces have."""

    def __init__(self, log: DeliveryLog) -> None:
        self._log = log

    def __repr__(self) -> str:
        return f"<{len(self)} deliveries>"

    def __len__(self) -> int:
        return len(self._log.listed())

    @overload
    def __getitem__(self, index: int) -> Delivery: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Delivery, ...]: ...
    def __getitem__(self, index: int | slice) -> Delivery | tuple[Delivery, ...]:
        return self._log.listed()[index]

    def __iter__(self) -> Iterator[Delivery]:
        return iter(self._log.listed())

    def clear(self) -> None:
        """Forget the deliveries that have ended; those still to be sent stay."""
        self._log.clear()


class Deliveries(_Shown):
    """The deliveries, oldest first, seen from asyncio."""

    async def wait(
        self,
        uid: str | None = None,
        event: Literal["ready", "error"] | None = None,
        *,
        attempts: int | None = None,
        count: int = 1,
        timeout: float = PATIENCE,  # noqa: ASYNC109  # both faces take the same arguments
    ) -> Delivery:
        """The first delivery that has ended, as soon as there is one; it may be in the log already.

        Args:
            uid: of this video only.
            event: of this event only.
            attempts: one that was sent so often, whether it has ended or not.
            count: the second of those, with 2, and so on; the oldest of the log is the first.
            timeout: how many seconds to wait, on the real clock.

        Raises:
            TimeoutError: there is none in that time.
            EmulatorError: the emulator was closed meanwhile.
        """
        future = self._log.expect(_fits(uid, event, attempts), count)
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout)


class BlockingDeliveries(_Shown):
    """The deliveries, oldest first, seen from code without an event loop."""

    def wait(
        self,
        uid: str | None = None,
        event: Literal["ready", "error"] | None = None,
        *,
        attempts: int | None = None,
        count: int = 1,
        timeout: float = PATIENCE,
    ) -> Delivery:
        """The first delivery that has ended, as soon as there is one; it may be in the log already.

        Args:
            uid: of this video only.
            event: of this event only.
            attempts: one that was sent so often, whether it has ended or not.
            count: the second of those, with 2, and so on; the oldest of the log is the first.
            timeout: how many seconds to wait, on the real clock.

        Raises:
            TimeoutError: there is none in that time.
            EmulatorError: the emulator was closed meanwhile.
        """
        future = self._log.expect(_fits(uid, event, attempts), count)
        try:
            return future.result(timeout)
        finally:
            future.cancel()


def shown(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the control shows it over HTTP."""
    return {**attrs.asdict(delivery), "headers": dict(delivery.headers), "body": delivery.body.decode()}
