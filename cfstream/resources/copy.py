"""``stream.copy``: videos that the service fetches itself."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import CopyCreateParams, Video
from cfstream.resources._base import Resource


class Copies(Resource):
    """Videos that the service fetches itself: ``stream.copy``."""

    async def create(self, **params: Unpack[CopyCreateParams]) -> Video:
        """Let the service fetch a video from an address; `wait_until_ready` tells when it is there, or that it failed.

        Raises:
            AmbiguousResultError: nobody knows whether the video was made; list the videos to see.
        """
        return await self._send(endpoints.COPY_CREATE(params))
