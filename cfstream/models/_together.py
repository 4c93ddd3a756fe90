"""Rules of keywords that only make sense together; each keyword for itself is checked before."""

from collections.abc import Mapping
from typing import Any


def clip_problem(params: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the borders of a clip, or None."""
    start, end = params["start_time_seconds"], params["end_time_seconds"]
    if end > start:
        return None
    return f"end_time_seconds: must be greater than start_time_seconds ({start}), not {end}"


def copy_problem(params: Mapping[str, Any]) -> str | None:
    """Say what is missing in a copy, or None."""
    return None if {"input", "url"} & params.keys() else "missing keyword input: give the address of the video"


def token_problem(params: Mapping[str, Any]) -> str | None:
    """Say what is missing in a token, or None."""
    if ("id" in params) == ("pem" in params):
        return None
    return "id and pem go together: give the signing key's id and its private key, or neither"
