"""``stream.videos``: the account's videos taken together."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import StorageUsage
from cfstream.models.video import StorageUsageParams
from cfstream.resources._base import Resource


class Videos(Resource):
    """The account's videos taken together: ``stream.videos``."""

    async def storage_usage(self, **params: Unpack[StorageUsageParams]) -> StorageUsage:
        """Tell how many minutes of storage are used and allowed."""
        return await self._send(endpoints.VIDEOS_STORAGE_USAGE(params))
