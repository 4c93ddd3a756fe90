"""The control as it is typed in Python, the same on both faces of the emulator."""

from cfstream._limits import Limits
from cfstream.emulator.control.clock import EmulatorClock
from cfstream.emulator.control.faults import Faults
from cfstream.emulator.control.requests import Requests
from cfstream.emulator.control.state import Control
from cfstream.emulator.control.viewer import Viewer


class ControlFace:
    """What can be turned, before the start and while it runs, from any thread."""

    _control: Control

    @property
    def faults(self) -> Faults:
        """Faults for requests to come."""
        return self._control.faults

    @property
    def requests(self) -> Requests:
        """The requests that came."""
        return self._control.requests

    @property
    def clock(self) -> EmulatorClock:
        """The time it goes by; it can be put forward."""
        return self._control.clock

    @property
    def viewer(self) -> Viewer:
        """Who watches, for the access rules of tokens."""
        return self._control.viewer

    @property
    def limits(self) -> Limits:
        """The service's limits; another value goes for what comes after it."""
        return self._control.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._control.limits = limits

    @property
    def list_lag(self) -> float:
        """How many seconds STREAM_LIST is behind: it shows the videos that there were then.

        A video that is deleted while there is a lag goes on being listed, though getting it answers 404.
        """
        return self._control.list_lag

    @list_lag.setter
    def list_lag(self, seconds: float) -> None:
        self._control.list_lag = seconds

    @property
    def rate_limit(self) -> bool:
        """Whether more than ``limits.requests`` in ``limits.requests_window`` seconds are refused."""
        return self._control.rate_limit

    @rate_limit.setter
    def rate_limit(self, on: bool) -> None:
        self._control.rate_limit = bool(on)
