"""Captions: WebVTT files by language, kept byte for byte."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cfstream.emulator import checks
from cfstream.emulator.answers import INTERNAL, bad_request, not_found, success
from cfstream.emulator.encoding.transcribing import INPROGRESS
from cfstream.emulator.service import SERVICE, Service
from cfstream.emulator.serving import forms
from cfstream.emulator.storage.records import READY

_SIGNATURE = re.compile(rb"(\xef\xbb\xbf)?WEBVTT([ \t\r\n]|$)")

_GENERATED = frozenset(("cs", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru"))
_LABELS = {
    "ar": "العربية",
    "cs": "Čeština",
    "da": "Dansk",
    "de": "Deutsch",
    "el": "Ελληνικά",
    "en": "English",
    "en-GB": "British English",
    "en-US": "American English",
    "es": "Español",
    "fi": "Suomi",
    "fr": "Français",
    "he": "עברית",
    "hi": "हिन्दी",
    "hu": "Magyar",
    "id": "Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "no": "Norsk",
    "pl": "Polski",
    "pt": "Português",
    "pt-BR": "Português (Brasil)",
    "ro": "Română",
    "ru": "Русский",
    "sv": "Svenska",
    "th": "ไทย",
    "tr": "Türkçe",
    "uk": "Українська",
    "vi": "Tiếng Việt",
    "zh": "中文",
}
"""Languages by their own names."""


def label(language: str) -> str:
    """What a language is called in a menu."""
    return _LABELS.get(language) or _LABELS.get(language.partition("-")[0]) or language


def _language(request: web.Request) -> str:
    language = request.match_info["language"]
    if not checks.LANGUAGE.fullmatch(language):
        raise bad_request("language: must be a BCP 47 tag")
    return language


async def update(request: web.Request) -> web.Response:
    """CAPTIONS_LANGUAGE_UPDATE: there is one file per language, the last one."""
    service = request.app[SERVICE]
    uid, language = service.video(request).uid, _language(request)
    _, content = await forms.read(request, service.limits.caption_max)
    if not _SIGNATURE.match(content):
        raise bad_request("file: must be WebVTT")
    await service.transcriptions.cancel(uid, language)
    service.video(request)
    service.disk.write(service.library.caption(uid, language), content)
    caption = {"language": language, "label": label(language), "generated": False, "status": READY}
    _put(service, uid, caption)
    return _told(caption)


def _put(service: Service, uid: str, caption: dict[str, Any]) -> None:
    service.library.store.put("caption", caption["language"], caption, parent=uid)


def _shown(caption: Mapping[str, Any]) -> dict[str, Any]:
    return {name: caption[name] for name in ("language", "label", "generated", "status")}


def _told(caption: Mapping[str, Any]) -> web.Response:
    """Captions have no field for why they failed: it stands beside them."""
    messages = [{"code": INTERNAL, "message": caption["why"]}] if "why" in caption else []
    return success(_shown(caption), messages=messages)


def _find(request: web.Request) -> tuple[str, dict[str, Any]]:
    """The video that a path names, and its captions in the language of the path."""
    service = request.app[SERVICE]
    uid = service.video(request).uid
    caption = service.library.store.get("caption", _language(request), parent=uid)
    if caption is None:
        raise not_found("caption")
    return uid, caption


async def list_captions(request: web.Request) -> web.Response:
    """CAPTIONS_GET: also those that are being generated, or could not be."""
    service = request.app[SERVICE]
    listed = service.library.store.all("caption", parent=service.video(request).uid)
    return success([_shown(caption) for caption in listed])


async def get_caption(request: web.Request) -> web.Response:
    """CAPTIONS_LANGUAGE_GET."""
    _, caption = _find(request)
    return _told(caption)


async def generate(request: web.Request) -> web.Response:
    """CAPTIONS_LANGUAGE_CREATE: written by the emulator's transcriber; without one they end in the state ``error``."""
    service = request.app[SERVICE]
    video, language = service.video(request), _language(request)
    if language.partition("-")[0].lower() not in _GENERATED:
        raise bad_request(f"language: must be one of {', '.join(sorted(_GENERATED))}, with or without a region")
    if video.ready_at is None:
        raise bad_request("identifier: the video is not ready")
    if service.library.store.get("caption", language, parent=video.uid) is not None:
        raise bad_request("language: has captions already; delete them first")
    name = f"{label(language)} (auto-generated)"
    caption = {"language": language, "label": name, "generated": True, "status": INPROGRESS}
    _put(service, video.uid, caption)
    service.transcriptions.begin(service, video.uid, language)
    return success(caption)


async def delete(request: web.Request) -> web.Response:
    """CAPTIONS_LANGUAGE_DELETE."""
    service = request.app[SERVICE]
    library = service.library
    uid, caption = _find(request)
    await service.transcriptions.cancel(uid, caption["language"])
    library.store.delete("caption", caption["language"], parent=uid)
    library.caption(uid, caption["language"]).unlink(missing_ok=True)
    return success("")


async def get_vtt(request: web.Request) -> web.StreamResponse:
    """CAPTIONS_LANGUAGE_VTT_GET."""
    uid, caption = _find(request)
    if caption["status"] != READY:
        raise not_found("caption file")
    file = request.app[SERVICE].library.caption(uid, caption["language"])
    return web.FileResponse(file, headers={"Content-Type": "text/vtt; charset=utf-8"})
