"""One emulator with Cloudflare's SDK and cfstream as its clients."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cloudflare import AsyncCloudflare
from outsiders_sdk_kit import Both

from cfstream.emulator import Emulator


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cfstream.emulator.media.testvideo import make_test_video

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    make_test_video(path, seconds=2, size=(320, 180))
    return path


@pytest.fixture
async def both(film: Path) -> AsyncIterator[Both]:
    async with (
        Emulator(allow_private_fetch=True) as emulator,
        emulator.stream() as ours,
        AsyncCloudflare(api_token=emulator.api_token, base_url=emulator.base_url, max_retries=0) as sdk,
    ):
        yield Both(emulator, ours, sdk, film)
