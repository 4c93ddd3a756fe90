"""Captions: WebVTT files by language, kept byte for byte."""

import re
from typing import Any

from aiohttp import web

from cfstream.emulator import checks, forms
from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.service import SERVICE

_SIGNATURE = re.compile(rb"(\xef\xbb\xbf)?WEBVTT([ \t\r\n]|$)")

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
    form = await forms.read(request, service.limits.caption_max)
    if not _SIGNATURE.match(form.file):
        raise bad_request("file: must be WebVTT")
    service.video(request)
    target = service.library.caption(uid, language)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(form.file)
    caption: dict[str, Any] = {
        "language": language,
        "label": label(language),
        "generated": False,
        "status": "ready",
    }
    service.library.store.put("caption", language, caption, parent=uid)
    return success(caption)


async def get_vtt(request: web.Request) -> web.Response:
    """CAPTIONS_LANGUAGE_VTT_GET."""
    service = request.app[SERVICE]
    uid, language = service.video(request).uid, _language(request)
    if service.library.store.get("caption", language, parent=uid) is None:
        raise not_found("caption")
    body = service.library.caption(uid, language).read_bytes()
    return web.Response(body=body, content_type="text/vtt", charset="utf-8")
