"""``stream.clip``: videos cut out of others."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Clip, ClipCreateParams
from cfstream.resources._base import Resource


class Clips(Resource):
    """Videos cut out of others: ``stream.clip``."""

    async def create(self, **params: Unpack[ClipCreateParams]) -> Clip:
        """Cut a new video out of a ready one; it is encoded anew and does not inherit a scheduled deletion."""
        return await self._send(endpoints.CLIP_CREATE(params))
