"""``POST /graphql``: a query in any form the language allows, answered from what the emulator has served."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import graphql as gql
from aiohttp import web

from cfstream.emulator import checks, times
from cfstream.emulator.analytics.errors import AnalyticsError
from cfstream.emulator.analytics.minutes import groups
from cfstream.emulator.playing import viewed
from cfstream.emulator.playing.viewed import Viewed
from cfstream.emulator.service import SERVICE

_TOKENS: Final = 5_000
"""The longest query."""
_USES: Final = 20
"""How often a query may ask the dataset, so that none takes long."""
# The service spells its scalars in its own way; who writes GraphQL's names means the same.
_SPELLINGS: Final = {"String": "string", "Int": "uint64", "Float": "float64"}


@cache
def _schema() -> gql.GraphQLSchema:
    text = (files(__name__.rpartition(".")[0]) / "schema.graphql").read_text(encoding="utf-8")
    return gql.build_schema(text)


async def answer(request: web.Request) -> web.Response:
    """One query; what is wrong with it is told with status 200, as GraphQL does."""
    service = request.app[SERVICE]
    body = await checks.json_object(request)
    query, variables, operation = body.get("query"), body.get("variables") or {}, body.get("operationName")
    now = service.library.now()
    if isinstance(query, str) and isinstance(variables, dict) and isinstance(operation, str | None):
        viewer = _Viewer(_Asked(service.account_id, now, viewed.rows(service.library.store)))
        # A long query must not hold up the players.
        data, errors = await asyncio.to_thread(_answered, viewer, query, variables, operation)
    else:
        message = "query: must be text; beside it may be variables, an object, and operationName, text"
        data, errors = None, [gql.GraphQLError(message)]
    stamp = times.text(now)
    return web.json_response({"data": data, "errors": [_error(each, stamp) for each in errors] or None})


def _answered(
    viewer: "_Viewer", query: str, variables: dict[str, Any], operation: str | None
) -> tuple[dict[str, Any] | None, list[gql.GraphQLError]]:
    try:
        document = gql.visit(gql.parse(query, max_tokens=_TOKENS), _Respelling())
        errors = gql.validate(_schema(), document)
        if errors:
            return None, errors
        result = gql.execute_sync(
            _schema(),
            document,
            root_value={"viewer": viewer},
            variable_values=variables,
            operation_name=operation,
        )
    except gql.GraphQLError as error:
        return None, [error]
    except RecursionError:  # graphql-core 3.2 sets no limit of its own
        return None, [gql.GraphQLError("query: it is nested too deeply")]
    return result.data, result.errors or []


class _Respelling(gql.Visitor):
    def enter_named_type(self, node: gql.NamedTypeNode, *_: object) -> gql.NamedTypeNode | None:
        name = _SPELLINGS.get(node.name.value)
        return None if name is None else gql.NamedTypeNode(name=gql.NameNode(value=name))


def _error(error: gql.GraphQLError, now: str) -> dict[str, Any]:
    shown = {"timestamp": now, "ray_id": secrets.token_hex(8), **(error.extensions or {})}
    return {"message": error.message, "path": error.path, "extensions": shown}


class _Asked:
    """What one query is answered from."""

    def __init__(self, account_id: str, now: int, rows: Sequence[Viewed]) -> None:
        self.account_id = account_id
        self.now = now
        self._rows = rows
        self._uses = 0

    def rows(self) -> Sequence[Viewed]:
        """All that was watched, for one more use of the dataset."""
        self._uses += 1
        if self._uses > _USES:
            raise AnalyticsError(f"query: at most {_USES} uses of the dataset are answered")
        return self._rows


class _Viewer:
    def __init__(self, asked: _Asked) -> None:
        self._asked = asked

    def accounts(self, _: "gql.GraphQLResolveInfo[Any]", **arguments: Any) -> list["_Account"]:
        if arguments["filter"]["accountTag"] != self._asked.account_id:
            raise gql.GraphQLError("The token does not open that account", extensions={"code": "authz"})
        return [_Account(self._asked)]


class _Account:
    def __init__(self, asked: _Asked) -> None:
        self._asked = asked

    @property
    def accountTag(self) -> str:  # noqa: N802  # the name that the schema has for it
        return self._asked.account_id

    def streamMinutesViewedAdaptiveGroups(  # noqa: N802  # the same
        self, info: "gql.GraphQLResolveInfo[Any]", **arguments: Any
    ) -> list[dict[str, Any]]:
        try:
            return groups(
                self._asked.rows(),
                self._asked.now,
                condition=arguments.get("filter") or {},
                dimensions=_dimensions(info),
                order=arguments.get("orderBy") or (),
                limit=arguments["limit"],
            )
        except AnalyticsError as error:
            raise gql.GraphQLError(str(error), extensions={"code": "invalid"}) from error


def _dimensions(info: "gql.GraphQLResolveInfo[Any]") -> list[str]:
    """The dimensions that a query asks for, in its order; they make the groups."""
    asked = _below(info, list(info.field_nodes), "dimensions")
    return list(dict.fromkeys(field.name.value for field in _fields(info, asked) if field.name.value[:2] != "__"))


def _below(info: "gql.GraphQLResolveInfo[Any]", fields: list[gql.FieldNode], name: str) -> list[gql.FieldNode]:
    return [field for field in _fields(info, fields) if field.name.value == name]


def _fields(info: "gql.GraphQLResolveInfo[Any]", parents: list[gql.FieldNode]) -> list[gql.FieldNode]:
    seen: set[str] = set()
    selections = [parent.selection_set for parent in parents if parent.selection_set is not None]
    return [field for each in selections for field in _flattened(info, each, seen)]


def _flattened(
    info: "gql.GraphQLResolveInfo[Any]", selected: gql.SelectionSetNode, seen: set[str]
) -> Iterator[gql.FieldNode]:
    """The fields of a selection, those of each fragment once: by name and never twice, however they are nested."""
    for node in filter(lambda each: _is_meant(info, each), selected.selections):
        if isinstance(node, gql.FieldNode):
            yield node
        elif isinstance(node, gql.FragmentSpreadNode) and node.name.value not in seen:
            seen.add(node.name.value)
            yield from _flattened(info, info.fragments[node.name.value].selection_set, seen)
        elif isinstance(node, gql.InlineFragmentNode):
            yield from _flattened(info, node.selection_set, seen)


def _is_meant(info: "gql.GraphQLResolveInfo[Any]", node: gql.SelectionNode) -> bool:
    skip = gql.get_directive_values(gql.GraphQLSkipDirective, node, info.variable_values)
    include = gql.get_directive_values(gql.GraphQLIncludeDirective, node, info.variable_values)
    return not (skip and skip["if"]) and (include is None or bool(include["if"]))
