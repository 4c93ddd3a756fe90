"""``stream.live_inputs.outputs``: where a live input sends its picture on to."""

from typing import Unpack

from cfstream import endpoints
from cfstream.models import Output, OutputCreateParams
from cfstream.pages import Pager
from cfstream.resources._base import Resource


class LiveInputsOutputs(Resource):
    """Where a live input sends its picture on to: ``stream.live_inputs.outputs``."""

    def list(self, live_input_identifier: str) -> Pager[Output]:
        """List the outputs of a live input.

        Args:
            live_input_identifier: the uid of the live input.
        """
        return self._whole(endpoints.LIVE_INPUTS_OUTPUTS_LIST(live_input_identifier=live_input_identifier))

    async def create(self, live_input_identifier: str, **params: Unpack[OutputCreateParams]) -> Output:
        """Add an output; a live input sends to 50 at once at most.

        Args:
            live_input_identifier: the uid of the live input.
            params: where to send to.
        """
        return await self._send(
            endpoints.LIVE_INPUTS_OUTPUTS_CREATE(params, live_input_identifier=live_input_identifier)
        )

    async def update(self, output_identifier: str, *, live_input_identifier: str, enabled: bool) -> Output:
        """Turn an output on or off, which takes up to 30 seconds; nothing else of it can be changed.

        Args:
            output_identifier: the uid of the output.
            live_input_identifier: the uid of the live input.
            enabled: whether the picture is sent on.
        """
        return await self._send(
            endpoints.LIVE_INPUTS_OUTPUTS_UPDATE(
                {"enabled": enabled},
                live_input_identifier=live_input_identifier,
                output_identifier=output_identifier,
            )
        )

    async def delete(self, output_identifier: str, *, live_input_identifier: str) -> None:
        """Delete an output.

        Args:
            output_identifier: the uid of the output.
            live_input_identifier: the uid of the live input.
        """
        await self._send(
            endpoints.LIVE_INPUTS_OUTPUTS_DELETE(
                live_input_identifier=live_input_identifier, output_identifier=output_identifier
            )
        )
