"""The names that the emulator answers to, so that no web page reaches it by a name of its own (DNS rebinding)."""

import ipaddress
import re
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Final

import attrs
from aiohttp import web

from cfstream.emulator.errors import EmulatorError

LOOPBACK: Final = "127.0.0.1"
WARNING: Final = (
    "The emulator listens on %s: other machines can reach it. "
    "Whoever has its token can use it, and all they send and watch goes unencrypted."
)
_OWN: Final = frozenset({"localhost", LOOPBACK, "::1"})
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")

called: Final[ContextVar[str | None]] = ContextVar("called", default=None)
"""Scheme, host and port by which the client of the request that is being answered knows the emulator."""


@attrs.frozen
class Hosts:
    """The names of the one who listens."""

    names: frozenset[str]

    def accept(self, request: web.Request) -> bool:
        """Whether a request is meant for this emulator.

        An address is that where it is the one that the connection came to: only names can be made to lead here.
        """
        given = request.headers.getall("Host", [])
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        # A request line that names a server has the last word on it.
        if match is None or request.host.casefold() not in (given[0].casefold(), _bare(match[1])):
            return False
        name = _bare(match[1])
        return name in self.names or name == _reached(request)


def _bare(host: str) -> str:
    return host.strip("[]").casefold()


def _reached(request: web.Request) -> str | None:
    place = None if request.transport is None else request.transport.get_extra_info("sockname")
    return str(place[0]).partition("%")[0].removeprefix("::ffff:") if place else None


def hosts(allowed: Iterable[str]) -> Hosts:
    """The names of this machine, and those that were allowed besides.

    Raises:
        EmulatorError: one is no name.
    """
    if isinstance(allowed, str):
        raise EmulatorError("allowed_hosts: must be a list of names")
    listed = [_bare(str(name)) for name in allowed]
    for name in listed:
        if not _NAME.fullmatch(name) and not _is_address(name):
            raise EmulatorError(f"allowed_hosts: {name!r:.80} is not a host's name or address; leave out the port")
    return Hosts(_OWN | frozenset(listed))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def address(host: str) -> str:
    """The address to listen on.

    Raises:
        EmulatorError: it is none.
    """
    if host == "localhost":
        return LOOPBACK
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError as error:
        raise EmulatorError(f"host: {host!r:.80} is not an IP address, such as 127.0.0.1 or 0.0.0.0") from error


def is_open(place: str) -> bool:
    """Whether other machines can reach an address that is listened on."""
    return not ipaddress.ip_address(place).is_loopback


def site(place: str, port: int) -> str:
    """The address of the emulator for this machine."""
    found = ipaddress.ip_address(place)
    if found.is_unspecified:
        found = ipaddress.ip_address(LOOPBACK if found.version == 4 else "::1")  # noqa: PLR2004  # of IP
    return f"http://[{found}]:{port}" if ":" in str(found) else f"http://{found}:{port}"
