"""The viewer as the access rules of a token see him: where he is and what his address is."""

import ipaddress
import re

from cfstream.errors import InvalidInputError

_COUNTRY = re.compile(r"[A-Z][A-Z0-9]", re.ASCII)


class Viewer:
    """Everybody who watches; may be changed from any thread, from the next request on."""

    def __init__(self) -> None:
        self._country: str | None = None
        self._address: str | None = None

    def __repr__(self) -> str:
        return f"<country {self._country or 'not known'}, address {self._address or 'of the connection'}>"

    @property
    def country(self) -> str | None:
        """ISO 3166-1 code of two letters, or T1 for Tor; None, as at first: not known, so that no country fits.

        Raises:
            InvalidInputError: it is set to something else.
        """
        return self._country

    @country.setter
    def country(self, code: str | None) -> None:
        given: object = code  # it may come from JSON
        if given is not None and not (isinstance(given, str) and _COUNTRY.fullmatch(given)):
            raise InvalidInputError("country: must be a code of two capitals, such as DE, or None")
        self._country = code

    @property
    def address(self) -> str | None:
        """IP address; None, as at first: that of the connection.

        Raises:
            InvalidInputError: it is set to something else.
        """
        return self._address

    @address.setter
    def address(self, address: str | None) -> None:
        try:
            self._address = None if address is None else _address(address)
        except ValueError as error:
            raise InvalidInputError("address: must be an IP address, such as 203.0.113.5, or None") from error

    def reset(self) -> None:
        """Nothing is known of him again."""
        self._country = self._address = None


def _address(address: object) -> str:
    if not isinstance(address, str):  # a number would be taken for an address, too
        raise ValueError("no text")  # noqa: TRY004  # told together with texts that are no addresses
    return str(ipaddress.ip_address(address))
