"""One cattrs converter between the service's JSON and the models: the rename rule, its exceptions, the type checks."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, override

from cfstream._types import JsonObject, Secret
from cfstream.errors import DecodeError
from cfstream.models._base import ALSO_READ, RESHAPED, UNKNOWN_IS

_HOLDERS: frozenset[type[Any]] = frozenset({dict, list})
_DEPTH = 64  # of what is kept as it came: whoever writes, copies or compares it does so by recursion
_BEYOND, _LONGEST = 2**64, 20
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
# What 64 bits may not hold; the digits of a uid in hexadecimal look like an exponent, but end otherwise.
_ODD_NUMBER = re.compile(rb"[0-9]{19}|[0-9][eE]\+?[0-9]{3,}(?![0-9a-fA-F\"])")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if math.isfinite(number):
        return number
    raise ValueError("a number beyond all bounds")


def _int(text: str) -> float:
    # as orjson has it: what 64 bits do not hold is a float
    number = int(text) if len(text) <= _LONGEST else _BEYOND
    return number if -_BEYOND // 2 <= number < _BEYOND else _float(text)


def _without_halves(body: bytes, value: Any) -> Any:
    """Refuse halves of surrogate pairs, which are no text and cannot be printed or sent."""
    if _HALF.search(body):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _fastest_parser() -> Callable[[bytes], Any]:
    """Give orjson's parser where the extra is installed, else the standard one made as strict."""
    try:
        import orjson
    except ImportError:
        quick = json.JSONDecoder(parse_constant=_refuse_constant)
        # a call for every number would double the time, and hardly any number needs a second look
        careful = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_float, parse_int=_int)
        return lambda body: _without_halves(
            body, (careful if _ODD_NUMBER.search(body) else quick).decode(body.decode())
        )
    return orjson.loads


_loads = _fastest_parser()

# Wire names that plain camelCase does not give (contract facts; both directions are tested).
_IRREGULAR = {
    "require_signed_urls": "requireSignedURLs",
    "clipped_from_video_uid": "clippedFromVideoUID",
    "upload_url": "uploadURL",
    "web_rtc": "webRTC",
    "web_rtc_playback": "webRTCPlayback",
}
# Names that stay in snake_case on the wire.
_KEPT = frozenset({"key_id", "channel_link", "share_link", "media_id"})
T = TypeVar("T")

_EXTRA = "extra"
_EXTRA_KEY = "cfstream: extra"  # not `extra`, which the service may come to send
_UNDERSCORE = re.compile(r"_([a-z])")


def wire_name(name: str) -> str:
    """Give the name a field has on the wire."""
    if name in _KEPT:
        return name
    return _IRREGULAR.get(name) or _UNDERSCORE.sub(lambda match: match[1].upper(), name)


def parse_json(body: bytes) -> tuple[Any, str | None]:
    """Give the value and None, or None and what is wrong with the text.

    The parser's own exception is not let out: it holds the whole text.
    """
    try:
        return _loads(body), None
    except RecursionError:
        return None, "JSON nested too deeply"
    except ValueError:
        return None, "not JSON"


# --- checks of single values -------------------------------------------------------------------------------------


def _wrong(value: object, wanted: str) -> TypeError:
    return TypeError(f"expected {wanted}, got {type(value).__name__}")


def _text(value: Any, _: Any = None) -> str:
    if value.__class__ is str:
        return value
    raise _wrong(value, "text")


def _secret(value: Any, _: Any = None) -> Secret:
    return Secret(_text(value))


def _flag(value: Any, _: Any = None) -> bool:
    if value is True or value is False:
        return value
    raise _wrong(value, "true or false")


def _number(value: Any, _: Any = None) -> float:
    """Numbers; also as text, which is how the service writes some (``pctComplete``)."""
    if value.__class__ is int:
        return value
    try:
        number = float(value) if value.__class__ in (float, str) else math.nan
    except ValueError:
        number = math.nan
    if math.isfinite(number):
        return number
    raise _wrong(value, "a number")


def _integer(value: Any, _: Any = None) -> int:
    if value.__class__ is int:
        return value
    number = _number(value)
    if number == int(number):
        return int(number)
    raise TypeError("expected a whole number, got a fraction")


def _moment(value: Any, _: Any = None) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        moment = None
    if moment is None:
        raise _wrong(value, "an RFC 3339 time")
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        try:
            moment.astimezone(UTC)
        except OverflowError:
            raise _wrong(value, "an RFC 3339 time") from None
    return moment


def _mapping(value: Any, _: Any = None) -> Mapping[str, Any]:
    if value.__class__ is dict:
        return value
    raise _wrong(value, "an object")


def _free(value: Any, _: Any = None) -> Mapping[str, Any]:
    """Take what the service keeps for its users, or sends beyond the known, if it can be worked with."""
    kept = _mapping(value)
    level = [item for item in kept.values() if item.__class__ in _HOLDERS]
    for _level in range(_DEPTH + 1):
        if not level:
            return kept
        level = [
            inner
            for item in level
            for inner in (item.values() if item.__class__ is dict else item)
            if inner.__class__ in _HOLDERS
        ]
    raise TypeError("nested too deeply")


def _texts(value: Any, _: Any = None) -> tuple[str, ...]:
    if value.__class__ is list:
        return tuple(map(_text, value))
    raise _wrong(value, "a list of texts")


_SCALARS: dict[Any, Callable[..., Any]] = {
    str: _text,
    Secret: _secret,
    bool: _flag,
    int: _integer,
    float: _number,
    datetime: _moment,
    Mapping[str, Any]: _free,
    tuple[str, ...]: _texts,
    Sequence[str]: _texts,
}

# Wanted types whose values need no change when they already are of this class.
_AS_THEY_ARE: dict[Any, type[Any]] = {str: str, bool: bool, int: int}


# --- from the wire -----------------------------------------------------------------------------------------------


def _without_none(annotation: Any) -> Any:
    """Give the annotation less its None; a literal or a union of literals is a text to the wire."""
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        if all(member is str or get_origin(member) is Literal for member in members):
            return str
        (annotation,) = members
    return str if get_origin(annotation) is Literal else annotation


def _tolerant(hook: Callable[..., Any], field: "attrs.Attribute[Any]", plain: Any = None) -> Callable[..., Any]:
    """Read null, and the field's own mark for "not known", as the field's default, where it has one.

    A value of the class ``plain`` is taken as it stands, which saves most fields of a page a call.
    """
    default: Any = field.default
    if default is attrs.NOTHING:
        return hook
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # attrs types its Factory as a function
        make = default.factory
        return lambda value, _: value if value.__class__ is plain else make() if value is None else hook(value)
    unknown = field.metadata.get(UNKNOWN_IS)
    if unknown is None:
        return lambda value, _: value if value.__class__ is plain else default if value is None else hook(value)
    return lambda value, _: default if value is None or (read := hook(value)) == unknown else read


def _field_hook(field: "attrs.Attribute[Any]") -> Callable[..., Any]:
    wanted = _without_none(field.type)
    scalar = _SCALARS.get(wanted)
    if scalar is not None:
        return _tolerant(scalar, field, _AS_THEY_ARE.get(wanted))
    if get_origin(wanted) is tuple:
        return _tolerant(_each(_reader(get_args(wanted)[0])), field)
    return _tolerant(_reader(wanted), field)


@cache
def _reader(model: Any) -> Callable[..., Any]:
    """Give the reader of one object, which also takes the other forms that the model says it has."""
    read = converter.get_structure_hook(model)
    reshaped = getattr(model, RESHAPED, None)
    if reshaped is None:
        return lambda value, _=None: read(value if value.__class__ is dict else _mapping(value), model)
    return lambda value, _=None: read(_mapping(reshaped(value)), model)


def _each(read: Callable[..., Any]) -> Callable[..., Any]:
    def each(value: Any, _: Any = None) -> tuple[Any, ...]:
        if value.__class__ is list:
            return tuple(map(read, value))
        raise _wrong(value, "a list of objects")

    return each


def _structure_hook(model: Any) -> Callable[[Any, Any], Any]:
    """Make the reader of one model, once, when it is first wanted."""
    fields = [field for field in attrs.fields(model) if field.name != _EXTRA]
    names = {field.name: override(rename=wire_name(field.name), struct_hook=_field_hook(field)) for field in fields}
    aliases = {alias: wire_name(field.name) for field in fields for alias in field.metadata.get(ALSO_READ, ())}
    known = frozenset(wire_name(field.name) for field in fields)
    if _EXTRA in attrs.fields_dict(model):
        names[_EXTRA] = override(rename=_EXTRA_KEY, struct_hook=lambda value, _: value)
    read = make_dict_structure_fn(model, converter, _cattrs_forbid_extra_keys=False, **names)  # type: ignore[arg-type]  # overrides and switches share the keywords

    def hook(value: Any, _: Any) -> Any:
        if known.issuperset(value):
            return read(value, model)
        unknown = value.keys() - known
        named = {key: item for key, item in value.items() if key in known}
        spelled_otherwise = unknown & aliases.keys()
        for alias in spelled_otherwise:
            if named.get(aliases[alias]) is None:
                named[aliases[alias]] = value[alias]
        # in the order of the answer, so that equal answers give equal reprs
        named[_EXTRA_KEY] = _free({key: item for key, item in value.items() if key in unknown - spelled_otherwise})
        return read(named, model)

    return hook


def decode(model: type[T], value: Any) -> T:
    """Make the model from the service's JSON value.

    Raises:
        DecodeError: a field is missing or mistyped; the message names it, never its value.
    """
    hashable: Any = model  # which a type variable is not to a type checker
    try:
        decoded: T = _reader(hashable)(value)
    except (cattrs.BaseValidationError, TypeError, KeyError) as error:
        problem = _explain(error)
    else:
        return decoded
    # raised outside the handler, and without the answer in this frame, because it may hold secrets
    del value
    raise DecodeError(f"{model.__name__}: {problem}")


def _explain(error: BaseException) -> str:
    if isinstance(error, cattrs.BaseValidationError):
        return "; ".join(cattrs.transform_error(error, path="$", format_exception=_what))
    return _what(error, None)


def _what(error: BaseException, _: Any) -> str:
    if isinstance(error, KeyError):
        return f"required field missing: {error.args[0]}"
    return str(error)


# --- to the wire -------------------------------------------------------------------------------------------------


def rfc3339(moment: datetime) -> str:
    """Write an aware time as the service does: UTC with a ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def to_wire(value: Any, *, secrets: bool = True) -> Any:
    """Give the JSON-safe form of a model or of a value in one: wire names, masked secrets unless asked for."""
    if attrs.has(type(value)):
        return _object(value, secrets=secrets)
    if isinstance(value, Secret):
        return str(value) if secrets else value.masked
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return {key: to_wire(item, secrets=secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(item, secrets=secrets) for item in value]
    return value


def _object(value: Any, *, secrets: bool) -> JsonObject:
    fields = {
        wire_name(field.name): to_wire(getattr(value, field.name), secrets=secrets)
        for field in attrs.fields(type(value))
        if field.name != _EXTRA
    }
    return {**fields, **to_wire(getattr(value, _EXTRA, {}), secrets=secrets)}


def to_dict(obj: Any, *, secrets: bool = False) -> JsonObject:
    """Give a model as a JSON-safe dict with the service's own names, unknown fields included.

    Args:
        obj: a model of `cfstream.models`.
        secrets: whether secrets are written out; they are masked otherwise.

    Raises:
        TypeError: the object is no model.
    """
    if not attrs.has(type(obj)):
        raise TypeError(f"to_dict takes a cfstream model, not {type(obj).__name__}")
    return _object(obj, secrets=secrets)


def from_dict(model: type[T], data: Mapping[str, Any]) -> T:
    """Make a model from a dict with the service's own names, as `to_dict` gives it or a webhook brings it.

    Raises:
        DecodeError: a field is missing or mistyped.
    """
    plain: Any = data
    return decode(model, dict(plain) if isinstance(plain, Mapping) else plain)


converter = cattrs.Converter()
converter.register_structure_hook_factory(attrs.has, _structure_hook)
