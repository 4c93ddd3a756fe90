"""``stream.watermarks``: watermark profiles."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Watermark, WatermarkCreateParams
from cfstream.resources._base import Resource


class Watermarks(Resource):
    """Watermark profiles: ``stream.watermarks``."""

    async def create(self, **params: Unpack[WatermarkCreateParams]) -> Watermark:
        """Make a profile from a PNG image of at most 2 MiB; profiles cannot be changed afterwards."""
        return await self._send(endpoints.WATERMARKS_CREATE(params))
