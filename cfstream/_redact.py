"""Takes secrets out of text that came from elsewhere before it may be shown in an error or a log."""

import re
from collections.abc import Iterable
from typing import Any

_HIDDEN = "***"
_KEYS = "(?:pem|jwk|token|secret|streamkey|passphrase|uploadurl)"
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL), _HIDDEN),
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',;]+"), rf"\1 {_HIDDEN}"),
    # a JWT, a JWK and a PEM in the base64 that the service gives them out in
    (re.compile(r"(?:eyJ|LS0tLS1CRUdJTi)[\w+/=-]{8,}(?:\.[\w-]*){0,2}"), _HIDDEN),
    # whoever has the address of an upload or of a live input can send to it
    (re.compile(r"(?i)https?://[^\s\"'<>]{1,500}?(?:tusv2=|/tus/)[^\s\"'<>]*"), _HIDDEN),
    (re.compile(r"(?i)(cloudflarestream\.com/)[\w-]{33,}"), rf"\1{_HIDDEN}"),  # a uid has 32
    (re.compile(rf'(?i)("{_KEYS}"\s*:\s*)"(?:[^"\\]|\\.)*"?'), rf'\1"{_HIDDEN}"'),
    # the same in a JSON text that stands inside another one
    (re.compile(rf'(?i)(\\"{_KEYS}\\"\s*:\s*)\\"(?:[^"\\]|\\\\(?:\\.|[^"\\]))*(?:\\")?'), rf'\1"{_HIDDEN}"'),
)
_READ = 4096  # characters of a foreign text: what may be shown stands at its beginning
_BLANKED = re.compile(r"\0+")
_VALUE_SHOWN = 80


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Give the text with known secrets, and whatever looks like one, masked."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def excerpt(text: str, *, limit: int = 200, secrets: Iterable[str] = ()) -> str:
    """Give the beginning of the text on one line, masked."""
    line = _on_one_line(redact(text[:_READ], secrets)).strip()
    return line if len(line) <= limit else f"{line[:limit]}..."


def shown(value: Any) -> str:
    """Give the beginning of what a refused value looks like in Python, masked; of one that cannot say, its type."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  # a foreign repr may raise anything, and the error about the value is to be made
        return f"a value of type {type(value).__name__}"
    return _on_one_line(redact(text[:_READ]))[:_VALUE_SHOWN]


def _on_one_line(text: str) -> str:
    """Put a blank where characters stand that break lines, or turn or hide others."""
    return _BLANKED.sub(" ", "".join(character if character.isprintable() else "\0" for character in text))
