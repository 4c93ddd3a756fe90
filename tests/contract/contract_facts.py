"""Facts of the Stream API, written down apart from the code that is tested with them.

Sources: Cloudflare's API reference and its published OpenAPI text (names, verbs, paths, types, limits), the pages of
the Stream docs, and answers of the real service that were recorded in public. No code of the library is used.

Types: text, uid, address (http or https), flag, integer, number, number as text, time (RFC 3339), object (an open
map), file, the name of a nested object or model, list of <type>.

The retry class follows from what a repetition does: reads change nothing; an edit, a caption file, a token, a download
and a live input made under an idempotency key have the same effect again; a delete is done once the object is gone; an
upload, a copy, a key and a watermark come into being twice; a form with an audio file may have been taken; generated
captions may already be in the making.
"""

import contract_facts_access as access
import contract_facts_live as live
import contract_facts_media as media
import contract_facts_videos as videos
from contract_shapes import Call, Keyword, Model

CALLS: tuple[Call, ...] = (*videos.CALLS, *media.CALLS, *live.CALLS, *access.CALLS)

# Objects inside keywords.
NESTED: dict[str, tuple[Keyword, ...]] = {**videos.NESTED, **live.NESTED, **access.NESTED}

MODELS: tuple[Model, ...] = (*videos.MODELS, *media.MODELS, *live.MODELS, *access.MODELS)

# Path values that are one of few words.
PATH_CHOICES = {"download_type": ("default", "audio")}

# What a creation of a resumable upload answers with; it has no body.
TUS_HEADERS = ("Location", "Stream-Media-ID", "Tus-Resumable")

# The service's limits.
LIMITS = {
    "chunk_min": 5_242_880,
    "chunk_default": 52_428_800,
    "chunk_max": 209_715_200,
    "chunk_multiple": 262_144,
    "file_max": 30_000_000_000,
    "basic_upload_max": 200_000_000,
    "caption_max": 10_000_000,
    "watermark_max": 2_097_152,
    "uid_length": 32,
    "creator_length": 64,
    "page_max": 1000,
    "duration_max": 36_000,
    "access_rules": 5,
    "encoding_max": 120,
    "requests": 1200,
    "requests_window": 300,
    "upload_expiry": 86_400,
}

# Reason codes of failed encodes, and codes of API answers that the docs or recorded answers name.
REASON_CODES = (
    "ERR_NON_VIDEO",
    "ERR_DURATION_EXCEED_CONSTRAINT",
    "ERR_FETCH_ORIGIN_ERROR",
    "ERR_MALFORMED_VIDEO",
    "ERR_DURATION_TOO_SHORT",
    "ERR_UNKNOWN",
)
API_CODES = (7000, 7003, 10000, 10003, 10004, 10005, 10010, 10011, 10059)
