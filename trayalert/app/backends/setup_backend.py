"""The half of the backend for reachability and the setup assistant. Main thread only."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from trayalert.app.platform.autostart import AutostartFault, autostart_enabled, set_autostart
from trayalert.app.receiver import Plan, Receiver
from trayalert.clock import now
from trayalert.domain.check_result import Check
from trayalert.domain.events import SampleSent
from trayalert.domain.fault import Fault
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.settings.ingress import ChosenIngress
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.services.presentation.status import callback_url
from trayalert.services.reachability.readiness import chosen_ingress, readiness
from trayalert.services.simulator.client import CallbackSender, sample_body
from trayalert.services.simulator.payloads import SendFault, simulated_request

_SAMPLE = "ecs-cpu"


class SetupBackend:
    """Queries the receiver's `connectivity`, and changes it."""

    def __init__(self, plan: Plan, receiver: Receiver) -> None:
        self._plan = plan
        self._receiver = receiver

    def callback_url(self) -> str:
        """Return the callback URL with its secret."""
        return callback_url(
            self._receiver.connectivity.public_url, self._receiver.listener_state, self._plan.secrets.current
        )

    def listener_address(self) -> str:
        """Return `host:port` of the listener."""
        state = self._receiver.listener_state
        return f"{state.host}:{state.port}"

    def readiness_checks(self) -> Sequence[Check]:
        """Return what the setup assistant shows live: listener, tunnel, public address, probe."""
        connectivity = self._receiver.connectivity
        return readiness(
            self._receiver.listener_state, connectivity.settings.tunnel, connectivity.tunnel, self.reachability()
        )

    def reachability(self) -> ReachabilityState:
        """Return whether Cloud Monitor can reach us, and why not."""
        return self._receiver.reach

    def tunnel(self) -> TunnelState:
        """Return the state of the tunnel."""
        return self._receiver.connectivity.tunnel

    def probe(self) -> None:
        """Probe through the public address now; a ReachabilityChanged follows."""
        self._receiver.run_coroutine(self._receiver.connectivity.probe())

    def ingress(self) -> ChosenIngress | None:
        """Return how Cloud Monitor reaches us by the settings; None if nothing is set."""
        return chosen_ingress(self._receiver.connectivity.settings)

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        """Write it into the settings and use it from now on; return a sentence if that failed."""
        from trayalert.app.settings_file import change_settings  # noqa: PLC0415 - with tomlkit, which costs memory

        try:
            written = change_settings(self._plan.places, chosen)
        except Fault as fault:
            return str(fault)
        settings = replace(
            self._receiver.connectivity.settings, public_url=written.public_url, tunnel=written.tunnel
        )  # all else holds from the next start
        if settings == self._receiver.connectivity.settings and self.tunnel().phase in {Phase.OFF, Phase.UP}:
            return None  # a running tunnel is left alone, as a new start may change its address
        self._receiver.run_coroutine(self._receiver.connectivity.apply_settings(settings))
        return None

    def accept_url(self) -> None:
        """The person knows the changed public address."""
        self._receiver.call_soon(self._receiver.connectivity.accept_url)

    def send_sample(self) -> None:
        """Send a sample and its recovery, as Cloud Monitor would, in a thread; a SampleSent follows."""
        url, announce = self.callback_url(), self._receiver.announce
        threading.Thread(target=lambda: announce([SampleSent(_send_sample(url))]), name="sample", daemon=True).start()

    def autostart_enabled(self) -> bool | None:
        """Whether the program starts with the session; None if that cannot be set."""
        return autostart_enabled()

    def set_autostart(self, enabled: bool) -> str | None:
        """Switch autostart on or off; return a sentence if that failed."""
        try:
            set_autostart(enabled, self._plan.places)
        except AutostartFault as fault:
            return str(fault)
        return None

    @property
    def overlay_mode(self) -> str:
        """Return when the overlay shows: "auto" (if there is no tray), "always" or "never"."""
        return self._plan.settings.strip

    def recall(self, name: str) -> Any:
        """Return the value of that name, also of an earlier run; None if there is none."""
        return self._receiver.state_store.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember a value beyond this run."""
        self._receiver.state_store.set(name, value)


def _send_sample(url: str) -> str | None:
    """Return a sentence if the sample did not arrive."""
    try:
        with contextlib.closing(CallbackSender(url)) as sender:
            content = sample_body(_SAMPLE)
            for recover in (False, True):
                sent = sender.send(simulated_request(content, now=now(), recover=recover))
                if not sent.accepted:
                    return sent.problem
    except SendFault as fault:
        return str(fault)
    return None
