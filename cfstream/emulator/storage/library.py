"""The account's videos: their records, their files, and the one way to change either."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from cfstream._types import Clock
from cfstream.emulator import times
from cfstream.emulator.storage.records import ERROR, READY, Video
from cfstream.emulator.storage.store import Store


@attrs.frozen(eq=False)
class Library:
    """Records in the database, files in one folder per video."""

    store: Store
    root: Path
    clock: Clock
    ended: list[Callable[[Video], None]] = attrs.field(factory=list)
    """Called with each video that has become ready or has failed."""

    def now(self) -> int:
        """The present instant."""
        return times.now(self.clock)

    def make(self, created: int, **fields: Any) -> Video:
        """Take in a new video with a uid of its own."""
        video = Video(uid=secrets.token_hex(16), created=created, modified=created, **fields)
        self.folder(video.uid).mkdir(parents=True)
        if video.watermark is not None:
            self.keep(self.watermark(video.watermark["uid"]), self.mark(video.uid, video.watermark["uid"]))
        self.store.save_video(video)
        return video

    def get(self, uid: str) -> Video | None:
        """The video as it is now; it does not change afterwards."""
        return self.store.video(uid)

    def change(self, uid: str, **changes: Any) -> Video | None:
        """Change some fields of a video, unless it is gone.

        It is read, changed and written without a pause, so that concurrent changes of other fields stay.
        """
        video = self.store.video(uid)
        if video is None:
            return None
        before = video.state
        video = attrs.evolve(video, modified=self.now(), **changes)
        self.store.save_video(video)
        if video.state != before and video.state in (READY, ERROR):
            for tell in self.ended:
                tell(video)
        return video

    async def delete(self, uid: str) -> None:
        """Forget a video, with what may have been noted about it while its end was being prepared, and its files."""
        self.store.delete_video(uid)
        await asyncio.to_thread(shutil.rmtree, self.folder(uid), ignore_errors=True)

    @staticmethod
    def keep(source: Path, target: Path) -> None:
        """Give a file another owner: the one it has may be deleted sooner."""
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(source, target)
        except FileExistsError:
            return  # as with a clip that takes the watermark of its source once more
        except OSError:  # some file systems have no links
            shutil.copyfile(source, target)

    def folder(self, uid: str) -> Path:
        """Where the files of a video are."""
        return self.root / "videos" / uid

    def source(self, uid: str) -> Path:
        """The uploaded file."""
        return self.folder(uid) / "source"

    def hls(self, uid: str) -> Path:
        """The folder of manifests and segments."""
        return self.folder(uid) / "hls"

    def live(self, uid: str) -> Path:
        """The folder of a running broadcast."""
        return self.folder(uid) / "live"

    def progressive(self, uid: str, track: str | None = None) -> Path:
        """The same pictures in one MP4, with that sound track or their own, for players without HLS."""
        return self._owner(uid, track) / "player.mp4"

    def still(self, uid: str, name: str) -> Path:
        """A thumbnail."""
        return self.folder(uid) / "thumbnails" / name

    def caption(self, uid: str, language: str) -> Path:
        """A caption file."""
        return self.folder(uid) / "captions" / f"{language}.vtt"

    def audio_track(self, uid: str, track: str) -> Path:
        """The folder of an additional audio track."""
        return self.folder(uid) / "tracks" / track

    def audio_source(self, uid: str, track: str) -> Path:
        """The uploaded file of an additional audio track."""
        return self.audio_track(uid, track) / "source"

    def audio_segments(self, uid: str, track: str) -> Path:
        """Where an additional audio track lies beside the renditions."""
        return self.hls(uid) / f"audio-{track}"

    def sound(self, uid: str, track: str | None = None) -> Path:
        """The sound alone, for downloads."""
        return self._owner(uid, track) / "sound.m4a"

    def _owner(self, uid: str, track: str | None) -> Path:
        # What is made of a track goes away with it.
        return self.folder(uid) if track is None else self.audio_track(uid, track)

    def mark(self, uid: str, watermark: str) -> Path:
        """A video's own copy of the image of a watermark profile."""
        return self.folder(uid) / "marks" / f"{watermark}.png"

    def watermark(self, uid: str) -> Path:
        """The image of a watermark profile."""
        return self.root / "watermarks" / f"{uid}.png"
