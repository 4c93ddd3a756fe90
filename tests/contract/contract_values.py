"""Values made from the facts: a call with every keyword filled, how that stands on the wire, and what comes back."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from contract_facts import CALLS, MODELS, NESTED, PATH_CHOICES
from contract_shapes import Call, Keyword, Model

from cfstream import Secret, Stream
from cfstream.models import AccessRule

NOW = datetime.now(UTC).replace(microsecond=0)
BY_CALL: Mapping[str, Call] = {fact.call: fact for fact in CALLS}
BY_MODEL: Mapping[str, Model] = {fact.name: fact for fact in MODELS}
LOCATION = "https://upload.cloudflarestream.com/tus/ea?tusv2=true"


def each_call(facts: Iterable[Call] = CALLS) -> pytest.MarkDecorator:
    """Run a test for these calls, by their names."""
    return pytest.mark.parametrize("fact", list(facts), ids=lambda fact: fact.call)


@dataclass(frozen=True)
class Way:
    """One way to make a call: ``given`` in Python, ``wire`` by wire name, sorted by where it goes."""

    id: str
    fact: Call
    given: dict[str, Any]
    wire: dict[str, dict[str, Any]]
    """Values by place (query, header, json, form), then by wire name."""

    @property
    def place(self) -> str:
        """Where the body's keywords are, or an empty text when there is no body."""
        return next((place for place in ("json", "form") if place in self.wire), "")


def uid(name: str) -> str:
    """Give a uid of its own for every name, so that two that changed places show."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def path_values(fact: Call) -> dict[str, str]:
    """Give the values of the path's placeholders, but for the account."""
    names = [name for name in re.findall(r"{(\w+)}", fact.path) if name != "account_id"]
    words = {"language": "pt-BR", **{name: words[-1] for name, words in PATH_CHOICES.items()}}
    return {name: words.get(name, uid(name)) for name in names}


def filled_path(fact: Call, account: str) -> str:
    """Give the path as it is sent."""
    return fact.path.format(account_id=account, **path_values(fact))


def wire_text(moment: datetime) -> str:
    """Give a time as the service writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def value(keyword: Keyword, number: int, fact: Call | None = None) -> tuple[Any, Any]:
    """Give a value and how it stands on the wire; ``number`` tells the values of one call apart."""
    if keyword.sample is not None:
        return keyword.sample, keyword.sample
    if keyword.choices:
        return keyword.choices[-1], keyword.choices[-1]
    if keyword.type == "time":
        moment = NOW + timedelta(days=40 + number)
        return moment, wire_text(moment)
    if keyword.type == "list of AccessRule":
        return _rules()
    if keyword.type in NESTED:
        return _nested(keyword.type)
    plain = _plain(keyword, number, fact)
    return plain, plain


def _plain(keyword: Keyword, number: int, fact: Call | None) -> Any:
    low = keyword.low or 0
    match keyword.type:
        case "text":
            return keyword.python if keyword.place == "header" else f"{keyword.python} ü&=?+%2F"
        case "uid":
            return uid(keyword.python)
        case "address":
            return f"https://example.com/{keyword.python}?a=1&b=%20"
        case "flag":
            return True
        case "integer":
            return int(low) + 2 + number
        case "number":
            return low + (1 if keyword.high is None else keyword.high - low) * (number + 1) / 32
        case "list of text":
            return [f"{keyword.python}-{number}", "*.example.org"]
        case "object":
            return {"name": keyword.python, "snake_key": {"deep_key": [1, None, "ü"]}}
        case "file":
            return (fact.file_start if fact else b"") + bytes(range(256))
        case other:
            raise NotImplementedError(other)


def _rules() -> tuple[list[AccessRule], list[dict[str, Any]]]:
    wire: list[dict[str, Any]] = [
        {"type": "ip.geoip.country", "action": "allow", "country": ["DE", "FR"]},
        {"type": "ip.src", "action": "allow", "ip": ["93.184.216.0/24", "2400:cb00::/32"]},
        {"type": "any", "action": "block"},
    ]
    return [AccessRule(**rule) for rule in wire], wire


def _nested(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    pairs = [(keyword, value(keyword, number)) for number, keyword in enumerate(NESTED[name])]
    return (
        {keyword.python: given for keyword, (given, _) in pairs},
        {keyword.wire: sent for keyword, (_, sent) in pairs},
    )


def way(fact: Call, *, less: Collection[str] = (), id: str = "") -> Way:  # noqa: A002  # the name of the field
    """Fill every keyword of a call but those left out."""
    given: dict[str, Any] = {}
    wire: dict[str, dict[str, Any]] = {}
    kept = [keyword for keyword in fact.keywords if keyword.python not in less]
    # a keyword that brings a place of its own for the body takes the others of the body with it
    body = next((keyword.place for keyword in kept if keyword.place in ("json", "form")), fact.place)
    for number, keyword in enumerate(kept):
        given[keyword.python], sent = value(keyword, number, fact)
        wire.setdefault(keyword.place or body, {})[keyword.wire] = sent
    return Way(id or fact.call, fact, given, wire)


def ways(fact: Call) -> Iterator[Way]:
    """Give every way to make a call with all that goes together filled."""
    if not fact.one_of:
        yield way(fact)
        return
    for kept in fact.one_of:
        yield way(fact, less={*fact.one_of} - {kept}, id=f"{fact.call}[{kept}]")


def least(fact: Call) -> dict[str, Any]:
    """Give the smallest set of keywords a call takes."""
    needed = {keyword.python for keyword in fact.keywords if keyword.required}
    needed |= {*fact.one_of[:1], *fact.any_of[:1]}
    return way(fact, less={keyword.python for keyword in fact.keywords} - needed).given


def method(stream: Any, fact: Call) -> Any:
    """Walk to the method by the dotted name of the call."""
    found = stream
    for name in fact.call.split(".")[1:]:
        found = getattr(found, name)
    return found


@cache
def unused() -> Stream:
    """Give a client that is only looked at."""
    return Stream("token", "account")


# --- answers -----------------------------------------------------------------------------------------------------


def envelope(result: Any, **beside: Any) -> bytes:
    """Give the body of a success."""
    return json.dumps({"success": True, "errors": [], "messages": [], "result": result, **beside}).encode()


def results(fact: Call) -> list[Any]:
    """Give what may stand under ``result``: today's shape first, older ones behind it."""
    sample = BY_MODEL[fact.model].sample if fact.gives in ("one", "list") else None
    if fact.gives != "list":
        return [sample]
    bare: list[Any] = [[sample], []]
    keyed = [{fact.inside: items, "range": 1, "total": 12} for items in bare] if fact.inside else []
    return [*keyed, *bare, *([None] if fact.null else [])]


def answer(fact: Call) -> tuple[int, dict[str, str], bytes]:
    """Give status, headers and body of a success."""
    match fact.gives:
        case "text":
            assert fact.accept
            return fact.status, {"Content-Type": f"{fact.accept}; charset=utf-8"}, b"WEBVTT\n\n<p>\xc3\xbc</p>"
        case "headers":
            return fact.status, {"Location": LOCATION, "Stream-Media-ID": "ea" * 16, "Tus-Resumable": "1.0.0"}, b""
        case "nothing":
            return fact.status, {}, b""
        case _:
            return fact.status, {"Content-Type": "application/json"}, envelope(results(fact)[0])


def is_given(fact: Call, got: Any) -> bool:
    """Tell whether a call gave what ``answer`` holds."""
    match fact.gives:
        case "text":
            return bool(got == "WEBVTT\n\n<p>ü</p>")
        case "headers":
            return bool((got.uid, got.upload_url) == ("ea" * 16, LOCATION) and isinstance(got.upload_url, Secret))
        case "nothing":
            return got is None
        case _:
            items = got.items if fact.gives == "list" else [got]
            return [type(item).__name__ for item in items] == [fact.model]
