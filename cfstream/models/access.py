"""Who may watch, and who is told: signing keys, signed tokens and the rules in them, the webhook."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs

from cfstream._limits import LIMITS
from cfstream._redact import shown
from cfstream._types import Secret
from cfstream.errors import InvalidInputError
from cfstream.models._base import Hidden, MaxLength, Url, also_read, extra_field, one_of


@attrs.frozen(kw_only=True)
class SigningKey:
    """A key that signs tokens; the service shows its private part this once."""

    id: str
    pem: Secret
    """The private key: base64 of a PEM text."""
    jwk: Secret
    """The private key: base64 of a JSON Web Key."""
    created: datetime | None = None
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.id)


@attrs.frozen(kw_only=True)
class SigningKeySummary:
    """A signing key as lists show it: without its private part."""

    id: str
    created: datetime | None = None
    key_id: str | None = None
    """The id again."""
    extra: Mapping[str, Any] = extra_field()

    def __hash__(self) -> int:
        return hash(self.id)


@attrs.frozen(kw_only=True)
class Webhook:
    """Where the service reports that a video is ready or failed; an account has one."""

    notification_url: str = also_read(attrs.NOTHING, "notification_url")
    secret: Secret
    """Signs every report; setting the address makes a new one."""
    modified: datetime | None = None
    extra: Mapping[str, Any] = extra_field()


@attrs.frozen(kw_only=True)
class Token:
    """A signed token; it stands in place of the uid in playback addresses."""

    token: Secret
    extra: Mapping[str, Any] = extra_field()


def _texts_or_none(value: Sequence[str] | None) -> tuple[str, ...] | None:
    """Keep a list of texts as it was given; a single text is refused, because its letters would pass as one."""
    if value is None:
        return None
    given: Any = value
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(isinstance(item, str) for item in given):
        raise InvalidInputError(f"country and ip: expected a list of texts, got {shown(given)}")
    return tuple(given)


@attrs.frozen
class AccessRule:
    """One rule of a token: rules are read in order, the first that fits decides, and none fitting allows.

    Source: the page on securing a stream in the Stream docs.
    """

    type: Literal["any", "ip.src", "ip.geoip.country"] = attrs.field(
        validator=one_of("any", "ip.src", "ip.geoip.country")
    )
    """What the rule looks at."""
    action: Literal["allow", "block"] = attrs.field(validator=one_of("allow", "block"))
    country: Sequence[str] | None = attrs.field(default=None, converter=_texts_or_none)
    """Two-letter ISO 3166-1 codes, for ``ip.geoip.country``."""
    ip: Sequence[str] | None = attrs.field(default=None, converter=_texts_or_none)
    """Addresses or networks in CIDR form, for ``ip.src``."""


class TokenFlags(TypedDict, total=False):
    """Flags of a token."""

    original: bool
    """Whether the token opens the original file."""


class TokenCreateParams(TypedDict, total=False):
    """Keywords of ``stream.token.create`` (API reference, create signed URL tokens)."""

    id: str
    """The signing key to use; goes together with ``pem``."""
    pem: Annotated[str, Hidden()]
    """The private key of ``id`` as the service gave it out: base64 of a PEM text."""
    exp: int
    """End of validity, seconds since the epoch; the service's default is an hour from now."""
    nbf: int
    """Start of validity, seconds since the epoch."""
    downloadable: bool
    """Whether the token opens the downloads too."""
    access_rules: Annotated[Sequence[AccessRule], MaxLength(LIMITS.access_rules)]
    """At most five rules."""
    flags: TokenFlags
    """Further flags."""


class WebhookUpdateParams(TypedDict):
    """Keywords of ``stream.webhooks.update`` (API reference, create webhooks)."""

    notification_url: Url
    """Where reports go, http or https; it replaces the address there was."""
