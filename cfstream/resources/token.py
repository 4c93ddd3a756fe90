"""``stream.token``: signed tokens made by the service."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Token, TokenCreateParams
from cfstream.resources._base import Resource


class Tokens(Resource):
    """Signed tokens made by the service: ``stream.token``."""

    async def create(self, identifier: str, **params: Unpack[TokenCreateParams]) -> Token:
        """Make a token that opens a private video; it is valid for an hour unless ``exp`` says otherwise.

        The docs ask for fewer than 1,000 calls a day: sign locally beyond that.
        """
        return await self._send(endpoints.TOKEN_CREATE(params, identifier=identifier))
