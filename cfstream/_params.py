"""Keyword sets to query, headers, JSON or form: every key known, every value of its type and within its limit."""

import difflib
import json
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs

from cfstream._files import DiskFile, check_any, read_file
from cfstream._redact import shown
from cfstream._types import FileSource, JsonObject
from cfstream._wire import rfc3339, to_wire, wire_name
from cfstream.errors import InvalidInputError, UnknownKeywordError
from cfstream.models._base import Hidden, Rule

Params = Mapping[str, Any]


@attrs.frozen
class Part:
    """One part of a multipart body."""

    name: str
    data: bytes | str | DiskFile
    filename: str | None = None
    content_type: str | None = None


@attrs.frozen(kw_only=True)
class Encoded:
    """What a keyword set becomes in the request."""

    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = attrs.field(default=None, repr=False)  # may hold a key
    parts: tuple[Part, ...] = ()


class Takes(Protocol):
    """How a row sends its keywords."""

    @property
    def params(self) -> type[Any]:
        """The keyword set."""
        ...

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        ...


# --- checks ------------------------------------------------------------------------------------------------------

_Check = Callable[[str, Any], Any]
_WHOLE_MAX = 2**63 - 1  # what other languages read; Python cannot even write integers of more than 4,300 digits


def _refuse(name: str, value: Any, wanted: str) -> InvalidInputError:
    return InvalidInputError(f"{name}: expected {wanted}, got {shown(value)}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(name, value, "text")
    try:
        value.encode()
    except UnicodeEncodeError:
        pass
    else:
        return value
    # raised outside the handler, because Python's own error holds the text, which may be a key
    raise InvalidInputError(f"{name}: is not valid Unicode text")


def _hidden_text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: expected text, got {type(value).__name__}")
    return _text(name, value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse(name, value, "True or False")
    return value


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -_WHOLE_MAX <= value <= _WHOLE_MAX:
        raise _refuse(name, value, "a whole number")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -math.inf < value < math.inf:
        raise _refuse(name, value, "a number")
    return value


def _moment(name: str, value: Any) -> str:
    if not isinstance(value, datetime):
        raise _refuse(name, value, "a datetime")
    try:
        offset = value.utcoffset()
        wire = None if offset is None else rfc3339(value)
    except OverflowError as error:
        raise InvalidInputError(f"{name}: {value.isoformat()} is outside of what UTC can say") from error
    if wire is None:
        raise InvalidInputError(
            f"{name}: {value.isoformat()} has no time zone; give an aware datetime, such as "
            f"{name}={value.replace(microsecond=0)!r} with tzinfo=datetime.UTC",
        )
    return wire


def _json_mapping(name: str, value: Any) -> JsonObject:
    if not isinstance(value, Mapping):
        raise _refuse(name, value, "a mapping")
    try:
        plain = to_wire(value)
        json.dumps(plain, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{name}: not JSON: {error}") from error
    return dict(plain)


def _as_given(_name: str, value: Any) -> Any:
    return value


_CHECKS: dict[Any, _Check] = {
    str: _text,
    bool: _flag,
    int: _integer,
    float: _number,
    datetime: _moment,
    Mapping[str, Any]: _json_mapping,
    FileSource: _as_given,
    str | Mapping[str, str | None]: _as_given,
}


def _check_for(annotation: Any) -> _Check:
    """Make the check of one annotation."""
    known = _CHECKS.get(annotation)
    if known is not None:
        return known
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *rules = get_args(annotation)
        check = _hidden_text if Hidden() in rules else _check_for(inner)
        return _ruled(check, [rule for rule in rules if hasattr(rule, "problem")])
    if origin in (Union, UnionType):
        return _or_none(_check_for(_less_none(annotation)))
    if origin is Literal:
        return _one_of(get_args(annotation))
    if origin is Sequence:
        return _each(_check_for(get_args(annotation)[0]))
    if is_typeddict(annotation):
        return lambda name, value: _fields(annotation, value, prefix=f"{name}.")
    return _attrs_value(annotation)


def _less_none(annotation: Any) -> Any:
    (member,) = (member for member in get_args(annotation) if member is not NoneType)
    return member


def _ruled(check: _Check, rules: Sequence[Rule]) -> _Check:
    def ruled(name: str, value: Any) -> Any:
        checked = check(name, value)
        for rule in rules:
            problem = rule.problem(value)
            if problem:
                raise InvalidInputError(f"{name}: {problem}")
        return checked

    return ruled


def _or_none(check: _Check) -> _Check:
    return lambda name, value: None if value is None else check(name, value)


def _one_of(choices: tuple[Any, ...]) -> _Check:
    def one_of(name: str, value: Any) -> Any:
        if value not in choices:
            raise _refuse(name, value, f"one of {', '.join(map(repr, choices))}")
        return value

    return one_of


def _each(check: _Check) -> _Check:
    def each(name: str, value: Any) -> list[Any]:
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise _refuse(name, value, "a list")
        return [check(f"{name}[{place}]", item) for place, item in enumerate(value)]

    return each


def _attrs_value(model: type[Any]) -> _Check:
    def attrs_value(name: str, value: Any) -> JsonObject:
        if not isinstance(value, model):
            raise _refuse(name, value, f"a {model.__name__}")
        return {key: item for key, item in to_wire(value).items() if item is not None}

    return attrs_value


def header_text(name: str, value: Any) -> str:
    """Give a text that can stand in a header."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: expected text, got {type(value).__name__}")
    if not value.isprintable():
        raise InvalidInputError(f"{name}: line breaks and control characters cannot stand in a header")
    return value


# --- keyword sets ------------------------------------------------------------------------------------------------


@cache
def _checks_of(params: Any) -> dict[str, tuple[str, _Check]]:
    hints = get_type_hints(params, include_extras=True)
    return {name: (wire_name(name), _check_for(hint)) for name, hint in hints.items()}


def checked(params: Any, given: Params, *, prefix: str = "") -> dict[str, Any]:
    """Give the checked values by their Python names.

    Raises:
        UnknownKeywordError: the set has no such keyword.
        InvalidInputError: a keyword is missing, of the wrong type or beyond its limit.
    """
    checks = _checks_of(params)
    refuse_unknown(params, given, prefix=prefix)
    missing = sorted(params.__required_keys__ - given.keys())
    if missing:
        raise InvalidInputError(f"missing keyword {prefix}{missing[0]}")
    values = {}
    for name, value in given.items():
        if value is None and not _allows_none(params, name):
            raise InvalidInputError(f"{prefix}{name}: None is not accepted; leave the keyword out instead")
        values[name] = checks[name][1](f"{prefix}{name}", value)
    return values


def refuse_unknown(params: Any, given: Params, *, prefix: str = "") -> None:
    """Refuse keywords that the set does not have.

    Raises:
        UnknownKeywordError: there is one; the message names the nearest that there is.
    """
    known = _names_of(params)
    for name in given:
        if name not in known:
            raise UnknownKeywordError(f"unknown keyword {prefix}{_bare(name)}{_did_you_mean(_bare(name), known)}")


@cache
def _names_of(params: Any) -> dict[str, Any]:
    return get_type_hints(params)


@cache
def _allows_none(params: Any, name: str) -> bool:
    hint = get_type_hints(params)[name]
    return get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)


def _bare(name: Any) -> str:
    return name if isinstance(name, str) and name.isidentifier() else shown(name)


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f": did you mean {near[0]}?" if near else f"; it takes {', '.join(known)}"


def _fields(params: Any, given: Any, *, prefix: str = "") -> JsonObject:
    """Give the checked values by their wire names."""
    if not isinstance(given, Mapping):
        raise _refuse(prefix.rstrip(".") or "keywords", given, "a mapping")
    checks = _checks_of(params)
    return {checks[name][0]: value for name, value in checked(params, given, prefix=prefix).items()}


def _no_problem(_: Params) -> str | None:
    return None


Problem = Callable[[Params], str | None]
"""Says what is wrong with keywords taken together, or None."""


@attrs.frozen
class Json:
    """The keywords go as a JSON body, some of them as headers."""

    params: type[Any]
    problem: Problem = attrs.field(default=_no_problem, kw_only=True)
    headers: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    """The header of each keyword that is sent as one."""
    made_up: str | None = attrs.field(default=None, kw_only=True)
    """The keyword of a header that gets a random value where none is given."""

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        if self.made_up:
            params = {self.made_up: secrets.token_hex(16), **params}
        body = _fields(self.params, params)
        problem = self.problem(params)
        if problem:
            raise InvalidInputError(problem)
        headers = {
            header: header_text(name, body.pop(wire_name(name)))
            for name, header in self.headers.items()
            if name in params
        }
        return Encoded(headers=headers or None, body=json.dumps(body).encode())


def _query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@attrs.frozen
class Query:
    """The keywords go into the query; its names stay in snake_case (contract fact)."""

    params: type[Any]

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        return Encoded(query={name: _query_text(value) for name, value in checked(self.params, params).items()})


@attrs.frozen
class Form:
    """The keywords go as a multipart body; ``file`` becomes a part with a filename."""

    params: type[Any]
    size_max: int
    content_type: str
    read: Callable[..., tuple[str, Any]] = attrs.field(default=read_file, kw_only=True)
    """Gives filename and content of what was given as ``file``."""
    check: Callable[[str, Any], None] = attrs.field(default=check_any, kw_only=True)
    """Refuses bytes that are no such file; called with the filename."""

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        values = checked(self.params, params)
        filename, data = self.read(values.pop("file"), size_max=self.size_max)
        self.check(filename, data)
        fields = (Part(wire_name(name), _query_text(value)) for name, value in values.items())
        return Encoded(parts=(Part("file", data, filename, self.content_type), *fields))


@attrs.frozen
class FormOrJson:
    """The keywords go as a multipart body when a file is given, else as JSON with its address."""

    form: Form
    json: Json

    @property
    def params(self) -> type[Any]:
        """The keyword set of both."""
        return self.form.params

    def encode(self, params: Params) -> Encoded:
        """Check the keywords and write them."""
        if ("file" in params) == ("url" in params):
            checked(self.params, params)  # a misspelt keyword is the better thing to tell
            raise InvalidInputError("give either file or url: one of the two is needed")
        return (self.form if "file" in params else self.json).encode(params)
