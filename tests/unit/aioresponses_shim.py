"""aioresponses made to work with aiohttp 3.14.

aioresponses 0.7.9 builds each answer by ``ClientResponse(...)`` without ``stream_writer``, which aiohttp 3.14 demands
(the writer of the request, asked for the size of what was sent). The class below puts a stand-in there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import aiohttp
from aioresponses import aioresponses


class AnswerWithStreamWriter(aiohttp.ClientResponse):
    """The answer of aiohttp, made without a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@contextmanager
def mocked_http() -> Iterator[Any]:
    """Give the ``aioresponses`` object; every request of aiohttp in the block is answered by it."""
    with patch("aioresponses.core.ClientResponse", AnswerWithStreamWriter), aioresponses() as mocked:
        yield mocked
