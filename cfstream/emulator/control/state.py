"""All that is controlled, in one place: it belongs to the emulator and outlives its starts and ends."""

from cfstream._limits import Limits
from cfstream._types import Clock
from cfstream.emulator.control import values
from cfstream.emulator.control.clock import EmulatorClock
from cfstream.emulator.control.faults import Faults
from cfstream.emulator.control.rate import Rate
from cfstream.emulator.control.requests import Requests
from cfstream.emulator.control.rows import names
from cfstream.emulator.control.viewer import Viewer
from cfstream.emulator.delivery.log import DeliveryLog


class Control:
    """What a test turns."""

    def __init__(self, clock: Clock, limits: Limits, *, rate_limit: bool, secrets: tuple[str | None, ...]) -> None:
        self.clock = EmulatorClock(clock)
        self.faults = Faults(names())
        self.requests = Requests(*secrets)
        self.rate = Rate(self.clock)
        self.viewer = Viewer()
        self.deliveries = DeliveryLog()
        self.limits = limits
        self.rate_limit = rate_limit
        self._list_lag = 0.0
        self._at_first = limits, rate_limit

    @property
    def list_lag(self) -> float:
        """How many seconds the list of videos is behind."""
        return self._list_lag

    @list_lag.setter
    def list_lag(self, seconds: float) -> None:
        self._list_lag = values.seconds("list_lag", seconds, values.CENTURY)

    def reset(self) -> None:
        """Everything as it was when the emulator was made."""
        self.limits, self.rate_limit = self._at_first
        self._list_lag = 0.0
        self.clock.reset()
        self.faults.clear()
        self.requests.clear()
        self.rate.clear()
        self.viewer.reset()
        self.deliveries.empty()
