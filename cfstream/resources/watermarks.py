"""``stream.watermarks``: watermark profiles."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Watermark, WatermarkCreateParams
from cfstream.pages import Pager
from cfstream.resources._base import Resource


class Watermarks(Resource):
    """Watermark profiles: ``stream.watermarks``."""

    def list(self) -> Pager[Watermark]:
        """List the profiles."""
        return self._whole(endpoints.WATERMARKS_LIST())

    async def get(self, identifier: str) -> Watermark:
        """Give one profile.

        Args:
            identifier: the uid of the profile.
        """
        return await self._send(endpoints.WATERMARKS_GET(identifier=identifier))

    async def create(self, **params: Unpack[WatermarkCreateParams]) -> Watermark:
        """Make a profile from a PNG image of at most 2 MiB; profiles cannot be changed afterwards."""
        return await self._send(endpoints.WATERMARKS_CREATE(params))

    async def delete(self, identifier: str) -> None:
        """Delete a profile; videos that were made with it keep the watermark.

        Args:
            identifier: the uid of the profile.
        """
        await self._send(endpoints.WATERMARKS_DELETE(identifier=identifier))
