"""The service's limits as one frozen value, so that tests can pass a smaller one to client and emulator alike."""

import attrs

_KIB = 1024
_MIB = 1024 * _KIB


@attrs.frozen(kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds; the service's own figures are the defaults.

    Sources: the tus page of the Stream docs (chunks), the Stream FAQ (file size, encoding queue), the API limits
    page (requests), and the API reference (lengths and ranges of fields).
    """

    chunk_min: int = 5 * _MIB
    """The smallest chunk of a tus upload, save for the last one."""

    chunk_default: int = 50 * _MIB
    """The chunk size the service recommends."""

    chunk_max: int = 200 * _MIB
    """The largest chunk."""

    chunk_multiple: int = 256 * _KIB
    """Every chunk but the last is a multiple of this."""

    file_max: int = 30 * 1000**3
    """The largest video file."""

    basic_upload_max: int = 200 * 1000**2
    """The largest file that a form upload takes."""

    caption_max: int = 10 * 1000**2
    """The largest caption file."""

    watermark_max: int = 2 * _MIB
    """The largest watermark image."""

    uid_length: int = 32
    """The longest uid, in characters."""

    creator_length: int = 64
    """The longest creator, in characters."""

    metadata_header: int = 8 * _KIB
    """The longest Upload-Metadata header: aiohttp, and most servers, refuse a header line above 8,190 bytes."""

    page_max: int = 1000
    """The most videos in one list answer."""

    duration_max: int = 36_000
    """The largest maxDurationSeconds."""

    access_rules: int = 5
    """The most access rules in one token."""

    idempotency_key_length: int = 255
    """The longest Idempotency-Key, in bytes."""

    deletion_days_min: int = 30
    """The soonest scheduled deletion, in days after the video was created."""

    deletion_days_max: int = 1096
    """The latest scheduled deletion, in days after the video was created."""

    storage_minutes: int = 1000
    """The minutes of video that the account has room for: the least that can be bought."""

    direct_duration: int = 14_400
    """The seconds that an upload address for end users reserves where it names no maxDurationSeconds."""

    encoding_max: int = 120
    """The most videos queued or encoding at the same time."""

    requests: int = 1200
    """API requests per ``requests_window`` for one user or token."""

    requests_window: int = 300
    """The window of ``requests``; a client above the limit is blocked for as long again."""

    list_lag: float = 15.0
    """How long lists may lag behind what was made: not documented, observed as several seconds."""

    upload_expiry: int = 24 * 3600
    """How long an unfinished upload is kept."""


LIMITS = Limits()
