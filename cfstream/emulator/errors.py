"""What stops the emulator itself, as opposed to what it answers."""

import importlib.util
import os

from cfstream.errors import StreamError

_NEEDED = ("av", "graphql", "jwt", "cryptography")


class EmulatorError(StreamError):
    """The emulator cannot start, or is not running."""


def not_running() -> EmulatorError:
    """It has not been started, or is closed."""
    return EmulatorError("The emulator is not running: use it inside `async with` or `with`")


def reason(error: OSError) -> str:
    """Why the system refused; asyncio says the address as well, which the line has already."""
    return os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)


def check_extra() -> None:
    """Make sure that the packages of the extra are there, without importing them.

    Raises:
        EmulatorError: one is missing; the line says what to install.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EmulatorError(f'The emulator needs {" and ".join(missing)}: run pip install "cfstream[emulator]"')
