"""Who may see what: the video that a player's address names, and the rules that protect it."""

from typing import Any

import attrs
from aiohttp import web

from cfstream.emulator.access import origins, rules
from cfstream.emulator.access.tokens import TokenError
from cfstream.emulator.answers import AUTHENTICATION, BAD_REQUEST, Refused, not_found, unauthorized
from cfstream.emulator.checks import UID
from cfstream.emulator.service import Service
from cfstream.emulator.storage.records import ERROR, LiveInput, Video


@attrs.frozen(kw_only=True)
class Ticket:
    """What the first part of a player's address stands for: a uid, or a token for one."""

    uid: str
    claims: dict[str, Any] | None = attrs.field(default=None, repr=False)
    """Of the token; None where the uid stands there plainly."""


def ticket(request: web.Request, service: Service) -> Ticket:
    """Read the first part of a path; a token is checked, its access rules included.

    Raises:
        Refused: 401, the token opens nothing; 403, it does not let this viewer in; 404, it names nothing.
    """
    key = request.match_info["key"]
    if "." not in key:
        return Ticket(uid=_uid(key))
    try:
        claims = service.signer.check(key)
        given = claims.get("accessRules")
        admitted = [] if given is None else rules.check(given, service.limits.access_rules)
    except (TokenError, ValueError) as error:
        raise Refused(401, (AUTHENTICATION, f"The token opens nothing: {error}")) from error
    viewer = service.control.viewer
    if not rules.allow(admitted, viewer.address or request.remote or "::", viewer.country):
        raise Refused(403, (AUTHENTICATION, "The access rules of the token do not let this viewer in"))
    return Ticket(uid=_uid(claims["sub"]), claims=claims)


def _uid(text: str) -> str:
    if not UID.fullmatch(text):
        raise not_found("video")
    return text


def named(request: web.Request, service: Service) -> tuple[Ticket, Video | LiveInput]:
    """The video or live input that the first part of a path names, and how it does; whoever asks.

    Raises:
        Refused: as `ticket` does; 404, there is none.
    """
    shown = ticket(request, service)
    subject = service.library.get(shown.uid) or service.broadcasts.find(shown.uid)
    if subject is None:
        raise not_found("video")
    return shown, subject


def admit(request: web.Request, shown: Ticket, subject: Video | LiveInput, *, claim: str | None = None) -> None:
    """Hold who asks against what protects a video or a live input.

    Args:
        request: what is asked for.
        shown: its ticket.
        subject: whose rules count.
        claim: what the token must allow besides, where it takes one.

    Raises:
        Refused: 401, there is no token; 403, it does not allow that, or the site is another one.
    """
    if subject.require_signed_urls:
        if shown.claims is None:
            raise unauthorized()
        if claim is not None and shown.claims.get(claim) is not True:
            raise Refused(403, (AUTHENTICATION, f"The token is not {claim}"))
    if subject.allowed_origins and not origins.allow(request, subject.allowed_origins):
        raise Refused(403, (AUTHENTICATION, "The origin is none of those that are allowed"))


def watched(request: web.Request, service: Service, claim: str | None = None) -> Video:
    """The video that the first part of a path names, by uid or by a token for it.

    Args:
        request: what is asked for.
        service: the emulator.
        claim: what the token of a protected video must allow besides.

    Raises:
        Refused: there is none, or it needs a token, another one, or another viewer.
    """
    shown, video = named(request, service)
    if not isinstance(video, Video):
        raise not_found("video")
    admit(request, shown, video, claim=claim)
    return video


def ready(request: web.Request, service: Service, claim: str | None = None) -> Video:
    """The same for what is made of a video, which must be encoded by now."""
    video = watched(request, service, claim)
    check_media(video)
    if video.ready_at is None:
        raise not_found("the video is not ready")
    return video


def check_media(video: Video) -> None:
    """Make sure that there can be something to see of a video.

    Raises:
        Refused: 424, it failed.
    """
    if video.state == ERROR:
        raise Refused(424, (BAD_REQUEST, f"The video has no media: {video.error_code}"))
