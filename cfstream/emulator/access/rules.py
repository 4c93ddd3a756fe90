"""The access rules of a token: which viewers it lets in, by address and by country."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Any, Final

_TYPES: Final = ("any", "ip.src", "ip.geoip.country")
_ACTIONS: Final = ("allow", "block")
# T1 stands for the Tor network.
_COUNTRY: Final = re.compile(r"[A-Za-z][A-Za-z0-9]", re.ASCII)


def check(rules: Any, most: int) -> list[dict[str, Any]]:
    """The rules, if they can be read.

    Args:
        rules: a list of objects with ``type``, ``action`` and, as the type needs, ``country`` or ``ip``.
        most: how many there may be.

    Raises:
        ValueError: one line that says which of them cannot be read, and why.
    """
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ValueError("must be a list of objects")
    if len(rules) > most:
        raise ValueError(f"has {len(rules)} rules; the most is {most}")
    for rule in rules:
        if rule.get("type") not in _TYPES or rule.get("action") not in _ACTIONS:
            raise ValueError(f"each needs a type ({', '.join(_TYPES)}) and an action ({', '.join(_ACTIONS)})")
        for country in _listed(rule, "country"):
            if not _COUNTRY.fullmatch(country):
                raise ValueError(f"country: {country!r:.40} is no code of two letters")
        for place in _listed(rule, "ip"):
            _network(place)
    return rules


def _listed(rule: dict[str, Any], name: str) -> list[str]:
    values = rule.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{name}: must be a list of strings")
    return values


def _network(place: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(place, strict=False)
    except ValueError as error:
        raise ValueError(f"ip: {place!r:.60} is no address and no network") from error


def allow(rules: Sequence[dict[str, Any]], address: str, country: str | None) -> bool:
    """Whether checked rules let a viewer in: the first that fits decides, and where none fits he may.

    An address of IPv4 never fits a network of IPv6, nor the other way round. (Page on securing a stream in the
    Stream docs.)

    Args:
        rules: what ``check`` has let through.
        address: the viewer's IP address.
        country: the code of the viewer's country; where it is not known, no rule about countries fits.
    """
    return next((rule["action"] == "allow" for rule in rules if _fits(rule, address, country)), True)


def _fits(rule: dict[str, Any], address: str, country: str | None) -> bool:
    match rule["type"]:
        case "ip.src":
            found = ipaddress.ip_address(address)
            mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
            return any((mapped or found) in _network(place) for place in _listed(rule, "ip"))
        case "ip.geoip.country":
            return country is not None and country.upper() in map(str.upper, _listed(rule, "country"))
        case _:
            return True
