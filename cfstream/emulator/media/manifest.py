"""The texts above the renditions: the HLS master playlist and the DASH description of the same segments."""

from fractions import Fraction
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import attrs

from cfstream.emulator.media.clock import SEGMENT_SECONDS, TICKS
from cfstream.emulator.media.track import INIT, PLAYLIST, Segment, average_rate, peak_rate

MASTER: Final = "video.m3u8"
DESCRIPTION: Final = "video.mpd"


@attrs.frozen(kw_only=True)
class VideoRendition:
    """One finished size of the picture."""

    name: str
    width: int
    height: int
    fps: float
    codecs: str
    segments: list[Segment]


@attrs.frozen(kw_only=True)
class AudioRendition:
    """The finished sound."""

    name: str
    rate: int
    channels: int
    codecs: str
    segments: list[Segment]


def write_master(folder: Path, videos: list[VideoRendition], audio: AudioRendition | None) -> None:
    """Writes the HLS master playlist, smallest rendition first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None:
        lines.append(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Original",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="{audio.channels}",URI="{audio.name}/{PLAYLIST}"'
        )
    for video in videos:
        lines += [f"#EXT-X-STREAM-INF:{_stream_info(video, audio)}", f"{video.name}/{PLAYLIST}"]
    (folder / MASTER).write_text("\n".join([*lines, ""]), encoding="utf-8")


def _stream_info(video: VideoRendition, audio: AudioRendition | None) -> str:
    parts: list[VideoRendition | AudioRendition] = [video] if audio is None else [video, audio]
    fields = [
        f"BANDWIDTH={sum(peak_rate(part.segments) for part in parts)}",
        f"AVERAGE-BANDWIDTH={sum(average_rate(part.segments) for part in parts)}",
        f"RESOLUTION={video.width}x{video.height}",
        f'CODECS="{",".join(part.codecs for part in parts)}"',
        f"FRAME-RATE={video.fps:.3f}",
    ]
    return ",".join(fields if audio is None else [*fields, 'AUDIO="audio"'])


def write_description(folder: Path, videos: list[VideoRendition], audio: AudioRendition | None) -> None:
    """Writes the DASH description."""
    length = max(sum(each.seconds for each in videos[0].segments), _length(audio))
    root = ET.Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
            "type": "static",
            "mediaPresentationDuration": f"PT{length:.3f}S",
            "minBufferTime": f"PT{SEGMENT_SECONDS}S",
        },
    )
    period = ET.SubElement(root, "Period", id="0", start="PT0S")
    pictures = _adaptation_set(period, "video", videos[0].segments, TICKS)
    for video in videos:
        size = {"width": str(video.width), "height": str(video.height), "frameRate": _fraction(video.fps)}
        _representation(pictures, video, size)
    if audio is not None:
        sounds = _adaptation_set(period, "audio", audio.segments, audio.rate)
        _representation(sounds, audio, {"audioSamplingRate": str(audio.rate)})
    ET.indent(root)
    ET.ElementTree(root).write(folder / DESCRIPTION, encoding="utf-8", xml_declaration=True)


def _fraction(fps: float) -> str:
    return str(Fraction(fps).limit_denominator(1001))


def _length(audio: AudioRendition | None) -> float:
    return 0.0 if audio is None else sum(each.seconds for each in audio.segments)


def _adaptation_set(period: ET.Element, kind: str, segments: list[Segment], timescale: int) -> ET.Element:
    element = ET.SubElement(
        period,
        "AdaptationSet",
        contentType=kind,
        mimeType=f"{kind}/mp4",
        segmentAlignment="true",
        startWithSAP="1",
    )
    template = ET.SubElement(
        element,
        "SegmentTemplate",
        timescale=str(timescale),
        startNumber="0",
        initialization=f"$RepresentationID$/{INIT}",
        media="$RepresentationID$/seg_$Number%05d$.mp4",
    )
    timeline = ET.SubElement(template, "SegmentTimeline")
    for index, segment in enumerate(segments):
        start = {"t": "0"} if index == 0 else {}
        ET.SubElement(timeline, "S", {**start, "d": str(round(segment.seconds * timescale))})
    return element


def _representation(parent: ET.Element, track: VideoRendition | AudioRendition, more: dict[str, str]) -> None:
    bandwidth = str(peak_rate(track.segments))
    ET.SubElement(parent, "Representation", {"id": track.name, "codecs": track.codecs, "bandwidth": bandwidth, **more})
