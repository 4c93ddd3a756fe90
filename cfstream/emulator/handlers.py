"""Which function answers which row of the API."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from cfstream.emulator import captions, tokens, tus, videos, watermarks

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLERS: Mapping[str, Handler] = {
    "STREAM_LIST": videos.list_videos,
    "STREAM_GET": videos.get_video,
    "STREAM_CREATE": tus.create,
    "STREAM_EDIT": videos.edit_video,
    "STREAM_DELETE": videos.delete_video,
    "VIDEOS_STORAGE_USAGE": videos.storage_usage,
    "TOKEN_CREATE": tokens.create,
    "CAPTIONS_LANGUAGE_UPDATE": captions.update,
    "CAPTIONS_LANGUAGE_VTT_GET": captions.get_vtt,
    "WATERMARKS_CREATE": watermarks.create,
}
"""Handlers by the name of their row."""
