"""Which function answers which row of the API."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from cfstream.emulator.access import keys, tokens
from cfstream.emulator.api import audio, captions, clips, downloads, embed, live, outputs, videos, watermarks, webhooks
from cfstream.emulator.uploading import basic, copies, direct

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HANDLERS: Mapping[str, Handler] = {
    "STREAM_LIST": videos.list_videos,
    "STREAM_GET": videos.get_video,
    "STREAM_CREATE": basic.create,
    "STREAM_EDIT": videos.edit_video,
    "STREAM_DELETE": videos.delete_video,
    "VIDEOS_STORAGE_USAGE": videos.storage_usage,
    "CLIP_CREATE": clips.create,
    "COPY_CREATE": copies.create,
    "DIRECT_UPLOAD_CREATE": direct.create,
    "AUDIO_TRACKS_GET": audio.list_tracks,
    "AUDIO_TRACKS_COPY": audio.copy,
    "AUDIO_TRACKS_UPLOAD": audio.upload,
    "AUDIO_TRACKS_EDIT": audio.edit,
    "AUDIO_TRACKS_DELETE": audio.delete,
    "DOWNLOADS_GET": downloads.list_downloads,
    "DOWNLOADS_CREATE": downloads.create,
    "DOWNLOADS_CREATE_TYPE": downloads.create,
    "DOWNLOADS_DELETE": downloads.delete,
    "DOWNLOADS_DELETE_TYPE": downloads.delete,
    "EMBED_GET": embed.get_embed,
    "TOKEN_CREATE": tokens.create,
    "CAPTIONS_GET": captions.list_captions,
    "CAPTIONS_LANGUAGE_GET": captions.get_caption,
    "CAPTIONS_LANGUAGE_CREATE": captions.generate,
    "CAPTIONS_LANGUAGE_UPDATE": captions.update,
    "CAPTIONS_LANGUAGE_DELETE": captions.delete,
    "CAPTIONS_LANGUAGE_VTT_GET": captions.get_vtt,
    "WATERMARKS_LIST": watermarks.list_profiles,
    "WATERMARKS_GET": watermarks.get_profile,
    "WATERMARKS_CREATE": watermarks.create,
    "WATERMARKS_DELETE": watermarks.delete,
    "KEYS_GET": keys.list_keys,
    "KEYS_CREATE": keys.create,
    "KEYS_DELETE": keys.delete,
    "WEBHOOKS_GET": webhooks.get_webhook,
    "WEBHOOKS_UPDATE": webhooks.update,
    "WEBHOOKS_DELETE": webhooks.delete,
    "LIVE_INPUTS_LIST": live.list_inputs,
    "LIVE_INPUTS_GET": live.get_input,
    "LIVE_INPUTS_CREATE": live.create,
    "LIVE_INPUTS_UPDATE": live.update,
    "LIVE_INPUTS_DELETE": live.delete,
    "LIVE_INPUTS_ENABLE": live.enable,
    "LIVE_INPUTS_DISABLE": live.disable,
    "LIVE_INPUTS_ROTATE_KEYS": live.rotate_keys,
    "LIVE_INPUTS_VIDEOS": live.list_videos,
    "LIVE_INPUTS_OUTPUTS_LIST": outputs.list_outputs,
    "LIVE_INPUTS_OUTPUTS_CREATE": outputs.create,
    "LIVE_INPUTS_OUTPUTS_UPDATE": outputs.update,
    "LIVE_INPUTS_OUTPUTS_DELETE": outputs.delete,
}
"""Handlers by the name of their row."""
