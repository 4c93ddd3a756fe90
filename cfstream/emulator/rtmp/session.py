"""The server's part of one RTMP connection: handshake, commands of a publisher, and what it publishes.

Sources: Adobe's RTMP specification 1.0, and what libav and OBS send.
"""

import secrets
from typing import Any, Final

import attrs

from cfstream.emulator.rtmp import amf, chunks
from cfstream.emulator.rtmp.chunks import ChunkReader, Held, Message
from cfstream.emulator.rtmp.errors import RtmpError

APPLICATION: Final = "live"

_VERSION: Final = 3
_GREETING: Final = 1536
_WINDOW: Final = 2_500_000
_CHUNK_SIZE: Final = 4096
_DYNAMIC: Final = 2
_STREAM: Final = 1
_CONTROL_CHANNEL, _COMMAND_CHANNEL, _STATUS_CHANNEL = 2, 3, 5
_STREAM_BEGINS, _PING, _PONG = 0, 6, 7


@attrs.frozen
class PublishRequest:
    """A publisher names its stream key; ``accept`` or ``refuse`` answers."""

    key: str = attrs.field(repr=False)


@attrs.frozen
class Media:
    """A piece of what is published, as FLV has it; the timestamp is in milliseconds."""

    is_video: bool
    timestamp: int
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Ended:
    """The publisher says that it is done."""


Event = PublishRequest | Media | Ended


class Session:
    """Turns what a publisher sends into events, and gathers what it is to be sent.

    Args:
        held: How much all connections hold together; this one's part is given back by ``close``.
    """

    def __init__(self, held: Held | None = None) -> None:
        self._greeting = bytearray()
        self._expected = 1 + _GREETING
        self._reader = ChunkReader(held)
        self._greeted = False
        self._out = bytearray()
        self._out_size = chunks.FIRST_SIZE
        self._connected = self._asked = False
        self._received = self._acknowledged = 0
        self._window = _WINDOW

    def outgoing(self) -> bytes:
        """What is to be sent now."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def receive(self, data: bytes) -> list[Event]:
        """Takes the next bytes.

        Raises:
            RtmpError: they are no RTMP.
        """
        if not self._greeted:
            data = self._greet(data)
        if not self._greeted:
            return []
        self._acknowledge(len(data))
        events = [self._message(message) for message in self._reader.feed(data)]
        return [event for event in events if event is not None]

    def accept(self) -> None:
        """Let the publisher begin; from here on it may send frames of any size that there is."""
        self._reader.longest = chunks.LONGEST_MEDIA
        self._control(chunks.USER_CONTROL, _STREAM_BEGINS.to_bytes(2, "big") + _STREAM.to_bytes(4, "big"))
        self._status("status", "NetStream.Publish.Start", "Publishing")

    def refuse(self, code: str, description: str) -> None:
        """Tell a publisher why it may not, or no longer, publish; the connection is to be closed after it."""
        self._status("error", code, description)

    def close(self) -> None:
        """The connection has ended."""
        self._reader.close()

    def _greet(self, data: bytes) -> bytes:
        """Takes part in the handshake; gives what comes after it."""
        self._greeting += data
        if bytes(self._greeting[:1]) not in (b"", bytes([_VERSION])):
            raise RtmpError("The peer does not speak RTMP")
        if self._expected == 1 + _GREETING and len(self._greeting) >= self._expected:
            # Four bytes of time and four of zeros, which ask for the plain form of the handshake.
            ours = bytes(8) + secrets.token_bytes(_GREETING - 8)
            self._out += bytes([_VERSION]) + ours + self._greeting[1 : self._expected]
            self._expected += _GREETING
        if len(self._greeting) < self._expected or self._expected == 1 + _GREETING:
            return b""
        self._greeted = True
        rest, self._greeting = bytes(self._greeting[self._expected :]), bytearray()
        return rest

    def _acknowledge(self, size: int) -> None:
        self._received += size
        if self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self._control(chunks.ACKNOWLEDGEMENT, (self._received % 2**32).to_bytes(4, "big"))

    def _message(self, message: Message) -> Event | None:
        match message.kind:
            case chunks.AUDIO | chunks.VIDEO if self._asked:
                return Media(message.kind == chunks.VIDEO, message.timestamp, message.body)
            case chunks.COMMAND:
                return self._command(amf.decode(message.body))
            case chunks.COMMAND_3:
                # Behind a byte that says so, these are AMF0, too.
                return self._command(amf.decode(message.body[1:]))
            case chunks.WINDOW_SIZE:
                self._window = max(1, chunks.control_number(message.body))
            case chunks.USER_CONTROL if message.body[:2] == _PING.to_bytes(2, "big"):
                self._control(chunks.USER_CONTROL, _PONG.to_bytes(2, "big") + message.body[2:6])
            case _:
                pass  # what publishers say about themselves
        return None

    def _command(self, values: list[Any]) -> Event | None:
        name, transaction = (*values[:2], None, None)[:2]
        if not isinstance(transaction, float):
            raise RtmpError("A command has no number")
        match name:
            case "connect":
                self._connect(transaction, _item(values, 2))
            case "createStream":
                self._answer("_result", transaction, None, _STREAM)
            case "releaseStream" | "FCPublish":
                self._answer("_result", transaction, None, None)
            case "publish":
                return self._publish(_item(values, 3))
            case "deleteStream" | "closeStream" | "FCUnpublish":
                return Ended() if self._asked else None
            case "play":
                raise RtmpError("Nothing is played by RTMP here")
            case _:
                pass  # of the rest, nothing waits for an answer
        return None

    def _connect(self, transaction: float, asked: Any) -> None:
        application = asked.get("app") if isinstance(asked, dict) else None
        if not isinstance(application, str) or application.strip("/") != APPLICATION:
            about = _about("error", "NetConnection.Connect.Rejected", f"There is no application but {APPLICATION}")
            self._answer("_error", transaction, None, about)
            return
        self._connected = True
        self._control(chunks.WINDOW_SIZE, _WINDOW.to_bytes(4, "big"))
        self._control(chunks.PEER_BANDWIDTH, _WINDOW.to_bytes(4, "big") + bytes([_DYNAMIC]))
        self._control(chunks.SET_CHUNK_SIZE, _CHUNK_SIZE.to_bytes(4, "big"))
        self._out_size = _CHUNK_SIZE
        about = {**_about("status", "NetConnection.Connect.Success", "Connected"), "objectEncoding": 0}
        self._answer("_result", transaction, {"fmsVer": "FMS/3,0,1,123", "capabilities": 31}, about)

    def _publish(self, key: Any) -> PublishRequest:
        if not self._connected or self._asked:
            raise RtmpError("It publishes before it has connected, or twice")
        self._asked = True
        return PublishRequest(key if isinstance(key, str) else "")

    def _answer(self, name: str, transaction: float, *values: Any) -> None:
        self._send(Message(chunks.COMMAND, amf.encode(name, transaction, *values)), _COMMAND_CHANNEL)

    def _status(self, level: str, code: str, description: str) -> None:
        body = amf.encode("onStatus", 0, None, _about(level, code, description))
        self._send(Message(chunks.COMMAND, body, stream=_STREAM), _STATUS_CHANNEL)

    def _control(self, kind: int, body: bytes) -> None:
        self._send(Message(kind, body), _CONTROL_CHANNEL)

    def _send(self, message: Message, channel: int) -> None:
        self._out += chunks.write_message(message, channel, self._out_size)


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _about(level: str, code: str, description: str) -> dict[str, Any]:
    return {"level": level, "code": code, "description": description}
