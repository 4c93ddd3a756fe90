"""The account's videos: their records, their files, and the one way to change either."""

import asyncio
import secrets
import shutil
from pathlib import Path
from typing import Any

import attrs

from cfstream._types import Clock
from cfstream.emulator import times
from cfstream.emulator.records import Video
from cfstream.emulator.store import Store


@attrs.frozen(eq=False)
class Library:
    """Records in the database, files in one folder per video."""

    store: Store
    root: Path
    clock: Clock

    def now(self) -> int:
        """The present instant."""
        return times.now(self.clock)

    def make(self, created: int, **fields: Any) -> Video:
        """Take in a new video with a uid of its own."""
        video = Video(uid=secrets.token_hex(16), created=created, modified=created, **fields)
        self.folder(video.uid).mkdir(parents=True)
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
        video = attrs.evolve(video, modified=self.now(), **changes)
        self.store.save_video(video)
        return video

    async def delete(self, uid: str) -> None:
        """Forget a video and remove its files."""
        self.store.delete_video(uid)
        await asyncio.to_thread(shutil.rmtree, self.folder(uid), ignore_errors=True)

    def folder(self, uid: str) -> Path:
        """Where the files of a video are."""
        return self.root / "videos" / uid

    def source(self, uid: str) -> Path:
        """The uploaded file."""
        return self.folder(uid) / "source"

    def hls(self, uid: str) -> Path:
        """The folder of manifests and segments."""
        return self.folder(uid) / "hls"

    def progressive(self, uid: str) -> Path:
        """The same pictures in one MP4, for players without HLS."""
        return self.folder(uid) / "player.mp4"

    def still(self, uid: str, name: str) -> Path:
        """A thumbnail."""
        return self.folder(uid) / "thumbnails" / name

    def caption(self, uid: str, language: str) -> Path:
        """A caption file."""
        return self.folder(uid) / "captions" / f"{language}.vtt"

    def audio_track(self, uid: str, track: str) -> Path:
        """The file of an additional audio track."""
        return self.folder(uid) / "tracks" / track

    def sound(self, uid: str) -> Path:
        """The sound alone, for downloads."""
        return self.folder(uid) / "sound.m4a"

    def watermark(self, uid: str) -> Path:
        """The image of a watermark profile."""
        return self.root / "watermarks" / f"{uid}.png"
