"""A local service with the face of Cloudflare Stream: real uploads, real encoding, real playback.

::

    async with Emulator() as emulator, emulator.stream() as stream:
        video = await stream.upload("talk.mp4")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfstream.emulator.blocking import BlockingEmulator
    from cfstream.emulator.control.faults import Fault
    from cfstream.emulator.errors import EmulatorError
    from cfstream.emulator.ingest.publishing import BlockingPublisher, Publisher
    from cfstream.emulator.server import Emulator

__all__ = ["BlockingEmulator", "BlockingPublisher", "Emulator", "EmulatorError", "Fault", "Publisher"]

_HOMES = {
    "BlockingEmulator": "blocking",
    "BlockingPublisher": "ingest.publishing",
    "Emulator": "server",
    "EmulatorError": "errors",
    "Fault": "control.faults",
    "Publisher": "ingest.publishing",
}


def __getattr__(name: str) -> Any:
    # The child process of every encode imports this package: the web server must not come with it.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
