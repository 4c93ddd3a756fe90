"""A fragmented MP4 taken apart as it is written: the header once, then one fragment after the other."""

from typing import Final

_HEADER: Final = 8
_OPENING: Final = (b"ftyp", b"moov")
_FRAGMENT: Final = (b"moof", b"mdat")


class BoxSplitter:
    """What libav writes a fragmented MP4 to: holds each part back until it is whole."""

    def __init__(self) -> None:
        self.opening = bytearray()
        """What every fragment needs before it."""
        self.fragments: list[bytes] = []
        """Whole fragments that nobody has taken yet, in order."""
        self._buffer = bytearray()
        self._begun = bytearray()

    def write(self, data: bytes) -> int:
        """Takes the next bytes of the file."""
        self._buffer += data
        while len(self._buffer) >= _HEADER:
            size = int.from_bytes(self._buffer[:4], "big")
            if len(self._buffer) < size:
                break
            self._take(bytes(self._buffer[4:_HEADER]), bytes(self._buffer[:size]))
            del self._buffer[:size]
        return len(data)

    def take(self) -> list[bytes]:
        """The fragments that have come since the last time."""
        taken, self.fragments = self.fragments, []
        return taken

    def _take(self, kind: bytes, box: bytes) -> None:
        if kind in _OPENING:
            self.opening += box
        elif kind in _FRAGMENT:  # the rest is an index, of use to files only
            self._begun += box
            if kind == _FRAGMENT[-1]:
                self.fragments.append(bytes(self._begun))
                self._begun.clear()
