"""One RTMP connection without a network: what a publisher says, and what it is answered."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import chunked, command, hello

from cfstream.emulator.rtmp import amf, chunks
from cfstream.emulator.rtmp.chunks import ChunkReader, Held, Message
from cfstream.emulator.rtmp.errors import RtmpError
from cfstream.emulator.rtmp.session import Ended, Media, PublishRequest, Session

CONNECT = command("connect", 1, {"app": "live"})
PUBLISH = command("publish", 5, None, "secret", "live", stream=1)
OPENING = hello() + CONNECT + command("createStream", 4, None) + PUBLISH


def sent(session: Session) -> list[Message]:
    """What a peer reads."""
    out = session.outgoing()
    reader, after = ChunkReader(), out[1 + 2 * 1536 :]
    return reader.feed(after)


def commands(messages: list[Message]) -> list[list[Any]]:
    return [amf.decode(message.body) for message in messages if message.kind == chunks.COMMAND]


def test_the_handshake_gives_back_what_came() -> None:
    session, greeting = Session(), bytes(range(256)) * 6
    assert session.receive(b"\x03" + greeting) == []
    out = session.outgoing()
    assert out[:1] == b"\x03"
    assert len(out) == 1 + 2 * 1536
    assert out[1537:] == greeting
    assert session.outgoing() == b""


def test_a_publisher_is_let_in() -> None:
    session = Session()
    assert session.receive(OPENING) == [PublishRequest("secret")]
    session.accept()
    messages = sent(session)
    assert [message.kind for message in messages[:2]] == [chunks.WINDOW_SIZE, chunks.PEER_BANDWIDTH]
    connected, created, started = commands(messages)
    assert (connected[:2], connected[3]["code"]) == (["_result", 1.0], "NetConnection.Connect.Success")
    assert created == ["_result", 4.0, None, 1.0]
    assert (started[0], started[3]["code"], started[3]["level"]) == ("onStatus", "NetStream.Publish.Start", "status")


def test_a_publisher_is_told_why_it_may_not() -> None:
    session = Session()
    session.receive(OPENING)
    session.refuse("NetStream.Publish.BadName", "Invalid stream key")
    about = commands(sent(session))[-1][3]
    assert about == {"level": "error", "code": "NetStream.Publish.BadName", "description": "Invalid stream key"}


def test_the_key_is_in_no_representation() -> None:
    assert "secret" not in repr(PublishRequest("secret"))


@given(st.data())
def test_events_are_the_same_however_the_bytes_were_split(data: st.DataObject) -> None:
    media = chunked(4, 9, b"\x17\x01picture", time=40, stream=1) + chunked(5, 8, b"\xaf\x01sound", time=41, stream=1)
    stream = OPENING + media + command("deleteStream", 9, None, 1)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    session, events = Session(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += session.receive(stream[start:end])
    assert events == [
        PublishRequest("secret"),
        Media(is_video=True, timestamp=40, body=b"\x17\x01picture"),
        Media(is_video=False, timestamp=41, body=b"\xaf\x01sound"),
        Ended(),
    ]


@given(st.binary(max_size=2000), st.booleans())
def test_garbage_ends_a_connection_or_is_waited_for(data: bytes, greeted: bool) -> None:
    session = Session()
    with suppress(RtmpError):
        session.receive(OPENING + data if greeted else b"\x03" + data)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"\x06" + bytes(1536), b"\x16\x03\x01"])
def test_other_protocols_are_refused_at_their_first_byte(data: bytes) -> None:
    with pytest.raises(RtmpError):
        Session().receive(data)


@pytest.mark.parametrize(
    "data",
    [
        PUBLISH,  # before it has connected
        CONNECT + PUBLISH + PUBLISH,
        CONNECT + command("play", 5, None, "secret"),
        chunked(3, 20, amf.encode("connect")),
        chunked(3, 20, amf.encode("connect", "one", {})),
        chunked(3, 20, b""),
        chunked(3, 17, b"\x00"),
        chunked(3, 20, b"\x02\x00\x09conn"),
        chunked(2, 5, b"\x00"),
    ],
)
def test_what_makes_no_sense_ends_the_connection(data: bytes) -> None:
    with pytest.raises(RtmpError):
        Session().receive(hello() + data)


@pytest.mark.parametrize("asked", [{"app": "other"}, {}, None, {"app": 1}])
def test_there_is_one_application(asked: Any) -> None:
    session = Session()
    session.receive(hello() + command("connect", 1, asked))
    (answer,) = commands(sent(session))
    assert (answer[0], answer[3]["code"]) == ("_error", "NetConnection.Connect.Rejected")
    with pytest.raises(RtmpError):
        session.receive(PUBLISH)


def test_pings_are_answered_and_what_came_is_acknowledged() -> None:
    session = Session()
    session.receive(hello() + chunked(2, 5, struct.pack(">I", 1000)) + chunked(2, 4, b"\x00\x06\x00\x00\x30\x39"))
    (pong,) = sent(session)
    assert (pong.kind, pong.body) == (chunks.USER_CONTROL, b"\x00\x07\x00\x00\x30\x39")
    session.receive(chunked(6, 18, bytes(2000)))
    reader = ChunkReader()
    (acknowledged,) = reader.feed(session.outgoing())
    assert acknowledged.kind == chunks.ACKNOWLEDGEMENT
    assert int.from_bytes(acknowledged.body, "big") > 2000


def test_commands_in_the_newer_wrapping_are_understood() -> None:
    session = Session()
    wrapped = chunked(3, 17, b"\x00" + amf.encode("publish", 5, None, "secret", "live"), stream=1)
    assert session.receive(hello() + CONNECT + wrapped) == [PublishRequest("secret")]


def test_media_count_from_the_request_on() -> None:
    session = Session()
    early = chunked(4, 9, b"\x17\x01picture", stream=1)
    assert session.receive(hello() + CONNECT + early) == []


def test_large_frames_are_taken_from_whom_was_let_in() -> None:
    frame = chunked(4, 9, b"\x17\x01" + bytes(100_000), stream=1)
    with pytest.raises(RtmpError, match="longer"):
        Session().receive(OPENING + frame)
    session = Session()
    session.receive(OPENING)
    session.accept()
    (event,) = session.receive(frame)
    assert isinstance(event, Media)
    assert len(event.body) == 100_002


def test_a_large_command_is_refused_before_it_is_read() -> None:
    session = Session()
    session.receive(OPENING)
    session.accept()
    with pytest.raises(RtmpError, match="longer"):
        session.receive(chunked(3, 20, bytes([5]) * 100_000)[:140])


def test_an_ended_connection_gives_back_what_it_held() -> None:
    held = Held()
    session = Session(held)
    session.receive(OPENING + chunked(4, 9, bytes(1000), stream=1)[:500])
    assert held.size > 0
    session.close()
    assert held.size == 0
