"""The facts as an OpenAPI 3.1 document, for tools that make requests or check answers by one."""

import re
from collections.abc import Iterable
from typing import Any

from contract_facts import CALLS, MODELS, NESTED, PATH_CHOICES, TUS_HEADERS
from contract_shapes import Call, Field, Keyword

Schema = dict[str, Any]

_JSON = "application/json"
_FORM = "multipart/form-data"
_LIST_OF = "list of "
_OBJECT: Schema = {"type": "object", "additionalProperties": True}
_TYPES: dict[str, Schema] = {
    "text": {"type": "string"},
    "uid": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "address": {"type": "string", "format": "uri", "pattern": "^https?://"},
    "flag": {"type": "boolean"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "number as text": {"type": ["string", "number"]},
    "time": {"type": "string", "format": "date-time"},
    "object": _OBJECT,
    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _of_type(kind: str, nested: str) -> Schema:
    """Give the schema of a type; ``nested`` goes behind the name of an object, for requests and answers differ."""
    if kind.startswith(_LIST_OF):
        return {"type": "array", "items": _of_type(kind.removeprefix(_LIST_OF), nested)}
    return dict(_TYPES[kind]) if kind in _TYPES else _reference(kind + nested)


def _or_null(schema: Schema) -> Schema:
    kinds = schema.get("type")
    if kinds is None or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [*(kinds if isinstance(kinds, list) else [kinds]), "null"]}


# --- requests ----------------------------------------------------------------------------------------------------


def _keyword(keyword: Keyword) -> Schema:
    schema = _of_type(keyword.type, "Input")
    limits = {
        "minimum": keyword.low,
        "maximum": keyword.high,
        "maxLength": keyword.length or keyword.octets,
        "maxItems": keyword.items,
        "enum": list(keyword.choices) or None,
    }
    schema |= {name: limit for name, limit in limits.items() if limit is not None}
    if keyword.secret:
        schema["writeOnly"] = True
    if keyword.days:
        schema["x-days-ahead"] = list(keyword.days)
    return _or_null(schema) if keyword.null else schema


def _body_schema(keywords: Iterable[Keyword]) -> Schema:
    keywords = list(keywords)
    properties = {keyword.wire: _keyword(keyword) for keyword in keywords}
    properties |= {keyword.also: _keyword(keyword) for keyword in keywords if keyword.also}
    needed = [(keyword.wire, keyword.also) for keyword in keywords if keyword.required]
    return {"type": "object", "properties": properties, **_required(needed)}


def _required(names: Iterable[tuple[str, str | None]]) -> Schema:
    """Say that all of these must be there, of two spellings one."""
    names = list(names)
    plain = [name for name, also in names if not also]
    spelled = [{"anyOf": [{"required": [name]}, {"required": [also]}]} for name, also in names if also]
    return {**({"required": plain} if plain else {}), **({"allOf": spelled} if spelled else {})}


def _body(fact: Call) -> Schema | None:
    inside = [keyword for keyword in fact.keywords if (keyword.place or fact.place) in ("json", "form")]
    if not inside:
        return None
    content: Schema = {}
    for kept in fact.one_of or ("",):
        rest = [keyword for keyword in inside if keyword.python not in fact.one_of or keyword.python == kept]
        place = next((keyword.place for keyword in rest if keyword.python == kept and keyword.place), fact.place)
        schema = _body_schema(rest)
        if kept:
            schema["required"] = [keyword.wire for keyword in rest if keyword.python == kept]
        content[_FORM if place == "form" else _JSON] = {"schema": schema}
    wires = {keyword.python: keyword.wire for keyword in inside}
    if fact.any_of:
        content[_JSON]["schema"]["anyOf"] = [{"required": [wires[name]]} for name in fact.any_of]
    if fact.together:
        names = [wires[name] for name in fact.together]
        content[_JSON]["schema"]["dependentRequired"] = dict.fromkeys(names, names)
    return {"required": True, "content": content}


def _path_parameter(name: str) -> Schema:
    schema: Schema = dict(_TYPES["uid"])
    if name in PATH_CHOICES:
        schema = {"type": "string", "enum": list(PATH_CHOICES[name])}
    elif name == "language":
        schema = {"type": "string", "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(fact: Call) -> list[Schema]:
    found = [_path_parameter(name) for name in re.findall(r"{(\w+)}", fact.path)]
    for keyword in fact.keywords:
        place = keyword.place or fact.place
        if place in ("query", "header"):
            # tus asks for its version in every request; a client may leave it to the library
            required = keyword.required or keyword.wire == "Tus-Resumable"
            found.append({"name": keyword.wire, "in": place, "required": required, "schema": _keyword(keyword)})
    return found


# --- answers -----------------------------------------------------------------------------------------------------


def _field(field: Field) -> Schema:
    schema = _of_type(field.type, "")
    if field.unknown is not None:
        schema["minimum"] = field.unknown
    if field.choices:
        schema["x-known-values"] = list(field.choices)
    if field.secret:
        schema["x-sensitive"] = True
    if field.word:
        return {"anyOf": [schema, {"type": "string"}, {"type": "null"}]}
    return schema if field.always else _or_null(schema)


def _model_schema(fields: Iterable[Field]) -> Schema:
    fields = list(fields)
    properties = {field.wire: _field(field) for field in fields}
    properties |= {field.also: _field(field) for field in fields if field.also}
    needed = ((field.wire, field.also) for field in fields if field.always)
    return {**_OBJECT, "properties": properties, **_required(needed)}


def _envelope(result: Schema, **beside: Schema) -> Schema:
    properties = {
        "success": {"const": True},
        "errors": {"type": ["array", "null"], "maxItems": 0},
        "messages": {"type": ["array", "null"], "items": _reference("Message")},
        "result": result,
        **beside,
    }
    return {**_OBJECT, "properties": properties, "required": ["success", "errors", "messages", "result"]}


def _result(fact: Call) -> Schema:
    if fact.gives == "one":
        # the older reference has one download where types are keys
        return (
            {"anyOf": [_reference(name) for name in (fact.model, "Download")]}
            if fact.model == "Downloads"
            else (_reference(fact.model))
        )
    bare: Schema = {"type": "array", "items": _reference(fact.model)}
    shapes = [bare]
    if fact.inside:
        counts = {"range": _count(), "total": _count()}
        shapes.append({**_OBJECT, "properties": {fact.inside: bare, **counts}, "required": [fact.inside]})
    if fact.null:
        shapes.append({"type": "null"})
    return {"anyOf": shapes} if len(shapes) > 1 else bare


def _count() -> Schema:
    """The reference counts in numbers, the docs print them as text."""
    return {"type": ["integer", "string", "null"]}


def _success(fact: Call) -> Schema:
    match fact.gives:
        case "text":
            assert fact.accept
            return {"description": "The text.", "content": {fact.accept: {"schema": {"type": "string"}}}}
        case "headers":
            schemas = {name: {"required": True, "schema": {"type": "string"}} for name in TUS_HEADERS}
            return {"description": "No body.", "headers": schemas}
        case "nothing":
            return {"description": "A body, if there is one, says nothing."}
        case "list":
            schema = _envelope(_result(fact), range=_count(), total=_count())
        case _:
            schema = _envelope(_result(fact))
    return {"description": "The envelope.", "content": {_JSON: {"schema": schema}}}


def _operation(fact: Call) -> Schema:
    failure = {"description": "Why not.", "content": {_JSON: {"schema": _reference("Failure")}}}
    operation: Schema = {
        "operationId": fact.call,
        "parameters": _parameters(fact),
        "responses": {str(fact.status): _success(fact), "4XX": failure, "5XX": {"description": "Try again."}},
    }
    body = _body(fact)
    return {**operation, "requestBody": body} if body else operation


def _common() -> dict[str, Schema]:
    message: Schema = {
        **_OBJECT,
        "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    }
    failure: Schema = {
        **_OBJECT,
        "properties": {
            "success": {"const": False},
            "errors": {"type": "array", "items": _reference("Message"), "minItems": 1},
            "messages": {"type": ["array", "null"], "items": _reference("Message")},
            "result": {},
        },
        "required": ["success", "errors"],
    }
    return {"Message": message, "Failure": failure}


def document() -> dict[str, Any]:
    """Give the whole API as an OpenAPI document."""
    paths: dict[str, Schema] = {}
    for fact in CALLS:
        paths.setdefault(fact.path, {})[fact.verb.lower()] = _operation(fact)
    schemas = {fact.name: _model_schema(fact.fields) for fact in MODELS if fact.fields}
    inputs = {f"{name}Input": _body_schema(keywords) for name, keywords in NESTED.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cloudflare Stream, as far as cfstream speaks to it", "version": "1"},
        "servers": [{"url": "https://api.cloudflare.com/client/v4"}],
        "security": [{"token": []}, {"key": [], "email": []}],
        "paths": paths,
        "components": {
            "schemas": {**_common(), **schemas, **inputs},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "key": {"type": "apiKey", "in": "header", "name": "X-Auth-Key"},
                "email": {"type": "apiKey", "in": "header", "name": "X-Auth-Email"},
            },
        },
    }
