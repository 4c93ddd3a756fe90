"""WebVTT as transcribers write it: made of cues, or checked where it comes as text (W3C, WebVTT 1, section 4)."""

import math
import re
from collections.abc import Iterable
from typing import Final

Cue = tuple[float, float, str]
"""From when to when it is shown, in seconds, and what is said: plain text."""

_CLOCK: Final = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d\.\d{3})"
_TIMING: Final = re.compile(rf"{_CLOCK}[ \t]+-->[ \t]+{_CLOCK}(?:[ \t]+\S.*)?", re.ASCII)
_SIGNATURE: Final = re.compile(r"WEBVTT(?:[ \t].*)?")
_NO_CUE: Final = re.compile(r"(NOTE|STYLE|REGION)(?:[ \t].*)?")
_ARROW: Final = "-->"
_LATEST: Final = 360_000.0
"""A hundred hours, in seconds."""


def render(cues: Iterable[object], most: int) -> bytes:
    """The file of cues, in the order of their times.

    Args:
        cues: no more of them are asked for than the file may hold.
        most: how many bytes it may have.

    Raises:
        ValueError: one of them is no cue, and the line says which, or the file would be too large.
    """
    head = b"WEBVTT\n"
    read, size = [], len(head)
    for number, cue in enumerate(cues, 1):
        start, end, text = _cue(number, cue)
        _bound(size + len(text), most)
        block = f"\n{_clock(start)} {_ARROW} {_clock(end)}\n{_plain(text)}\n".encode()
        size += len(block)
        _bound(size, most)
        read.append((start, end, block))
    return head + b"".join(block for *_, block in sorted(read))


def _bound(size: int, most: int) -> None:
    if size > most:
        raise ValueError(f"the file has more than {most} bytes")


def _cue(number: int, cue: object) -> Cue:
    match cue:
        case (int() | float() as start, int() | float() as end, str(text)) if 0 <= start < end <= _LATEST:
            if text.strip():
                return start, end, text
        case _:
            pass
    raise ValueError(f"cue {number} is no (start, end, text) with 0 <= start < end, in seconds, and some text")


def _clock(seconds: float) -> str:
    thousandths = math.floor(seconds * 1000 + 0.5)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def _plain(text: str) -> str:
    # An empty line would end the cue, and an arrow begin another one.
    lines = filter(None, (line.strip() for line in text.splitlines()))
    return "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def check(text: str, most: int) -> bytes:
    """The bytes of a text, if it is a WebVTT file.

    Args:
        text: what may be one.
        most: how many bytes it may have.

    Raises:
        ValueError: it is none, and the line says where, or it is too large.
    """
    _bound(len(text), most)
    data = text.encode()
    _bound(len(data), most)
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))
    if not _SIGNATURE.fullmatch(lines[0]):
        raise ValueError("the first line is not WEBVTT")
    if len(lines) > 1 and lines[1]:
        raise ValueError("line 2 is not empty")
    block: list[str] = []
    for number, line in enumerate([*lines[1:], ""], 2):
        if line:
            block.append(line)
        elif block:
            _check_block(block, number - len(block))
            block = []
    return data


def _check_block(block: list[str], first: int) -> None:
    if _NO_CUE.fullmatch(block[0]) and _ARROW not in block[0]:
        return
    # A line before the timing is the name of the cue.
    at = 0 if _ARROW in block[0] else 1
    timing = _TIMING.fullmatch(block[at]) if at < len(block) else None
    if timing is None:
        raise ValueError(f"line {first + at} is no timing of a cue")
    if _seconds(*timing.groups()[:3]) >= _seconds(*timing.groups()[3:]):
        raise ValueError(f"line {first + at}: the cue ends before it begins")
    if any(_ARROW in line for line in block[at + 1 :]):
        raise ValueError(f"line {first + at + 1}: the text of the cue has an arrow in it")


def _seconds(hours: str | None, minutes: str, seconds: str) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
