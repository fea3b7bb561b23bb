"""The half of the desk that has to do with reach: how Cloud Monitor gets here, and what the guide asks and wishes.

Main thread only.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trayalert.app.backends.rehearsal import rehearse
from trayalert.app.platform.autostart import AutostartFault, autostarts, set_autostart
from trayalert.app.receiver import Plan, Receiver
from trayalert.app.settings_file import change_settings
from trayalert.domain.check_result import Check
from trayalert.domain.fault import Fault
from trayalert.domain.reachability import ReachState
from trayalert.domain.settings.ingress import ChosenWay
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.presentation.status import callback_url
from trayalert.services.reachability.readiness import readiness, way_of


class SettingUp:
    """Asks the receiver's `way_in`, and wishes there."""

    def __init__(self, plan: Plan, receiver: Receiver) -> None:
        self._plan = plan
        self._receiver = receiver

    def callback_url(self) -> str:
        """Return the callback URL with its secret."""
        return callback_url(self._receiver.way_in.public_url, self._receiver.door, self._plan.secrets.present)

    def door_place(self) -> str:
        """Return `host:port` where the door listens."""
        door = self._receiver.door
        return f"{door.host}:{door.port}"

    def door_checks(self) -> Sequence[Check]:
        """Return what the guide shows live: door, tunnel, public address, probe."""
        way_in = self._receiver.way_in
        return readiness(self._receiver.door, way_in.settings.tunnel, way_in.tunnel, self.reach())

    def reach(self) -> ReachState:
        """Return whether the outside can reach us, and why not."""
        return self._receiver.reach

    def tunnel(self) -> TunnelState:
        """Return how the tunnel is."""
        return self._receiver.way_in.tunnel

    def probe(self) -> None:
        """Probe through the public address now; a ReachChanged follows."""
        self._receiver.begin(self._receiver.way_in.probe())

    def way(self) -> ChosenWay | None:
        """Return how Cloud Monitor reaches us by the settings; None where nothing is set."""
        return way_of(self._receiver.way_in.settings)

    def choose_way(self, chosen: ChosenWay) -> str | None:
        """Write it into the settings and go that way from now on; return a sentence where that failed."""
        try:
            written = change_settings(self._plan.places, chosen)
        except Fault as fault:
            return str(fault)
        settings = replace(
            self._receiver.way_in.settings, public_url=written.public_url, tunnel=written.tunnel
        )  # all else holds from the next start, as ever
        if settings == self._receiver.way_in.settings and self.tunnel().phase in {Phase.OFF, Phase.UP}:
            return None  # a tunnel that runs is left alone: its address could be another one after a new start
        self._receiver.begin(self._receiver.way_in.choose(settings))
        return None

    def accept_url(self) -> None:
        """Hear that the person knows of the changed public address."""
        self._receiver.soon(self._receiver.way_in.accept_url)

    def rehearse(self) -> None:
        """Send a sample through the public address; a Rehearsed follows."""
        rehearse(self.callback_url(), self._receiver.announce)

    def autostarts(self) -> bool | None:
        """Whether the program starts with the session; None where that cannot be set."""
        return autostarts()

    def set_autostart(self, wanted: bool) -> str | None:
        """Start with the session from now on, or not; return a sentence where that failed."""
        try:
            set_autostart(wanted, self._plan.places)
        except AutostartFault as fault:
            return str(fault)
        return None

    @property
    def strip(self) -> str:
        """Return when the strip shows: "auto" (where there is no tray), "always" or "never"."""
        return self._plan.settings.strip

    def recall(self, name: str) -> Any:
        """Return what was remembered by that name, also by an earlier run; None: nothing."""
        return self._receiver.remembered.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember it beyond this run."""
        self._receiver.remembered.set(name, value)
