"""The base of the blocking managers and the blocking pager: each hands its calls to the portal."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from cfstream import pages
from cfstream.pages import Page
from cfstream.resources._base import spell_out_keywords
from cfstream.sync._portal import Portal

T = TypeVar("T")


class Resource:
    """A manager of one part of the API, blocking."""

    _impl: Any

    def __init__(self, portal: Portal, impl: Any) -> None:
        self._portal = portal
        self._impl = impl
        self._call = portal.call

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        spell_out_keywords(cls)


class Pager(Generic[T]):
    """A list: ``for`` walks all of it, ``page()`` gives the first page.

    The next page is asked for while this one is handed out. Editing or deleting items during the walk is safe.
    Every ``for`` starts anew.
    """

    def __init__(self, portal: Portal, impl: pages.Pager[T]) -> None:
        self._portal = portal
        self._impl = impl

    def page(self) -> Page[T]:
        """Give the first page."""
        return self._portal.call(self._impl.page())

    def pages(self) -> Iterator[Page[T]]:
        """Walk page by page; items that an earlier page held are left out."""
        return self._portal.iterate(self._impl.pages)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items
