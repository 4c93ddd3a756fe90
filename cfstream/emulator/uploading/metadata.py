"""The Upload-Metadata header: pairs of a key and its value in base64, and what each key sets on the video."""

import base64
import binascii
import json
from typing import Any

import attrs

from cfstream._limits import Limits
from cfstream.emulator import checks
from cfstream.emulator.answers import bad_request


@attrs.frozen(kw_only=True)
class UploadSettings:
    """What the header asks for."""

    changes: dict[str, Any]
    """Fields of the video's record."""
    watermark: str | None
    """The uid of a watermark profile."""
    expiry: int | None
    """Until when the upload must be complete."""


def parse(header: str) -> dict[str, str | None]:
    """Read the header; a key without value has None.

    Raises:
        Refused: it is not such a header.
    """
    if not header.isascii():
        raise bad_request("Upload-Metadata: must be ASCII")
    pairs: dict[str, str | None] = {}
    for item in filter(None, (item.strip() for item in header.split(","))):
        key, blank, value = item.partition(" ")
        pairs[key] = _decode(key, value.strip()) if blank else None
    return pairs


def _decode(key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise bad_request(f"Upload-Metadata: the value of {key!r:.60} is not UTF-8 text in base64") from error


def read(header: str, created: int, limits: Limits) -> UploadSettings:
    """What the header asks for; keys the service does not know become part of the video's ``meta``.

    Raises:
        Refused: a value is wrong.
    """
    meta: dict[str, Any] = {}
    changes: dict[str, Any] = {"meta": meta}
    watermark: str | None = None
    expiry: int | None = None
    for key, given in parse(header).items():
        value = given or ""
        match key.lower():
            case "requiresignedurls":
                changes["require_signed_urls"] = value.lower() != "false"
            case "allowedorigins":
                changes["allowed_origins"] = _origins(key, value)
            case "thumbnailtimestamppct":
                changes["thumbnail_pct"] = _fraction(key, value)
            case "maxdurationseconds":
                changes["max_duration"] = checks.digits(key, value, 1, limits.duration_max)
            case "scheduleddeletion":
                changes["scheduled_deletion"] = checks.scheduled_deletion(key, value, created, limits)
            case "expiry":
                expiry = checks.instant(key, value)
                if expiry <= created:
                    raise bad_request(f"{key}: is in the past")
            case "watermark":
                watermark = value
            case _:
                meta[key] = value
    return UploadSettings(changes=changes, watermark=watermark, expiry=expiry)


def _origins(name: str, value: str) -> list[str]:
    if not value.lstrip().startswith("["):
        return [origin.strip() for origin in value.split(",") if origin.strip()]
    try:
        return checks.origins(name, json.loads(value))
    except ValueError as error:
        raise bad_request(f"{name}: is neither a JSON list nor a list with commas") from error


def _fraction(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError as error:
        raise bad_request(f"{name}: must be a number from 0 to 1") from error
    return checks.fraction(name, number)
