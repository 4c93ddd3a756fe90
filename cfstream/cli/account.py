"""The client of a command; its credentials come from the environment, never from the command line."""

import os
from typing import TYPE_CHECKING

from cfstream.cli.failures import SetupError

if TYPE_CHECKING:
    from cfstream import Stream


def open_stream() -> "Stream":
    """Give the client of the account in the environment.

    Raises:
        SetupError: credentials are missing.
    """
    missing = [name for name in ("CLOUDFLARE_ACCOUNT_ID",) if not os.environ.get(name)]
    if not os.environ.get("CLOUDFLARE_API_TOKEN") and not _has_key():
        missing.insert(0, "CLOUDFLARE_API_TOKEN")
    if missing:
        raise SetupError(
            f"set {' and '.join(missing)} in the environment; "
            "`cfstream emulator` runs a local service to try, and prints its own"
        )
    from cfstream import Stream  # when it is needed: it brings the HTTP client, and help should come at once

    return Stream()


def _has_key() -> bool:
    return bool(os.environ.get("CLOUDFLARE_API_KEY") and os.environ.get("CLOUDFLARE_EMAIL"))
