"""How far the emulator reaches when somebody gives it an address: looked at is where a connection really goes."""

import ipaddress
import socket
from typing import Any, Final, Literal

import aiohttp

Reach = Literal["public", "loopback", "everything"]
"""The open internet; that and this machine; that and the network around."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def connector(reach: Reach) -> aiohttp.TCPConnector:
    """Connections that go no further.

    Anything else ends in an `OSError`, as one to a server that is not there. Looked at is the very address that is
    connected to, in each redirect too: names can stand for another one a moment later, and numbers are written in
    many ways.
    """

    def guarded(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, place = info
        if not is_within(str(place[0]), reach):
            raise OSError("the address is not public")
        return socket.socket(family, kind, protocol)

    return aiohttp.TCPConnector(socket_factory=guarded)


def is_within(place: str, reach: Reach) -> bool:
    """Whether an IP address may be connected to."""
    return reach == "everything" or is_public(place) or (reach == "loopback" and _is_loopback(place))


def _is_loopback(place: str) -> bool:
    found = ipaddress.ip_address(place.partition("%")[0])
    inside = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (inside or found).is_loopback


def is_public(place: str) -> bool:
    """Whether an IP address, and one that it carries inside, belongs to the open internet."""
    found = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is not None:
            return is_public(str(inside))
        if found in _NAT64 or found.teredo is not None or found.is_site_local:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved
