"""One fresh process of the import benchmark: it loads nothing of its own before the clock has stopped."""

import sys
import time
from collections.abc import Callable, Mapping


def _cfstream() -> None:
    import asyncio

    from cfstream import Stream

    async def ready() -> None:
        async with Stream("token", "account") as stream:
            stream._transport.session.http()

    asyncio.run(ready())


def _official() -> None:
    import asyncio

    from cloudflare import AsyncCloudflare

    async def ready() -> None:
        async with AsyncCloudflare(api_token="token") as client:
            _ = client.stream

    asyncio.run(ready())


def _nothing() -> None:
    """The price of the interpreter itself."""


CONTENDERS: Mapping[str, Callable[[], None]] = {
    "cfstream": _cfstream,
    "AsyncCloudflare": _official,
    "interpreter": _nothing,
}


def main() -> None:
    present = frozenset(sys.modules)
    wall, cpu = time.perf_counter(), time.process_time()
    CONTENDERS[sys.argv[1]]()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    loaded = sorted(set(sys.modules) - present)

    import json

    print(json.dumps({"ready ms": 1000 * wall, "cpu ms": 1000 * cpu, "loaded": loaded}))


if __name__ == "__main__":
    main()
