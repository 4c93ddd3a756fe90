"""The fragment of HTML that puts a video's player into a page."""

from aiohttp import web

from cfstream.emulator.service import SERVICE

_WIDTH, _HEIGHT = 1280, 720
_ALLOWED = "accelerometer; gyroscope; autoplay; encrypted-media; picture-in-picture;"


async def get_embed(request: web.Request) -> web.Response:
    """EMBED_GET: as large as the video, where its size is known."""
    service = request.app[SERVICE]
    video = service.video(request)
    width, height = (video.width, video.height) if video.width > 0 else (_WIDTH, _HEIGHT)
    text = (
        f'<iframe src="{service.site}/{video.uid}/iframe" style="border: none" height="{height}" width="{width}" '
        f'allow="{_ALLOWED}" allowfullscreen="true"></iframe>\n'
    )
    return web.Response(text=text, content_type="text/html", charset="utf-8")
