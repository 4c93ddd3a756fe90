"""The log of requests: what came, what was answered, and nothing that opens anything."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final, overload

import attrs
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy, MultiMapping

KEPT: Final = 5_000
"""The newest so many requests are kept; counts go beyond them."""

_MASK = "***"
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-auth-key", "x-auth-user-service-key"})
_SECRET_FIELDS = frozenset({"token", "key", "secret", "signature", "sig"})
_TOKEN = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
# A uid has 32 characters, a language and a row's own words fewer; what is longer is a stream key or a secret address.
_LONG_PART = re.compile(r"(?<=/)[^/]{41,}")


@attrs.frozen(kw_only=True, eq=False)
class RequestRecord:
    """One request."""

    time: float
    """When it came, in seconds since the epoch on the emulator's clock."""
    verb: str
    path: str
    row: str | None
    """The name of the call, such as ``STREAM_GET``; None for what is no call, a player page for instance."""
    query: MultiMapping[str] = attrs.field(repr=False)
    headers: MultiMapping[str] = attrs.field(repr=False)
    """Credentials are masked."""
    status: int | None = None
    """None while there is no answer, and where the connection ended without one."""
    fault: str | None = None
    """The fault that it met, in words."""


class Requests:
    """The requests that came, oldest first; every method may be called from any thread."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets = tuple(filter(None, secrets))
        self._lock = threading.Lock()
        self._records: dict[int, RequestRecord] = {}
        self._next = 0
        self._counted: Counter[str | None] = Counter()

    def __repr__(self) -> str:
        return f"<{self._counted.total()} requests>"

    def __len__(self) -> int:
        with self._lock:
            return len(self._records)

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RequestRecord, ...]: ...
    def __getitem__(self, index: int | slice) -> RequestRecord | tuple[RequestRecord, ...]:
        return self._listed()[index]

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._listed())

    def _listed(self) -> tuple[RequestRecord, ...]:
        with self._lock:
            return tuple(self._records.values())

    def count(self, row: str | None = None) -> int:
        """How many requests of a call came since the last `clear`, or of all; also those not kept any more."""
        with self._lock:
            return self._counted.total() if row is None else self._counted[row]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._records.clear()
            self._counted.clear()

    def begin(self, record: RequestRecord) -> int:
        """Take in a request that came, without its secrets; gives its number."""
        cleaned = self._cleaned(record)
        with self._lock:
            number = self._next
            self._next += 1
            self._records[number] = cleaned
            self._counted[record.row] += 1
            if len(self._records) > KEPT:
                del self._records[next(iter(self._records))]
        return number

    def end(self, number: int, status: int | None) -> None:
        """Note the answer."""
        with self._lock:
            if number in self._records:
                self._records[number] = attrs.evolve(self._records[number], status=status)

    def _cleaned(self, record: RequestRecord) -> RequestRecord:
        headers = CIMultiDict(
            (name, _MASK if name.lower() in _SECRET_HEADERS else self._masked(value))
            for name, value in record.headers.items()
        )
        query = MultiDict(
            (name, _MASK if name.lower() in _SECRET_FIELDS else self._masked(value))
            for name, value in record.query.items()
        )
        return attrs.evolve(
            record,
            path=_LONG_PART.sub(_MASK, self._masked(record.path)),
            query=MultiDictProxy(query),
            headers=CIMultiDictProxy(headers),
        )

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return _TOKEN.sub(_MASK, text) if "." in text else text
