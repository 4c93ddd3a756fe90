"""Takes secrets out of text that came from elsewhere before it may be shown in an error or a log."""

import re
from collections.abc import Iterable

_HIDDEN = "***"
_PATTERNS = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(-----END [A-Z ]+-----|\Z)", re.DOTALL), _HIDDEN),
    (re.compile(r"(?i)\b(bearer)\s+[^\s\"',;]+"), rf"\1 {_HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+(\.[\w-]*){0,2}"), _HIDDEN),
    (
        re.compile(r"(?i)(\"(?:pem|jwk|token|secret|streamkey|passphrase|uploadurl)\"\s*:\s*)\"[^\"]*\"?"),
        rf'\1"{_HIDDEN}"',
    ),
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


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
    line = _CONTROL.sub(" ", redact(text, secrets)).strip()
    return line if len(line) <= limit else f"{line[:limit]}..."
