"""Values as people read them; whatever came from elsewhere is made harmless to a terminal first."""

from datetime import datetime

_STEP = 1000
_MINUTE = 60
_HOUR = 3600


def clean(text: str) -> str:
    """Write characters that a terminal would obey, or that would hide others, as escapes."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and character not in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def size(count: float) -> str:
    """Bytes, such as ``8.3 MB``."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if count < _STEP:
            break
        count, unit = count / _STEP, larger
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def rate(bytes_per_second: float) -> str:
    """A rate, such as ``8.3 MB/s``."""
    return f"{size(bytes_per_second)}/s"


def span(seconds: float) -> str:
    """A length of time, such as ``0:08`` or ``1:02:03``."""
    whole = round(seconds)
    hours, minutes = whole // _HOUR, whole % _HOUR // _MINUTE
    return f"{hours}:{minutes:02}:{whole % _MINUTE:02}" if hours else f"{minutes}:{whole % _MINUTE:02}"


def left(done: int, total: int, bytes_per_second: float) -> str:
    """The rate and the time left, such as ``8.3 MB/s, 0:12 left``."""
    if bytes_per_second <= 0:
        return ""
    return f"{rate(bytes_per_second)}, {span((total - done) / bytes_per_second)} left"


def when(moment: datetime) -> str:
    """An instant in the local time zone, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def many(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
