"""Whether there is room for one more video: in the encoder, and in the minutes that the account has."""

from cfstream._limits import Limits
from cfstream.emulator.answers import STORAGE_FULL, THROTTLED, Refused
from cfstream.emulator.service import Service
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import DOWNLOADING, ENCODING, QUEUED
from cfstream.emulator.storage.store import VideoFilter

_IN_ENCODER = (DOWNLOADING, QUEUED, ENCODING)
_MINUTE = 60


def check(service: Service, seconds: float = 0.0) -> None:
    """Hold a video that is to be made against the account's room.

    Videos count with their length, rounded up to the second; one whose length is not known yet counts with the
    longest it may have. Failed videos and uploads that expired do not count. (Pricing page and FAQ of the Stream
    docs.)

    Args:
        service: the emulator.
        seconds: the longest that the new video may be, where that is known.

    Raises:
        Refused: 429, too many videos wait for the encoder; 413, the account is full.
    """
    waiting = sum(service.library.store.count_videos(VideoFilter(status=state)) for state in _IN_ENCODER)
    most = service.limits.encoding_max
    if waiting >= most:
        raise Refused(429, (THROTTLED, f"{waiting} videos are queued or being encoded; the most is {most}"))
    check_minutes(service.library, service.limits, seconds)


def check_minutes(library: Library, limits: Limits, seconds: float = 0.0) -> None:
    """The same for the minutes of the account alone, which a broadcast needs, too.

    Raises:
        Refused: 413, the account is full.
    """
    lengths = library.store.lengths
    room = limits.storage_minutes * _MINUTE - lengths.stored - lengths.reserved
    if room <= 0 or seconds > room:
        raise Refused(413, (STORAGE_FULL, _full(lengths.stored, limits.storage_minutes)))


def _full(stored: float, minutes: int) -> str:
    return (
        f"Storage capacity exceeded: You have uploaded {stored / _MINUTE:.2f} minutes "
        f"and are allocated {minutes} minutes."
    )
