"""``stream.webhooks``: where the service reports videos that are ready or failed."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Webhook, WebhookUpdateParams
from cfstream.resources._base import Resource


class Webhooks(Resource):
    """Where the service reports videos that are ready or failed: ``stream.webhooks``."""

    async def get(self) -> Webhook:
        """Give the webhook of the account, with its secret.

        Raises:
            NotFoundError: the account has none.
        """
        return await self._send(endpoints.WEBHOOKS_GET())

    async def update(self, **params: Unpack[WebhookUpdateParams]) -> Webhook:
        """Set the address of the account's one webhook; this replaces the one there was and makes a new secret."""
        return await self._send(endpoints.WEBHOOKS_UPDATE(params))

    async def delete(self) -> None:
        """Delete the webhook."""
        await self._send(endpoints.WEBHOOKS_DELETE())
