"""What a video shows at this moment: its renditions, the sound tracks that were added, and its captions."""

from pathlib import Path
from typing import Any

from cfstream.emulator.media.jobs import Mp4Job
from cfstream.emulator.media.manifest import AudioTrack, Presentation, TextTrack
from cfstream.emulator.media.renditions import AudioRendition, Renditions
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import READY


def presentation(library: Library, uid: str) -> Presentation | None:
    """Everything that the manifests of a video name now, or None where no finished encoding lies."""
    made = Renditions.load(library.hls(uid))
    if made is None:
        return None
    tracks, captions = library.store.all("audio", parent=uid), library.store.all("caption", parent=uid)
    shown = Presentation.of(made).with_tracks(tuple(_track(each) for each in tracks if each["status"] == READY))
    texts = tuple(
        TextTrack(language=each["language"], label=each["label"]) for each in captions if each["status"] == READY
    )
    return shown.with_texts(texts)


def _track(stored: dict[str, Any]) -> AudioTrack:
    return AudioTrack(
        uid=stored["uid"],
        label=stored["label"],
        default=stored["default"],
        rendition=AudioRendition(**stored["rendition"]),
    )


def mp4_job(library: Library, uid: str, *, sound_only: bool = False) -> Mp4Job:
    """What makes one file of a video, or of its sound, with the sound that is the default now."""
    shown = presentation(library, uid)
    sound = None if shown is None else shown.default_track
    target: Path = (library.sound if sound_only else library.progressive)(uid, None if sound is None else sound.uid)
    return Mp4Job(
        hls_dir=library.hls(uid),
        target=target,
        sound=None if sound is None else sound.rendition.name,
        sound_only=sound_only,
    )
