"""Every call of the API with what it needs to be there, and a count of what it makes or deletes."""

import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from cfstream import Stream
from cfstream.models import SigningKey

_PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"
)
_VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"
_AUDIO = (
    b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data"
)
_NOWHERE = "http://127.0.0.1:9/nothing.mp4"

_labels = itertools.count()


@attrs.frozen
class World:
    """A client that makes things and counts them, beside the one that is tested."""

    admin: Stream
    ready: str
    """The uid of an encoded video."""

    async def video(self) -> str:
        return (await self.admin.create(upload_length=1000)).uid

    async def live_input(self) -> str:
        return (await self.admin.live_inputs.create()).uid

    async def output(self, live_input: str) -> str:
        return (await self.admin.live_inputs.outputs.create(live_input, url="rtmp://a.example", stream_key="k")).uid

    async def audio(self, video: str) -> str:
        return (await self.admin.audio_tracks.upload(video, file=_AUDIO, label=f"track {next(_labels)}")).uid

    async def caption(self, video: str) -> str:
        return (await self.admin.captions.language.update("en", identifier=video, file=_VTT)).language

    async def key(self) -> SigningKey:
        return await self.admin.keys.create()

    async def watermark(self) -> str:
        return (await self.admin.watermarks.create(file=_PNG)).uid

    async def webhook(self) -> None:
        await self.admin.webhooks.update(notification_url="https://a.example/hook")

    # --- counts --------------------------------------------------------------------------------------------------

    async def videos(self) -> int:
        return len([video async for video in self.admin.list()])

    async def keys(self) -> int:
        return len((await self.admin.keys.get()).items)

    async def live_inputs(self) -> int:
        return len((await self.admin.live_inputs.list()).items)

    async def watermarks(self) -> int:
        return len((await self.admin.watermarks.list()).items)

    def outputs_of(self, live_input: str) -> "Count":
        async def count() -> int:
            return len((await self.admin.live_inputs.outputs.list(live_input)).items)

        return count

    def tracks_of(self, video: str) -> "Count":
        async def count() -> int:
            return len((await self.admin.audio_tracks.get(video)).items)

        return count

    def captions_of(self, video: str) -> "Count":
        async def count() -> int:
            return len((await self.admin.captions.get(video)).items)

        return count

    def downloads_of(self, video: str) -> "Count":
        async def count() -> int:
            made = await self.admin.downloads.get(video)
            return sum(download is not None for download in (made.default, made.audio))

        return count


Count = Callable[[], Awaitable[int]]


@attrs.frozen
class Trial:
    """One call, ready to be made, and the count that it changes by ``makes``."""

    call: Callable[[Stream], Awaitable[Any]]
    count: Count
    makes: int = 0


Setup = Callable[[World], Awaitable[Trial]]
SETUPS: dict[str, Setup] = {}


def setup(row: str) -> Callable[[Setup], Setup]:
    def keep(function: Setup) -> Setup:
        SETUPS[row] = function
        return function

    return keep


def _on_video(row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        uid = await world.video()
        return Trial(lambda stream: call(stream, uid), world.videos, makes)


_on_video("STREAM_LIST", lambda stream, _: stream.list().page())
_on_video("STREAM_GET", lambda stream, uid: stream.get(uid))
_on_video("STREAM_CREATE", lambda stream, _: stream.create(upload_length=1000), makes=1)
_on_video("STREAM_EDIT", lambda stream, uid: stream.edit(uid, creator="alice"))
_on_video("STREAM_DELETE", lambda stream, uid: stream.delete(uid), makes=-1)
_on_video("VIDEOS_STORAGE_USAGE", lambda stream, _: stream.videos.storage_usage())
_on_video("COPY_CREATE", lambda stream, _: stream.copy.create(input=_NOWHERE), makes=1)
_on_video("DIRECT_UPLOAD_CREATE", lambda stream, _: stream.direct_upload.create(max_duration_seconds=9), makes=1)
_on_video("EMBED_GET", lambda stream, uid: stream.embed.get(uid))
_on_video("TOKEN_CREATE", lambda stream, uid: stream.token.create(uid))


@setup("CLIP_CREATE")
async def _(world: World) -> Trial:
    return Trial(
        lambda stream: stream.clip.create(clipped_from_video_uid=world.ready, start_time_seconds=0, end_time_seconds=1),
        world.videos,
        1,
    )


def _on_tracks(row: str, call: Callable[[Stream, str, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        track = await world.audio(world.ready)
        return Trial(lambda stream: call(stream, world.ready, track), world.tracks_of(world.ready), makes)


def _label() -> str:
    return f"track {next(_labels)}"


_on_tracks("AUDIO_TRACKS_GET", lambda stream, uid, _: stream.audio_tracks.get(uid).page())
_on_tracks(
    "AUDIO_TRACKS_EDIT", lambda stream, uid, track: stream.audio_tracks.edit(track, identifier=uid, label=_label())
)
_on_tracks(
    "AUDIO_TRACKS_DELETE", lambda stream, uid, track: stream.audio_tracks.delete(track, identifier=uid), makes=-1
)
_on_tracks(
    "AUDIO_TRACKS_COPY", lambda stream, uid, _: stream.audio_tracks.copy(uid, url=_NOWHERE, label=_label()), makes=1
)
_on_tracks(
    "AUDIO_TRACKS_UPLOAD",
    lambda stream, uid, _: stream.audio_tracks.upload(uid, file=_AUDIO, label=_label()),
    makes=1,
)


def _on_captions(
    row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0, there: bool = True
) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        for caption in (await world.admin.captions.get(world.ready)).items:
            await world.admin.captions.language.delete(caption.language, identifier=world.ready)
        if there:
            await world.caption(world.ready)
        return Trial(lambda stream: call(stream, world.ready), world.captions_of(world.ready), makes)


_on_captions("CAPTIONS_GET", lambda stream, uid: stream.captions.get(uid).page())
_on_captions("CAPTIONS_LANGUAGE_GET", lambda stream, uid: stream.captions.language.get("en", identifier=uid))
_on_captions(
    "CAPTIONS_LANGUAGE_CREATE",
    lambda stream, uid: stream.captions.language.create("en", identifier=uid),
    makes=1,
    there=False,
)
_on_captions(
    "CAPTIONS_LANGUAGE_UPDATE",
    lambda stream, uid: stream.captions.language.update("en", identifier=uid, file=_VTT),
    makes=1,
    there=False,
)
_on_captions(
    "CAPTIONS_LANGUAGE_DELETE",
    lambda stream, uid: stream.captions.language.delete("en", identifier=uid),
    makes=-1,
)
_on_captions("CAPTIONS_LANGUAGE_VTT_GET", lambda stream, uid: stream.captions.language.vtt.get("en", identifier=uid))


def _on_downloads(
    row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0, there: bool = True
) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        uid = world.ready
        made = await world.admin.downloads.get(uid)
        if made.default is not None:
            await world.admin.downloads.delete(uid)
        if made.audio is not None:
            await world.admin.downloads.delete_type("audio", identifier=uid)
        if there:
            await world.admin.downloads.create(uid)
        return Trial(lambda stream: call(stream, uid), world.downloads_of(uid), makes)


_on_downloads("DOWNLOADS_GET", lambda stream, uid: stream.downloads.get(uid))
_on_downloads("DOWNLOADS_CREATE", lambda stream, uid: stream.downloads.create(uid), makes=1, there=False)
_on_downloads("DOWNLOADS_DELETE", lambda stream, uid: stream.downloads.delete(uid), makes=-1)
_on_downloads(
    "DOWNLOADS_CREATE_TYPE",
    lambda stream, uid: stream.downloads.create_type("default", identifier=uid),
    makes=1,
    there=False,
)
_on_downloads(
    "DOWNLOADS_DELETE_TYPE", lambda stream, uid: stream.downloads.delete_type("default", identifier=uid), makes=-1
)


def _on_keys(row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        key = await world.key()
        return Trial(lambda stream: call(stream, key.id), world.keys, makes)


_on_keys("KEYS_GET", lambda stream, _: stream.keys.get().page())
_on_keys("KEYS_CREATE", lambda stream, _: stream.keys.create(), makes=1)
_on_keys("KEYS_DELETE", lambda stream, key: stream.keys.delete(key), makes=-1)


def _on_inputs(row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        uid = await world.live_input()
        return Trial(lambda stream: call(stream, uid), world.live_inputs, makes)


_on_inputs("LIVE_INPUTS_LIST", lambda stream, _: stream.live_inputs.list().page())
_on_inputs("LIVE_INPUTS_GET", lambda stream, uid: stream.live_inputs.get(uid))
_on_inputs("LIVE_INPUTS_CREATE", lambda stream, _: stream.live_inputs.create(), makes=1)
_on_inputs("LIVE_INPUTS_UPDATE", lambda stream, uid: stream.live_inputs.update(uid, default_creator="alice"))
_on_inputs("LIVE_INPUTS_DELETE", lambda stream, uid: stream.live_inputs.delete(uid), makes=-1)
_on_inputs("LIVE_INPUTS_ENABLE", lambda stream, uid: stream.live_inputs.enable(uid))
_on_inputs("LIVE_INPUTS_DISABLE", lambda stream, uid: stream.live_inputs.disable(uid))
_on_inputs("LIVE_INPUTS_VIDEOS", lambda stream, uid: stream.live_inputs.videos(uid).page())


@setup("LIVE_INPUTS_ROTATE_KEYS")
async def _(world: World) -> Trial:
    uid = await world.live_input()
    before = (await world.admin.live_inputs.get(uid)).rtmps

    async def rotations() -> int:
        return int((await world.admin.live_inputs.get(uid)).rtmps != before)

    return Trial(lambda stream: stream.live_inputs.rotate_keys(uid), rotations, 1)


def _on_outputs(row: str, call: Callable[[Stream, str, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        live_input = await world.live_input()
        output = await world.output(live_input)
        return Trial(lambda stream: call(stream, live_input, output), world.outputs_of(live_input), makes)


_on_outputs("LIVE_INPUTS_OUTPUTS_LIST", lambda stream, uid, _: stream.live_inputs.outputs.list(uid).page())
_on_outputs(
    "LIVE_INPUTS_OUTPUTS_CREATE",
    lambda stream, uid, _: stream.live_inputs.outputs.create(uid, url="rtmp://b.example", stream_key="k"),
    makes=1,
)
_on_outputs(
    "LIVE_INPUTS_OUTPUTS_UPDATE",
    lambda stream, uid, output: stream.live_inputs.outputs.update(output, live_input_identifier=uid, enabled=False),
)
_on_outputs(
    "LIVE_INPUTS_OUTPUTS_DELETE",
    lambda stream, uid, output: stream.live_inputs.outputs.delete(output, live_input_identifier=uid),
    makes=-1,
)


def _on_watermarks(row: str, call: Callable[[Stream, str], Awaitable[Any]], *, makes: int = 0) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        uid = await world.watermark()
        return Trial(lambda stream: call(stream, uid), world.watermarks, makes)


_on_watermarks("WATERMARKS_LIST", lambda stream, _: stream.watermarks.list().page())
_on_watermarks("WATERMARKS_GET", lambda stream, uid: stream.watermarks.get(uid))
_on_watermarks("WATERMARKS_CREATE", lambda stream, _: stream.watermarks.create(file=_PNG), makes=1)
_on_watermarks("WATERMARKS_DELETE", lambda stream, uid: stream.watermarks.delete(uid), makes=-1)


def _on_webhook(row: str, call: Callable[[Stream], Awaitable[Any]]) -> None:
    @setup(row)
    async def trial(world: World) -> Trial:
        await world.webhook()
        return Trial(call, world.videos)


_on_webhook("WEBHOOKS_GET", lambda stream: stream.webhooks.get())
_on_webhook("WEBHOOKS_UPDATE", lambda stream: stream.webhooks.update(notification_url="https://b.example/hook"))
_on_webhook("WEBHOOKS_DELETE", lambda stream: stream.webhooks.delete())
