"""The base of the managers: sends requests, and spells out keyword sets in the signatures people read."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, Unpack, get_args, get_origin, get_type_hints

from cfstream._answers import RawPage
from cfstream._transport import Transport
from cfstream._types import ABSENT
from cfstream.endpoints import Request
from cfstream.pages import Pager, SinglePage

T = TypeVar("T")


class Resource:
    """A manager of one part of the API."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._send = transport.send

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        spell_out_keywords(cls)

    def _whole(self, request: Request[RawPage[T]]) -> Pager[T]:
        """Give a list that the service sends in one answer."""
        return Pager(self._transport, lambda: SinglePage(request))


def spell_out_keywords(cls: type[Any]) -> None:
    """Give every method that takes a keyword set a signature with the keywords in it.

    ``help()``, Sphinx, Jupyter and autospec read ``__signature__``; type checkers read the annotation itself.
    """
    for method in vars(cls).values():
        if inspect.isfunction(method):
            _spell_out(method)


def _spell_out(method: Callable[..., Any]) -> None:
    signature = inspect.signature(method)
    *plain, last = signature.parameters.values()
    if last.kind is not inspect.Parameter.VAR_KEYWORD or get_origin(last.annotation) is not Unpack:
        return
    (params,) = get_args(last.annotation)
    hints = get_type_hints(params)
    keywords = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hint,
            default=inspect.Parameter.empty if name in params.__required_keys__ else ABSENT,
        )
        for name, hint in hints.items()
    ]
    method.__signature__ = signature.replace(parameters=[*plain, *keywords])  # type: ignore[attr-defined]  # functions take any attribute
