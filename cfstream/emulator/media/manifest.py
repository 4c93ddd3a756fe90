"""The texts above the renditions: the HLS master playlist and the DASH description of the same segments."""

import math
import re
from fractions import Fraction
from typing import Final
from xml.etree import ElementTree as ET

import attrs

from cfstream.emulator.media.renditions import AudioRendition, Renditions, VideoRendition
from cfstream.emulator.media.segments import INIT, PLAYLIST, SEGMENT_SECONDS, Timing

MASTER: Final = "video.m3u8"
DESCRIPTION: Final = "video.mpd"
CAPTIONS: Final = "captions"
"""The folder of caption files, seen from the manifests."""

_ROLES: Final = "urn:mpeg:dash:role:2011"
_TEXT_RATE: Final = 256
# Neither may stand in a quoted text of a playlist, and no control sign in XML.
_UNQUOTABLE: Final = re.compile(r'[\x00-\x1f\x7f"\ufffe\uffff]|[\ud800-\udfff]')


@attrs.frozen(kw_only=True)
class AudioTrack:
    """A sound track that the viewer can choose."""

    label: str
    rendition: AudioRendition
    default: bool
    uid: str | None = None
    """None for the sound that came with the picture."""


@attrs.frozen(kw_only=True)
class TextTrack:
    """Captions that the viewer can choose."""

    language: str
    label: str


@attrs.frozen(kw_only=True)
class Presentation:
    """Everything that a manifest names."""

    seconds: float
    videos: tuple[VideoRendition, ...]
    tracks: tuple[AudioTrack, ...] = ()
    texts: tuple[TextTrack, ...] = ()

    @classmethod
    def of(cls, made: Renditions) -> "Presentation":
        """What was encoded, with nothing added."""
        own = made.audio
        tracks = () if own is None else (AudioTrack(label="Original", rendition=own, default=True),)
        return cls(seconds=made.seconds, videos=made.videos, tracks=tracks)

    def with_tracks(self, added: tuple[AudioTrack, ...]) -> "Presentation":
        """The same with more sound tracks; exactly one of all is the default."""
        default = next((track for track in added if track.default), None)
        tracks = (*self.tracks, *added)
        default = default or next(iter(tracks), None)
        return attrs.evolve(self, tracks=tuple(attrs.evolve(track, default=track is default) for track in tracks))

    def with_texts(self, texts: tuple[TextTrack, ...]) -> "Presentation":
        """The same with captions."""
        return attrs.evolve(self, texts=texts)

    @property
    def default_track(self) -> AudioTrack | None:
        """The sound that is heard unless the viewer chooses another."""
        return next((track for track in self.tracks if track.default), None)

    def nearest(self, bandwidth: float) -> "Presentation":
        """The same with only the size whose bit rate is nearest to that one, in bits per second."""
        return attrs.evolve(self, videos=(min(self.videos, key=lambda each: abs(self.bandwidth(each) - bandwidth)),))

    def bandwidth(self, video: VideoRendition) -> int:
        """The most bits per second that a size takes together with the sound."""
        return video.timing.peak + max((track.rendition.timing.peak for track in self.tracks), default=0)


def master(shown: Presentation) -> str:
    """The HLS master playlist, smallest size first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    names = _unlike([track.label for track in shown.tracks])
    lines += [_audio_line(track, name) for track, name in zip(shown.tracks, names, strict=True)]
    names = _unlike([text.label for text in shown.texts])
    lines += [_text_line(text, name) for text, name in zip(shown.texts, names, strict=True)]
    for video in shown.videos:
        lines += [f"#EXT-X-STREAM-INF:{_stream_info(shown, video)}", f"{video.name}/{PLAYLIST}"]
    return "\n".join([*lines, ""])


def _unlike(labels: list[str]) -> list[str]:
    """The labels as texts in quotes, each only once: players tell the members of a group apart by them."""
    names: list[str] = []
    for label in labels:
        plain = name = _UNQUOTABLE.sub("'", label)
        count = 1
        while name in names:
            count += 1
            name = f"{plain} ({count})"
        names.append(name)
    return names


def _audio_line(track: AudioTrack, name: str) -> str:
    sound = track.rendition
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="{name}",DEFAULT={_yes(track.default)},AUTOSELECT=YES,'
        f'CHANNELS="{sound.channels}",URI="{sound.name}/{PLAYLIST}"'
    )


def _text_line(text: TextTrack, name: str) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="{name}",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
        f'LANGUAGE="{text.language}",URI="{CAPTIONS}/{text.language}.m3u8"'
    )


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


def _stream_info(shown: Presentation, video: VideoRendition) -> str:
    sounds = [track.rendition for track in shown.tracks]
    fields = [
        f"BANDWIDTH={shown.bandwidth(video)}",
        f"AVERAGE-BANDWIDTH={video.timing.average + max((each.timing.average for each in sounds), default=0)}",
        f"RESOLUTION={video.width}x{video.height}",
        f'CODECS="{",".join(dict.fromkeys([video.codecs, *(each.codecs for each in sounds)]))}"',
        f"FRAME-RATE={video.fps:.3f}",
        *(['AUDIO="audio"'] if sounds else []),
        *(['SUBTITLES="text"'] if shown.texts else []),
    ]
    return ",".join(fields)


def text_playlist(language: str, seconds: float) -> str:
    """The media playlist of captions: the file as it is, for the whole length."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(seconds))}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        f"#EXTINF:{seconds:.6f},",
        f"{language}.vtt",
        "#EXT-X-ENDLIST",
    ]
    return "\n".join([*lines, ""])


def description(shown: Presentation) -> bytes:
    """The DASH description."""
    root = ET.Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": "urn:mpeg:dash:profile:isoff-live:2011",
            "type": "static",
            "mediaPresentationDuration": f"PT{shown.seconds:.3f}S",
            "minBufferTime": f"PT{SEGMENT_SECONDS}S",
        },
    )
    period = ET.SubElement(root, "Period", id="0", start="PT0S")
    _pictures(period, shown.videos)
    for track in shown.tracks:
        _sound(period, track)
    for text in shown.texts:
        _text(period, text)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _pictures(period: ET.Element, videos: tuple[VideoRendition, ...]) -> None:
    element = _adaptation_set(period, "video", "video/mp4")
    # All sizes are cut at the same places.
    _template(element, videos[0].timing)
    for video in videos:
        size = {"width": str(video.width), "height": str(video.height), "frameRate": _fraction(video.fps)}
        _representation(element, video, size)


def _sound(period: ET.Element, track: AudioTrack) -> None:
    element = _adaptation_set(period, "audio", "audio/mp4")
    # Of the others only a name is known, not the language.
    element.set("lang", "original" if track.uid is None else "und")
    ET.SubElement(element, "Label").text = _UNQUOTABLE.sub("'", track.label)
    ET.SubElement(element, "Role", schemeIdUri=_ROLES, value="main" if track.default else "alternate")
    _template(element, track.rendition.timing)
    _representation(element, track.rendition, {"audioSamplingRate": str(track.rendition.rate)})


def _text(period: ET.Element, text: TextTrack) -> None:
    element = ET.SubElement(period, "AdaptationSet", contentType="text", mimeType="text/vtt", lang=text.language)
    ET.SubElement(element, "Label").text = text.label
    ET.SubElement(element, "Role", schemeIdUri=_ROLES, value="subtitle")
    one = ET.SubElement(element, "Representation", id=f"text-{text.language}", bandwidth=str(_TEXT_RATE))
    ET.SubElement(one, "BaseURL").text = f"{CAPTIONS}/{text.language}.vtt"


def _fraction(fps: float) -> str:
    return str(Fraction(fps).limit_denominator(1001))


def _adaptation_set(period: ET.Element, kind: str, mime: str) -> ET.Element:
    return ET.SubElement(
        period, "AdaptationSet", contentType=kind, mimeType=mime, segmentAlignment="true", startWithSAP="1"
    )


def _template(element: ET.Element, timing: Timing) -> None:
    template = ET.SubElement(
        element,
        "SegmentTemplate",
        timescale=str(timing.timescale),
        startNumber="0",
        initialization=f"$RepresentationID$/{INIT}",
        media="$RepresentationID$/seg_$Number%05d$.mp4",
    )
    timeline = ET.SubElement(template, "SegmentTimeline")
    for index, (length, count) in enumerate(timing.runs):
        start = {"t": "0"} if index == 0 else {}
        repeated = {"r": str(count - 1)} if count > 1 else {}
        ET.SubElement(timeline, "S", {**start, "d": str(length), **repeated})


def _representation(parent: ET.Element, track: VideoRendition | AudioRendition, more: dict[str, str]) -> None:
    fields = {"id": track.name, "codecs": track.codecs, "bandwidth": str(track.timing.peak), **more}
    ET.SubElement(parent, "Representation", fields)
