"""The page at ``/``: the dashboard for whoever came by its link, and for others where to find that."""

from aiohttp import web

from cfstream.emulator.pages.html import page
from cfstream.emulator.service import SERVICE

_HINT = (
    '<main class="card"><h1>cfstream emulator</h1>'
    "<p>It is running. Its dashboard opens with the link that was printed when this was started "
    "(in Python: <code>emulator.dashboard_url</code>).</p>"
    "<p>The link lets this browser in until it is closed; nobody else gets the API's token by asking.</p></main>"
)


async def home(request: web.Request) -> web.Response:
    """The dashboard, or the way to it."""
    service = request.app[SERVICE]
    entry = service.credentials.dashboard
    by_link = entry.opens(request.query.get("key", ""))
    if not by_link and not entry.was_given(request, service.site):
        return page("cfstream emulator", _HINT, style="hint.css", frames="'none'")
    # All that is shown comes from the control: the page itself is the same for everybody.
    body = '<div id="app"></div><noscript>The dashboard needs JavaScript.</noscript>'
    response = page("cfstream emulator", body, style="dashboard.css", script="dashboard.js", frames="'none'")
    if by_link:
        entry.give(response, service.site)
    return response
