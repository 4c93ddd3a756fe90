"""``stream.live_inputs``: places to broadcast to."""

from typing import Unpack

from cfstream import endpoints
from cfstream._transport import Transport
from cfstream.models import (
    LiveInput,
    LiveInputCreateParams,
    LiveInputListParams,
    LiveInputSummary,
    LiveInputUpdateParams,
    Video,
)
from cfstream.pages import Pager
from cfstream.resources._base import Resource
from cfstream.resources.live_inputs_outputs import LiveInputsOutputs


class LiveInputs(Resource):
    """Places to broadcast to: ``stream.live_inputs``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.outputs = LiveInputsOutputs(transport)

    def list(self, **params: Unpack[LiveInputListParams]) -> Pager[LiveInputSummary]:
        """List the live inputs, without addresses and keys; the service gives all of them in one answer."""
        return self._whole(endpoints.LIVE_INPUTS_LIST(params))

    async def get(self, live_input_identifier: str) -> LiveInput:
        """Give one live input with its addresses and keys.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return await self._send(endpoints.LIVE_INPUTS_GET(live_input_identifier=live_input_identifier))

    async def create(self, **params: Unpack[LiveInputCreateParams]) -> LiveInput:
        """Make a live input; an idempotency key goes along, so that a lost answer does not make two."""
        return await self._send(endpoints.LIVE_INPUTS_CREATE(params))

    async def update(self, live_input_identifier: str, **params: Unpack[LiveInputUpdateParams]) -> LiveInput:
        """Change a live input: keywords left out stay as they are.

        Args:
            live_input_identifier: the uid of the live input.
            params: what to change.
        """
        return await self._send(endpoints.LIVE_INPUTS_UPDATE(params, live_input_identifier=live_input_identifier))

    async def delete(self, live_input_identifier: str) -> None:
        """Delete a live input; its recordings stay.

        Args:
            live_input_identifier: the uid of the live input.
        """
        await self._send(endpoints.LIVE_INPUTS_DELETE(live_input_identifier=live_input_identifier))

    async def enable(self, live_input_identifier: str) -> LiveInput:
        """Let a live input accept broadcasts.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return await self._send(endpoints.LIVE_INPUTS_ENABLE(live_input_identifier=live_input_identifier))

    async def disable(self, live_input_identifier: str) -> LiveInput:
        """Let a live input refuse broadcasts; a running one ends.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return await self._send(endpoints.LIVE_INPUTS_DISABLE(live_input_identifier=live_input_identifier))

    async def rotate_keys(self, live_input_identifier: str) -> LiveInput:
        """Give a live input new keys; the old ones stop working.

        Args:
            live_input_identifier: the uid of the live input.

        Raises:
            AmbiguousResultError: nobody knows whether the keys were changed; get the input to see.
        """
        return await self._send(endpoints.LIVE_INPUTS_ROTATE_KEYS(live_input_identifier=live_input_identifier))

    def videos(self, live_input_identifier: str) -> Pager[Video]:
        """List the broadcasts of a live input, newest first; a running one is ``live-inprogress``.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return self._whole(endpoints.LIVE_INPUTS_VIDEOS(live_input_identifier=live_input_identifier))
