"""Faults planned for requests to come, and the account of which were met."""

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Literal

import attrs

from cfstream.emulator.control import values
from cfstream.emulator.errors import EmulatorError
from cfstream.errors import InvalidInputError

Kind = Literal["status", "drop", "cut", "stall", "delay"]

_LARGEST = 2**53
_MOST_TIMES = 100_000


@attrs.frozen(kw_only=True)
class Fault:
    """What happens to one request; made by the class methods."""

    kind: Kind
    http_status: int = 0
    code: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = attrs.field(default=None, repr=False)
    size: int | None = None
    after_commit: bool = False
    seconds: float = 0.0

    @classmethod
    def status(
        cls,
        status: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | None = None,
        code: int | None = None,
    ) -> "Fault":
        """An answer in place of the service's; nothing is done.

        Args:
            status: 200 to 599.
            headers: of the answer, such as ``Retry-After``.
            body: as it is to be sent, as ``text/html`` unless a header says otherwise; without it the API's
                envelope with an error.
            code: of the error in that envelope; one that suits the status unless given.

        Raises:
            InvalidInputError: a value is refused.
        """
        values.whole("status", status, 200, 599)
        if code is not None:
            values.whole("code", code, 0, _LARGEST)
        pairs = tuple((headers or {}).items())
        for pair in pairs:
            _check_header(pair)
        if not _is_text(body) and not isinstance(body, bytes | None):
            raise InvalidInputError("body: must be text or bytes")
        sent = body.encode() if isinstance(body, str) else body
        return cls(kind="status", http_status=status, headers=pairs, body=sent, code=code)

    @classmethod
    def drop(cls, *, after_commit: bool = False, after_bytes: int | None = None) -> "Fault":
        """A connection reset (RST) in place of an answer.

        Args:
            after_commit: do first what was asked for; otherwise nothing is done.
            after_bytes: take so many bytes of the body first. What came of a resumable upload is kept; nothing is
                done otherwise.

        Raises:
            InvalidInputError: a value is refused.
        """
        if after_bytes is not None:
            values.whole("after_bytes", after_bytes, 0, _LARGEST)
            if after_commit:
                raise InvalidInputError("after_bytes: cannot go with after_commit")
        return cls(kind="drop", after_commit=after_commit, size=after_bytes)

    @classmethod
    def cut(cls, after: int = 0) -> "Fault":
        """An answer that ends after so many bytes of its body; what was asked for is done.

        An answer whose body is not longer, or that has none, is lost as a whole.

        Raises:
            InvalidInputError: the number is refused.
        """
        values.whole("after", after, 0, _LARGEST)
        return cls(kind="cut", size=after)

    @classmethod
    def stall(cls) -> "Fault":
        """No answer until the client leaves or the emulator closes; nothing is done and no body is read."""
        return cls(kind="stall")

    @classmethod
    def delay(cls, seconds: float) -> "Fault":
        """A pause before the request is looked at, in seconds by `Emulator.clock`, which may be put forward meanwhile.

        Raises:
            InvalidInputError: the number is refused.
        """
        return cls(kind="delay", seconds=values.seconds("seconds", seconds, values.DAY))

    def __str__(self) -> str:
        match self.kind:
            case "status":
                return f"status {self.http_status}"
            case "drop" if self.size is not None:
                return f"drop after {self.size} bytes"
            case "drop":
                return f"drop {'after' if self.after_commit else 'before'} commit"
            case "cut":
                return f"cut after {self.size} bytes"
            case "delay":
                return f"delay {self.seconds:g} s"
            case _:
                return self.kind


def _check_header(pair: tuple[object, object]) -> None:
    if not all(_is_text(part) and str(part).isprintable() for part in pair) or not pair[0]:
        raise InvalidInputError("headers: must be texts without control characters")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_fault(value: object) -> bool:
    return isinstance(value, Fault)


@attrs.frozen
class PlannedFault:
    """A fault and whom it waits for, or whom it met."""

    row: str | None
    """The name of a call, such as ``STREAM_GET``; None stands for any."""
    fault: Fault

    def __str__(self) -> str:
        return f"{self.row or 'any request'}: {self.fault}"


class Faults:
    """Faults in the order in which they are spent; every method may be called from any thread."""

    def __init__(self, rows: Collection[str]) -> None:
        self._rows = frozenset(rows)
        self._lock = threading.Lock()
        self._pending: list[PlannedFault] = []
        self._spent: list[PlannedFault] = []

    def __repr__(self) -> str:
        return f"<{len(self._pending)} pending, {len(self._spent)} spent>"

    def add(self, row: str | None = None, *faults: Fault, times: int = 1) -> None:
        """Plan faults: the first for the next request of that kind, the second for the one after it, and so on.

        Args:
            row: the name of a call, such as ``STREAM_GET``, ``TUS_HEAD``, ``TUS_PATCH`` or
                ``DIRECT_UPLOAD``; None takes any request.
            faults: what happens, one fault per request.
            times: how often the whole sequence happens.

        Raises:
            InvalidInputError: there is no such call, or no fault.
        """
        if row is not None and not _is_text(row):
            raise InvalidInputError("row: must be the name of a call, such as STREAM_GET, or None")
        if row is not None and row not in self._rows:
            close = get_close_matches(row, self._rows, n=1)
            raise InvalidInputError(f"row: {row!r:.60} is no call{f'; did you mean {close[0]}?' if close else ''}")
        if not faults or not all(map(_is_fault, faults)):
            raise InvalidInputError("faults: give one or more, such as Fault.status(503)")
        values.whole("times", times, 1, _MOST_TIMES)
        with self._lock:
            self._pending += [PlannedFault(row, fault) for _ in range(times) for fault in faults]

    def take(self, row: str | None) -> Fault | None:
        """The fault that the request which came now meets; it is spent from here on."""
        with self._lock:
            for index, planned in enumerate(self._pending):
                if planned.row in (None, row):
                    del self._pending[index]
                    self._spent.append(PlannedFault(row, planned.fault))
                    return planned.fault
        return None

    @property
    def pending(self) -> tuple[PlannedFault, ...]:
        """What was planned and not met yet."""
        with self._lock:
            return tuple(self._pending)

    @property
    def spent(self) -> tuple[PlannedFault, ...]:
        """What was met, in order, each with the call that met it."""
        with self._lock:
            return tuple(self._spent)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._pending.clear()
            self._spent.clear()

    def check(self) -> None:
        """Make sure that every planned fault was met.

        Raises:
            EmulatorError: it names those that were not.
        """
        counted = Counter(map(str, self.pending))
        if counted:
            listed = "; ".join(f"{name} ({times} times)" if times > 1 else name for name, times in counted.items())
            raise EmulatorError(f"Planned faults that no request met: {listed}")
