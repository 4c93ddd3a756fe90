"""The web application: every route of the API, of uploads and of playback."""

from aiohttp import web

from cfstream.emulator.analytics import route
from cfstream.emulator.answers import API
from cfstream.emulator.api import downloads
from cfstream.emulator.control import routes
from cfstream.emulator.handlers import HANDLERS
from cfstream.emulator.ingest import watching
from cfstream.emulator.pages import dashboard, html, player
from cfstream.emulator.playing import playback, stills
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving.middleware import MIDDLEWARES, sign_answer
from cfstream.emulator.uploading import direct, tus
from cfstream.endpoints import ROWS


def make_app(service: Service) -> web.Application:
    """Put the routes together."""
    app = web.Application(middlewares=MIDDLEWARES)
    app[SERVICE] = service
    app.on_response_prepare.append(sign_answer)
    _add_api(app.router)
    _add_analytics(app.router)
    _add_uploads(app.router)
    _add_forms(app.router)
    routes.add_routes(app.router)
    _add_playback(app.router)
    return app


def _add_api(router: web.UrlDispatcher) -> None:
    # Fixed words before placeholders: /stream/storage-usage is not a video of that name.
    for name in sorted(HANDLERS, key=lambda name: [part.startswith("{") for part in ROWS[name].path.split("/")]):
        row = ROWS[name]
        router.add_route(row.verb, f"{API}{row.path}", HANDLERS[name])
    router.add_route("OPTIONS", f"{API}{ROWS['STREAM_CREATE'].path}", tus.options)


def _add_analytics(router: web.UrlDispatcher) -> None:
    router.add_post(route.ADDRESS, route.answer)


def _add_uploads(router: web.UrlDispatcher) -> None:
    for path in (tus.OPEN, tus.GUARDED):
        router.add_route("HEAD", path, tus.head)
        router.add_route("PATCH", path, tus.patch)
        router.add_route("OPTIONS", path, tus.options)


def _add_forms(router: web.UrlDispatcher) -> None:
    router.add_post(direct.ADDRESS, direct.upload)
    router.add_route("OPTIONS", direct.ADDRESS, direct.options)


def _add_playback(router: web.UrlDispatcher) -> None:
    router.add_get("/", dashboard.home)
    router.add_get(f"{html.STATIC}/{{name}}", html.static)
    router.add_get("/{key}/manifest/{path:.+}", watching.serve)
    router.add_get("/{key}/lifecycle", watching.lifecycle)
    router.add_get("/{key}/views", watching.views)
    router.add_get("/{key}/thumbnails/thumbnail.jpg", stills.still)
    router.add_get("/{key}/thumbnails/thumbnail.gif", stills.animation)
    router.add_get("/{key}/player/video.mp4", playback.progressive)
    router.add_get("/{key}/downloads/{file}", downloads.serve)
    router.add_get("/{key}/captions/{language}.vtt", playback.captions)
    router.add_get("/{key}/watch", player.watch)
    router.add_get("/{key}/iframe", player.watch)
    router.add_get("/{key}/player/state.json", player.state)
