"""From an uploaded file to HLS and DASH in one pass of decoding.

What lies in the output folder afterwards::

    video.m3u8              HLS master playlist, all addresses relative
    video.mpd               DASH description of the same segments
    240/ 480/ ...           one folder per rung, named by its short side
        stream.m3u8         media playlist
        init.mp4            the header every segment needs
        seg_00000.mp4 ...   fragmented MP4, 4 seconds each
    audio/                  the same, absent when there is no sound
    renditions.json         what manifests say about them
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from av.video.frame import VideoFrame

from cfstream.emulator.media import manifest
from cfstream.emulator.media.audio import FOLDER, AudioEncoder
from cfstream.emulator.media.clock import Timeline
from cfstream.emulator.media.containers import (
    AnyPacket,
    audio_streams,
    decode,
    open_source,
    packets,
    start_time,
    video_stream,
)
from cfstream.emulator.media.errors import MALFORMED, MediaError
from cfstream.emulator.media.jobs import Mark, PresetName
from cfstream.emulator.media.ladder import PRESETS
from cfstream.emulator.media.part import Cut, Part, go_near
from cfstream.emulator.media.probe import Probe, probe
from cfstream.emulator.media.renditions import Renditions
from cfstream.emulator.media.video import Ladder

_LEAST_SHARE: Final = 0.5
"""Of the length a file claims, this much must be there."""
_MOST_FAILURES: Final = 0.1
"""Of the packets of the picture, no more than this may fail once it has begun."""


@attrs.frozen(kw_only=True)
class Rendition:
    """One size of an encoded video."""

    name: str
    width: int
    height: int


@attrs.frozen(kw_only=True)
class EncodeResult:
    """What an encoding made; ``seconds`` is the length of the picture."""

    renditions: tuple[Rendition, ...]
    frames: int
    seconds: float
    has_audio: bool


def encode(
    source: Path,
    out_dir: Path,
    *,
    preset: PresetName = "full",
    on_progress: Callable[[float], None] = lambda _: None,
    facts: Probe | None = None,
    part: Part | None = None,
    marks: tuple[Mark, ...] = (),
) -> EncodeResult:
    """Encodes a file, or a part of it, into the folder, which is made if need be.

    Args:
        source: The uploaded file.
        out_dir: Where the renditions go.
        preset: ``fast`` (two small rungs) or ``full``.
        on_progress: Called with the percentage done.
        facts: What ``probe`` said about the file, if that is known already.
        part: Which part of the file; without it, all.
        marks: Images that are laid over the picture, the first one lowest.

    Raises:
        OSError: If the source cannot be read or the folder not written.
        MediaError: If the file is no usable video, or a watermark no image.
    """
    facts = facts or probe(source)
    with open_source(source) as container:
        video, sounds = video_stream(container), audio_streams(container)[:1]
        zero = start_time(video, *sounds)
        cut = Cut(part, zero, facts)
        if part is not None:
            facts = part.of(facts)
            go_near(container, video, zero, part)
        with (
            Ladder(facts, cut.zero, PRESETS[preset], out_dir, marks) as ladder,
            AudioEncoder(Timeline(cut.zero, facts.duration), out_dir / FOLDER) as audio,
        ):
            failed = 0
            for packet in packets(container, video, *sounds):
                failed += not _feed(packet, cut, ladder, audio)
                on_progress(min(100.0, ladder.seconds / facts.duration * 100))
                if cut.over:
                    break
            for picture, time in cut.held():
                ladder.encode(picture, time)
            ladder.finish(None if part is None else facts.duration)
            audio.finish()
            if failed > ladder.frames * _MOST_FAILURES:
                raise MediaError(MALFORMED)
            if max(ladder.seconds, audio.seconds) < facts.duration * _LEAST_SHARE:
                raise MediaError(MALFORMED)
            return _publish(ladder, audio, out_dir)


def _feed(packet: AnyPacket, cut: Cut, ladder: Ladder, audio: AudioEncoder) -> bool:
    """Decodes a packet and hands its frames on; False for a broken one of a picture that has begun."""
    frames = decode(packet)
    if frames is None:
        return packet.stream.type != "video" or not ladder.frames
    for frame in frames:
        if isinstance(frame, VideoFrame):
            for picture, time in cut.pictures(frame):
                ladder.encode(picture, time)
        else:
            for sound in cut.sounds(frame):
                audio.encode(sound)
    return True


def _publish(ladder: Ladder, audio: AudioEncoder, out_dir: Path) -> EncodeResult:
    made = Renditions(videos=ladder.renditions(), audio=audio.rendition())
    shown = manifest.Presentation.of(made)
    (out_dir / manifest.MASTER).write_text(manifest.master(shown), encoding="utf-8")
    (out_dir / manifest.DESCRIPTION).write_bytes(manifest.description(shown))
    made.save(out_dir)
    return EncodeResult(
        renditions=tuple(Rendition(name=each.name, width=each.width, height=each.height) for each in made.videos),
        frames=ladder.frames,
        seconds=ladder.seconds,
        has_audio=made.audio is not None,
    )
