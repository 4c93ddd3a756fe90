"""The base of the blocking managers and the blocking pager: each hands its calls to the portal."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from cfstream import bulk, pages
from cfstream.pages import Page
from cfstream.resources._base import spell_out_keywords
from cfstream.sync._jobs import as_given
from cfstream.sync._portal import Portal
from cfstream.uploads import many
from cfstream.uploads.journal import UploadReport
from cfstream.uploads.many import Uploaded, UploadFailed

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


class Bulk(Generic[T]):
    """Work on many objects: ``for`` gives an outcome for each, as they come.

    The source is read in the caller's thread as places become free, so it may be endless. Leaving early ends the
    work as soon as nothing refers to it any more; use ``with`` to have that happen at once. When the source itself
    fails, what was begun is finished and told first.
    """

    def __init__(self, portal: Portal, impl: bulk.Bulk[T]) -> None:
        self._outcomes = portal.iterate(lambda: impl.outcomes)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return next(self._outcomes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._outcomes.close()


class Uploads(Bulk[Uploaded | UploadFailed]):
    """Many uploads at work: ``for`` gives an outcome for each, in the order of completion.

    Sources are read in the caller's thread as places become free. Leaving early ends the work; use ``with`` to have
    that happen at once. What was begun can be gone on with where a journal is kept.
    """

    def __init__(self, portal: Portal, impl: many.Uploads) -> None:
        super().__init__(portal, impl)
        self._impl = impl

    def __next__(self) -> Uploaded | UploadFailed:
        return as_given(super().__next__())

    def run(self) -> UploadReport:
        """Do all of it, and tell how it ended: of this run, or of the whole journal where one is kept."""
        with self:
            for _ in self:
                pass
        return self._impl.report
