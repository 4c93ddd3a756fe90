"""What stops the emulator itself, as opposed to what it answers."""

import importlib.util

from cfstream.errors import StreamError

_NEEDED = ("av", "jwt", "cryptography")


class EmulatorError(StreamError):
    """The emulator cannot start, or is not running."""


def not_running() -> EmulatorError:
    """It has not been started, or is closed."""
    return EmulatorError("The emulator is not running: use it inside `async with` or `with`")


def check_extra() -> None:
    """Make sure that the packages of the extra are there, without importing them.

    Raises:
        EmulatorError: one is missing; the line says what to install.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EmulatorError(f'The emulator needs {" and ".join(missing)}: run pip install "cfstream[emulator]"')
