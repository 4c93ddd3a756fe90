"""``stream.keys``: keys that sign tokens."""

from cfstream import endpoints
from cfstream.models import SigningKey, SigningKeySummary
from cfstream.pages import Pager
from cfstream.resources._base import Resource


class Keys(Resource):
    """Keys that sign tokens: ``stream.keys``."""

    def get(self) -> Pager[SigningKeySummary]:
        """List the keys, without their private parts."""
        return self._whole(endpoints.KEYS_GET())

    async def create(self) -> SigningKey:
        """Make a key; its private part is shown only this once. An account has at most 1,000."""
        return await self._send(endpoints.KEYS_CREATE())

    async def delete(self, identifier: str) -> None:
        """Delete a key: every token it has signed stops working.

        Args:
            identifier: the id of the key.
        """
        await self._send(endpoints.KEYS_DELETE(identifier=identifier))
