"""RTMP's chunk stream: messages cut into pieces, put together again within fixed bounds of memory."""

from typing import Final

import attrs

from cfstream.emulator.rtmp.errors import RtmpError

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW_SIZE, PEER_BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO = 8, 9
DATA, COMMAND_3, COMMAND = 18, 17, 20

LONGEST_MEDIA: Final = 8 * 1024 * 1024
"""Bytes of a frame; a key frame of 4K at the highest quality has a third of it."""
LONGEST: Final = 64 * 1024
"""Bytes of all other messages, and of everything from a peer that is not known yet."""
MOST_UNFINISHED: Final = 2
"""How many of the longest messages may have begun and not ended on one connection."""
MOST_TOGETHER: Final = 128 * 1024 * 1024
"""Bytes that wait for the rest of their messages on all connections; strangers alone cannot fill the half of it."""
MOST_CHANNELS: Final = 64

FIRST_SIZE: Final = 128
"""Bytes of a chunk until somebody says otherwise."""

_HEADER_SIZES: Final = (11, 7, 3, 0)
_EXTENDED: Final = 0xFFFFFF
_WRAP: Final = 2**32
_LOW_CHANNELS: Final = 64
_NAMED_IN_A_BYTE: Final = 2


@attrs.frozen
class Message:
    """One message; the timestamp is in milliseconds."""

    kind: int
    body: bytes
    timestamp: int = 0
    stream: int = 0


@attrs.define
class Held:
    """How many bytes wait for the rest of their messages, on all connections that share it."""

    size: int = 0


@attrs.define
class _Channel:
    """What the headers of one channel have said so far."""

    timestamp: int = 0
    delta: int = 0
    field: int = 0
    length: int = 0
    kind: int = 0
    stream: int = 0
    unfinished: bytearray = attrs.field(factory=bytearray)


class ChunkReader:
    """Makes messages of bytes, however they were split on their way.

    Args:
        held: The count that it shares with other connections.
    """

    def __init__(self, held: Held | None = None) -> None:
        self.longest = LONGEST
        """Bytes of a frame that is taken; other messages never exceed ``LONGEST``."""
        self._together = Held() if held is None else held
        self._held = 0
        self._buffer = bytearray()
        self._size = FIRST_SIZE
        self._channels: dict[int, _Channel] = {}
        self._unfinished = 0

    def feed(self, data: bytes) -> list[Message]:
        """Takes the next bytes and gives the messages that they complete.

        Raises:
            RtmpError: they are no chunks, or exceed a bound.
        """
        self._buffer += data
        messages: list[Message] = []
        at = 0
        while (end := self._chunk(at, messages)) is not None:
            at = end
        del self._buffer[:at]
        self._hold(len(self._buffer) + self._unfinished)
        return messages

    def close(self) -> None:
        """Give back its part of what connections may hold together; nothing more is fed."""
        self._hold(0)

    def _hold(self, size: int) -> None:
        self._together.size += size - self._held
        self._held = size
        if size and self._together.size > MOST_TOGETHER:
            raise RtmpError(f"Unfinished messages of all connections hold more than {MOST_TOGETHER} bytes")

    def _chunk(self, at: int, messages: list[Message]) -> int | None:
        """Reads the chunk at a place and gives the place behind it, or None if it is not all there yet."""
        basic = self._basic_header(at)
        if basic is None:
            return None
        form, number, at = basic
        header = self._header(form, number, at)
        if header is None:
            return None
        channel, at = header
        size = min(self._size, channel.length - len(channel.unfinished))
        if len(self._buffer) < at + size:
            return None
        self._channels[number] = channel
        channel.unfinished += self._buffer[at : at + size]
        self._unfinished += size
        most = MOST_UNFINISHED * self.longest
        if self._unfinished > most:
            raise RtmpError(f"Unfinished messages hold more than {most} bytes")
        if len(channel.unfinished) == channel.length:
            self._finish(channel, messages)
        return at + size

    def _basic_header(self, at: int) -> tuple[int, int, int] | None:
        """Form and channel of the chunk, and where its message header begins."""
        if len(self._buffer) <= at:
            return None
        form, number = self._buffer[at] >> 6, self._buffer[at] & 0x3F
        at += 1
        if number >= _NAMED_IN_A_BYTE:
            return form, number, at
        end = at + number + 1
        if len(self._buffer) < end:
            return None
        return form, _LOW_CHANNELS + int.from_bytes(self._buffer[at:end], "little"), end

    def _channel(self, number: int, form: int) -> _Channel:
        channel = self._channels.get(number)
        if channel is not None:
            return channel
        # One that opens a channel with form 1 leaves the message stream out, which is then that of control.
        if form > 1:
            raise RtmpError("A channel begins with a header that leans on an earlier one")
        if len(self._channels) >= MOST_CHANNELS:
            raise RtmpError(f"More than {MOST_CHANNELS} channels are in use")
        return _Channel()

    def _header(self, form: int, number: int, at: int) -> tuple[_Channel, int] | None:
        """The channel as the header makes it, and where the data begin."""
        before = self._channel(number, form)
        end = at + _HEADER_SIZES[form]
        if len(self._buffer) < end:
            return None
        fields = bytes(self._buffer[at:end])
        field = int.from_bytes(fields[:3], "big") if fields else before.field
        time = field
        if field == _EXTENDED:
            time, end = int.from_bytes(self._buffer[end : end + 4], "big"), end + 4
            if len(self._buffer) < end:
                return None
        if before.unfinished:
            if fields:
                raise RtmpError("A message begins before the last one of its channel has ended")
            return before, end
        return self._begun(before, form, fields, field, time), end

    def _begun(self, before: _Channel, form: int, fields: bytes, field: int, time: int) -> _Channel:
        channel = attrs.evolve(before, field=field, unfinished=bytearray())
        # Also after form 0, form 3 repeats what stood in the place of the time.
        channel.delta = time if fields else before.delta
        channel.timestamp = time if form == 0 else (before.timestamp + channel.delta) % _WRAP
        if len(fields) >= _HEADER_SIZES[1]:
            channel.length, channel.kind = int.from_bytes(fields[3:6], "big"), fields[6]
        if form == 0:
            channel.stream = int.from_bytes(fields[7:11], "little")
        longest = self.longest if channel.kind in (AUDIO, VIDEO) else LONGEST
        if channel.length > longest:
            raise RtmpError(f"A message is longer than {longest} bytes")
        return channel

    def _finish(self, channel: _Channel, messages: list[Message]) -> None:
        body = self._emptied(channel)
        # Both are about the chunks that follow, perhaps among the bytes that are here already.
        if channel.kind == SET_CHUNK_SIZE:
            self._size = control_number(body)
            if not 0 < self._size < _WRAP // 2:
                raise RtmpError(f"{self._size} is no size of chunks")
        elif channel.kind == ABORT:
            aborted = self._channels.get(control_number(body))
            if aborted is not None:
                self._emptied(aborted)
        else:
            messages.append(Message(channel.kind, body, channel.timestamp, channel.stream))

    def _emptied(self, channel: _Channel) -> bytes:
        body = bytes(channel.unfinished)
        self._unfinished -= len(body)
        channel.unfinished = bytearray()
        return body


def control_number(body: bytes) -> int:
    """The number that a message of the protocol's own begins with.

    Raises:
        RtmpError: there is none.
    """
    if len(body) < 4:  # noqa: PLR2004  # the four bytes of the number
        raise RtmpError("A control message breaks off")
    return int.from_bytes(body[:4], "big")


def write_message(message: Message, channel: int, size: int = FIRST_SIZE) -> bytes:
    """A message in chunks of that size, on a channel from 2 to 63; its timestamp is below 0xFFFFFF."""
    length = len(message.body)
    header = (
        bytes([channel])
        + message.timestamp.to_bytes(3, "big")
        + length.to_bytes(3, "big")
        + bytes([message.kind])
        + message.stream.to_bytes(4, "little")
    )
    pieces = [message.body[start : start + size] for start in range(0, length, size)]
    return header + bytes([0xC0 | channel]).join(pieces)
