"""Signed playback tokens: made by the API with a key of the emulator's own, checked at every piece of media."""

import base64
import binascii
import re
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from cfstream._limits import Limits
from cfstream.emulator import checks, times
from cfstream.emulator.access import rules
from cfstream.emulator.answers import bad_request, success
from cfstream.emulator.service import SERVICE
from cfstream.emulator.storage.library import Library
from cfstream.emulator.storage.records import Video

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
    from jwt.types import Options

_ALGORITHM = "RS256"
_HOUR = 3600
_LONGEST = 24 * _HOUR
_LEEWAY = 60
"""Seconds that a token may end later than that, for clocks that differ."""
_LONGEST_TEXT = 4096
# The service writes exp and nbf as text, others write numbers: both are read here, by our own clock.
_UNCHECKED: "Options" = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_KEYS_BROUGHT = frozenset({"jku", "jwk", "x5c", "x5u"})
"""Headers by which a token says with what key it is to be checked; nobody honest signs such a one for Stream."""
_INSTANT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?", re.ASCII)


class TokenError(Exception):
    """A token that opens nothing."""


class Signer:
    """Signs with the emulator's own key, checks against every key of the account."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._own: tuple[str, RSAPrivateKey] | None = None
        self._public: dict[str, RSAPublicKey] = {}

    def sign(self, claims: dict[str, Any]) -> str:
        """A token with these claims, signed by the emulator."""
        kid, key = self._own or self._load_own()
        return encode(claims, kid, key)

    def check(self, token: str) -> dict[str, Any]:
        """The claims of a token.

        Raises:
            TokenError: it is forged, of an unknown key, not valid yet or not any more.
        """
        import jwt

        if len(token) > _LONGEST_TEXT:
            raise TokenError("it is too long")
        try:
            header = jwt.get_unverified_header(token)
            if not _KEYS_BROUGHT.isdisjoint(header):
                raise TokenError("it brings a key of its own")
            kid = header.get("kid", "")
            claims = jwt.decode(token, self._key(kid), algorithms=[_ALGORITHM], options=_UNCHECKED)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenError(str(error)) from error
        self._check(claims, kid)
        return claims

    def _check(self, claims: dict[str, Any], kid: str) -> None:
        now = self._library.now() / times.SECOND
        if not isinstance(claims.get("sub"), str):
            raise TokenError("sub is missing")
        if claims.get("kid", kid) != kid:
            raise TokenError("its header and its claims name different keys")
        exp = _instant(claims, "exp")
        if exp is None:
            raise TokenError("exp is missing")
        if exp <= now:
            raise TokenError("it has expired")
        if exp > now + _LONGEST + _LEEWAY:
            raise TokenError("exp is more than 24 hours from now")
        if (_instant(claims, "nbf") or 0) > now:
            raise TokenError("it is not valid yet")

    def _key(self, kid: Any) -> "RSAPublicKey":
        if kid in self._public:
            return self._public[kid]
        stored = self._library.store.get("key", kid) if isinstance(kid, str) else None
        if stored is None:
            raise TokenError("its key is not known")
        key = self._public[kid] = load_private(stored["pem"], ours=True).public_key()
        return key

    def forget(self, kid: str) -> None:
        """Let go of a key that was deleted."""
        self._public.pop(kid, None)

    def _load_own(self) -> tuple[str, "RSAPrivateKey"]:
        store = self._library.store
        own = store.get("setting", "signing_key")
        if own is None:
            kid, pem = make_key()
            # A key of the emulator itself is none of the account's: it is not listed and cannot be deleted.
            store.put("key", kid, {"id": kid, "pem": pem, "own": True, "created": self._library.now()})
            store.put("setting", "signing_key", {"id": kid})
        else:
            kid, pem = own["id"], (store.get("key", own["id"]) or {})["pem"]
        self._own = kid, load_private(pem, ours=True)
        return self._own


def _instant(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    text = str(value)
    if not isinstance(value, int | float | str) or not _INSTANT.fullmatch(text):
        raise TokenError(f"{name} is no time")
    return float(text)


def encode(claims: dict[str, Any], kid: str, key: "RSAPrivateKey") -> str:
    """Sign claims; like the service's tokens, these name their key twice and carry no ``typ``."""
    import jwt

    return jwt.encode({**claims, "kid": kid}, key, algorithm=_ALGORITHM, headers={"kid": kid, "typ": None})


def make_key() -> tuple[str, str]:
    """A new key: its id and its PEM text."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return secrets.token_hex(16), pem.decode()


def load_private(pem: str, *, ours: bool = False) -> "RSAPrivateKey":
    """The key in a PEM text.

    Args:
        pem: the text.
        ours: whether it was made here: proving that its numbers fit takes a tenth of a second.

    Raises:
        ValueError: it is no RSA key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=ours)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error)) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError("the key is no RSA key")  # noqa: TRY004  # the caller asks for a good text, not for a type
    return key


async def create(request: web.Request) -> web.Response:
    """TOKEN_CREATE."""
    service = request.app[SERVICE]
    video = service.video(request)
    body = await checks.json_object(request, empty=True)
    claims = _claims(body, video, service.library.now() // times.SECOND, service.limits)
    if "pem" not in body and "id" not in body:
        return success({"token": service.signer.sign(claims)})
    kid = checks.string("id", body.get("id"))
    pem = checks.string("pem", body.get("pem"))
    try:
        return success({"token": encode(claims, kid, load_private(base64.b64decode(pem).decode()))})
    except (binascii.Error, ValueError) as error:
        raise bad_request("pem: is not the PEM of an RSA key in base64") from error


def _claims(body: dict[str, Any], video: Video, now: int, limits: Limits) -> dict[str, Any]:
    exp = _second(body, "exp", now + _HOUR)
    if exp > now + _LONGEST + _LEEWAY:
        raise bad_request("exp: is more than 24 hours from now")
    # Numbers in text, as in the tokens that the service makes.
    claims: dict[str, Any] = {
        "sub": video.uid,
        "exp": str(exp),
        "nbf": str(_second(body, "nbf", now - _HOUR)),
    }
    if body.get("downloadable") is not None:
        claims["downloadable"] = checks.boolean("downloadable", body["downloadable"])
    if body.get("accessRules") is not None:
        try:
            claims["accessRules"] = rules.check(body["accessRules"], limits.access_rules)
        except ValueError as error:
            raise bad_request(f"accessRules: {error}") from error
    return claims


def _second(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    return default if value is None else checks.whole(name, value, 0, 2**53)
