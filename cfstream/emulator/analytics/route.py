"""Where the GraphQL API is; the language itself is loaded with the first query, because that takes a while."""

import asyncio
from importlib import import_module
from typing import Final, cast

from aiohttp import web

from cfstream.emulator.answers import API

ADDRESS: Final = f"{API}/graphql"


async def answer(request: web.Request) -> web.Response:
    """One query."""
    module = await asyncio.to_thread(import_module, "cfstream.emulator.analytics.graphql")
    return cast("web.Response", await module.answer(request))
