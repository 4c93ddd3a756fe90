"""The log of webhook deliveries over HTTP."""

from aiohttp import web

from cfstream.emulator.answers import bad_request, not_found, success
from cfstream.emulator.delivery.log import shown
from cfstream.emulator.service import SERVICE


async def get_deliveries(request: web.Request) -> web.StreamResponse:
    """The deliveries, oldest first."""
    log = request.app[SERVICE].control.deliveries
    return success([shown(delivery) for delivery in log.listed()])


async def clear_deliveries(request: web.Request) -> web.StreamResponse:
    """Forget those that have ended."""
    request.app[SERVICE].control.deliveries.clear()
    return await get_deliveries(request)


async def redeliver(request: web.Request) -> web.StreamResponse:
    """Send a message once more; the answer is the new delivery."""
    service = request.app[SERVICE]
    before = service.control.deliveries.get(request.match_info["id"])
    if before is None:
        raise not_found("delivery")
    delivery = service.sender.redeliver(before)
    if delivery is None:
        raise bad_request("There is no webhook to deliver to")
    return success(shown(delivery))
