"""The chunk stream: the same messages however the bytes were split, and bounds that hold."""

import struct
from contextlib import suppress

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_kit import chunked

from cfstream.emulator.rtmp import chunks
from cfstream.emulator.rtmp.chunks import ChunkReader, Held, Message, write_message
from cfstream.emulator.rtmp.errors import RtmpError

SIZES = (1, 64, 128, 4096)


@attrs.define
class Peer:
    """Writes chunks in every form the protocol has, each message in the shortest header that is allowed or a longer."""

    size: int = 128
    before: dict[int, tuple[int, int, int, int, int]] = attrs.field(factory=dict)

    def resize(self, size: int) -> bytes:
        out = self.write(2, 1, struct.pack(">I", size), time=0, stream=0, form=0)
        self.size = size
        return out

    def write(self, channel: int, kind: int, body: bytes, *, time: int, stream: int, form: int) -> bytes:
        last = self.before.get(channel)
        if last is None or time < last[0] or (form > 0 and stream != last[4]):
            form = 0
        delta = time if form == 0 or last is None else time - last[0]
        if form >= 2 and last is not None and (len(body), kind) != last[2:4]:
            form = 1
        if form == 3 and last is not None and delta != last[1]:
            form = 2
        self.before[channel] = (time, delta, len(body), kind, stream)
        extended = struct.pack(">I", delta) if delta >= 0xFFFFFF else b""
        header = min(delta, 0xFFFFFF).to_bytes(3, "big") + len(body).to_bytes(3, "big") + bytes([kind])
        header = (header + struct.pack("<I", stream))[: (11, 7, 3, 0)[form]]
        out = self._basic(form, channel) + header + extended + body[: self.size]
        for start in range(self.size, len(body), self.size):
            out += self._basic(3, channel) + extended + body[start : start + self.size]
        return out

    def _basic(self, form: int, channel: int) -> bytes:
        if channel < 64:
            return bytes([form << 6 | channel])
        if channel < 320:
            return bytes([form << 6, channel - 64])
        return bytes([form << 6 | 1]) + struct.pack("<H", channel - 64)


WRITTEN = st.tuples(
    st.sampled_from([2, 3, 4, 63, 64, 319, 320, 65_599]),
    st.sampled_from([8, 9, 18, 20]),
    st.binary(max_size=600),
    st.sampled_from([0, 1, 20, 40, 60, 0xFFFFFE, 0xFFFFFF, 0x1000000, 2**32 - 1]),
    st.sampled_from([0, 1]),
    st.integers(0, 3),
)


@given(st.lists(st.one_of(WRITTEN, st.sampled_from(SIZES)), max_size=12), st.data())
def test_messages_come_out_however_their_bytes_were_split(
    script: list[tuple[int, int, bytes, int, int, int] | int], data: st.DataObject
) -> None:
    peer, stream, expected = Peer(), b"", []
    for step in script:
        if isinstance(step, int):
            stream += peer.resize(step)
            continue
        channel, kind, body, time, number, form = step
        stream += peer.write(channel, kind, body, time=time, stream=number, form=form)
        expected.append(Message(kind, body, time, number))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader, found = ChunkReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])
    assert found == expected


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_garbage_is_refused_or_waited_for(pieces: list[bytes]) -> None:
    reader = ChunkReader()
    with suppress(RtmpError):
        for piece in pieces:
            reader.feed(piece)


@given(st.binary(max_size=10_000), st.sampled_from([1, 128, 4096]))
def test_what_is_written_is_read(body: bytes, size: int) -> None:
    reader = ChunkReader()
    reader.feed(chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", size)))
    message = Message(20, body, 7, 1)
    assert reader.feed(write_message(message, 3, size)) == [message]


def test_messages_of_several_channels_interleave() -> None:
    one, two = chunked(4, 9, b"v" * 200, stream=1), chunked(5, 8, b"a" * 150, stream=1)
    mixed = one[:140] + two[:140] + one[140:] + two[140:]
    assert [message.body for message in ChunkReader().feed(mixed)] == [b"v" * 200, b"a" * 150]


def test_an_aborted_message_is_forgotten() -> None:
    reader = ChunkReader()
    begun = chunked(4, 9, b"v" * 300, stream=1)[:140]
    after = chunked(2, chunks.ABORT, struct.pack(">I", 4)) + chunked(4, 9, b"new", stream=1)
    assert [message.body for message in reader.feed(begun + after)] == [b"new"]


@pytest.mark.parametrize(
    "data",
    [
        chunked(4, 9, b"")[:4] + b"\xff\xff\xff" + chunked(4, 9, b"")[7:],  # a message of 16 MB
        chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", 0)),
        chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", 2**31)),
        chunked(2, chunks.SET_CHUNK_SIZE, b"\x00"),
        b"\xc4",  # leans on a header that never came
        b"\x84\x00\x00\x00",
        chunked(4, 9, b"v" * 300)[:140] + chunked(4, 9, b"x"),  # begins within another
        b"".join(chunked(channel, 9, b"x" * 200)[:140] for channel in range(2, 63))
        + b"".join(b"\x00" + bytes([number]) + chunked(3, 9, b"x" * 200)[1:140] for number in range(9)),
    ],
)
def test_what_breaks_a_rule_ends_the_connection(data: bytes) -> None:
    with pytest.raises(RtmpError):
        ChunkReader().feed(data)


def test_memory_has_a_bound() -> None:
    reader, length = ChunkReader(), chunks.LONGEST_MEDIA
    reader.longest = length
    reader.feed(chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", length // 2)))
    halves = [bytes([channel]) + bytes(3) + length.to_bytes(3, "big") + b"\x09" + bytes(4) for channel in range(3, 8)]
    for header in halves[:4]:
        assert reader.feed(header + bytes(length // 2)) == []
    with pytest.raises(RtmpError, match="Unfinished"):
        reader.feed(halves[4] + bytes(length // 2))


def opened(length: int, kind: int = 9) -> bytes:
    """The beginning of a message of that length, in a chunk that has room for all of it."""
    size = chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", 2**31 - 1))
    return size + b"\x03" + bytes(3) + length.to_bytes(3, "big") + bytes([kind]) + bytes(4)


@pytest.mark.parametrize("kind", [8, 9])
def test_frames_may_be_as_long_as_is_set(kind: int) -> None:
    with pytest.raises(RtmpError, match="longer"):
        ChunkReader().feed(opened(64 * 1024 + 1, kind))
    assert ChunkReader().feed(opened(64 * 1024, kind)) == []
    known = ChunkReader()
    known.longest = chunks.LONGEST_MEDIA
    assert len(known.feed(opened(chunks.LONGEST_MEDIA, kind) + bytes(chunks.LONGEST_MEDIA))) == 1
    with pytest.raises(RtmpError, match="longer"):
        known.feed(opened(chunks.LONGEST_MEDIA + 1, kind))


@pytest.mark.parametrize("kind", [1, 17, 18, 20, 22])
def test_other_messages_are_always_short(kind: int) -> None:
    reader = ChunkReader()
    reader.longest = chunks.LONGEST_MEDIA
    with pytest.raises(RtmpError, match="longer"):
        reader.feed(opened(64 * 1024 + 1, kind))


def test_strangers_hold_little() -> None:
    reader, length = ChunkReader(), chunks.LONGEST
    reader.feed(chunked(2, chunks.SET_CHUNK_SIZE, struct.pack(">I", length // 2)))
    begun = [bytes([channel]) + bytes(3) + length.to_bytes(3, "big") + b"\x09" + bytes(4) for channel in range(3, 8)]
    for header in begun[:4]:
        assert reader.feed(header + bytes(length // 2)) == []
    with pytest.raises(RtmpError, match="Unfinished"):
        reader.feed(begun[4] + bytes(length // 2))


def test_connections_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_TOGETHER", 100_000)
    held = Held()
    one, two = ChunkReader(held), ChunkReader(held)
    assert one.feed(opened(60_000) + bytes(59_000)) == []
    with pytest.raises(RtmpError, match="all connections"):
        two.feed(opened(60_000) + bytes(59_000))
    two.close()
    assert len(one.feed(bytes(1_000))) == 1
    assert held.size == 0
    three = ChunkReader(held)
    assert three.feed(opened(60_000) + bytes(59_000)) == []
    three.close()
    assert held.size == 0
