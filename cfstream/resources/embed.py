"""``stream.embed``: the player as HTML."""

from cfstream import endpoints
from cfstream.resources._base import Resource


class Embed(Resource):
    """The player as HTML: ``stream.embed``."""

    async def get(self, identifier: str) -> str:
        """Give the HTML that embeds the player; the service calls it legacy.

        Args:
            identifier: the uid of the video.
        """
        return await self._send(endpoints.EMBED_GET(identifier=identifier))
