"""What the control tells over HTTP: how everything stands, and the requests that came."""

from typing import Any

import attrs

from cfstream.emulator import times
from cfstream.emulator.control.faults import PlannedFault
from cfstream.emulator.control.requests import RequestRecord
from cfstream.emulator.service import Service


def state(service: Service) -> dict[str, Any]:
    """How everything stands."""
    control = service.control
    return {
        "clock": {"now": control.clock.now, "time": times.text(service.library.now())},
        "settings": {
            "list_lag": control.list_lag,
            "rate_limit": control.rate_limit,
            "viewer": {"country": control.viewer.country, "address": control.viewer.address},
        },
        "limits": attrs.asdict(control.limits),
        "faults": {
            "pending": list(map(_planned, control.faults.pending)),
            "spent": list(map(_planned, control.faults.spent)),
        },
        "requests": control.requests.count(),
        "encoding": {"paused": not service.jobs.gate.is_open},
    }


def _planned(planned: PlannedFault) -> dict[str, Any]:
    return {"row": planned.row, "fault": str(planned.fault)}


def request(record: RequestRecord) -> dict[str, Any]:
    """One request that came."""
    plain = {"query": list(record.query.items()), "headers": list(record.headers.items())}
    return {name: plain.get(name, getattr(record, name)) for name in attrs.fields_dict(RequestRecord)}
