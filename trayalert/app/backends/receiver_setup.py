"""Lets the widgets read and change the setup of the running program. Main thread only."""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace

from trayalert.app.platform.autostart import AutostartFault, autostart_enabled, set_autostart
from trayalert.app.receiver import Plan, Receiver
from trayalert.clock import now
from trayalert.domain.check_result import Check
from trayalert.domain.events import SampleSent
from trayalert.domain.fault import Fault
from trayalert.domain.settings.ingress import ChosenIngress
from trayalert.domain.tunnel import Phase
from trayalert.services.presentation.status import callback_url
from trayalert.services.reachability.readiness import chosen_ingress, readiness
from trayalert.services.simulator.client import CallbackSender, sample_body
from trayalert.services.simulator.payloads import SendFault, simulated_request

_SAMPLE = "ecs-cpu"


class ReceiverSetup:
    """Implements `ui.backend.SetupActions` for a running receiver."""

    def __init__(self, plan: Plan, receiver: Receiver) -> None:
        self._plan = plan
        self._receiver = receiver

    def callback_url(self) -> str:
        """Return the callback URL, including its secret."""
        return callback_url(
            self._receiver.connectivity.public_url, self._receiver.listener_state, self._plan.secrets.current
        )

    def public_url(self) -> str | None:
        """Return the public URL that probes use, or None if no public address is known."""
        return self._receiver.reach.public_url

    def listener_address(self) -> str:
        """Return the address of the listener, as `host:port`."""
        state = self._receiver.listener_state
        return f"{state.host}:{state.port}"

    def readiness_checks(self) -> Sequence[Check]:
        """Return the current results of four checks: listener, tunnel, public address and probe."""
        connectivity = self._receiver.connectivity
        return readiness(
            self._receiver.listener_state, connectivity.settings.tunnel, connectivity.tunnel, self._receiver.reach
        )

    def probe(self) -> None:
        """Start a probe through the public address.

        ReachabilityChanged is announced when the probe has ended.
        """
        self._receiver.run_coroutine(self._receiver.connectivity.probe())

    def ingress(self) -> ChosenIngress | None:
        """Return the ingress that the settings name, or None if the settings name no ingress."""
        return chosen_ingress(self._receiver.connectivity.settings)

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:
        """Write `chosen` into settings.toml and start switching to this ingress. Do not wait for the switch.

        Return None if the settings were written, or a sentence that says why the settings could not be written.
        """
        from trayalert.app.settings_file import change_settings  # noqa: PLC0415 - imports tomlkit, which costs memory

        try:
            written = change_settings(self._plan.places, chosen)
        except Fault as fault:
            return str(fault)
        settings = replace(
            self._receiver.connectivity.settings, public_url=written.public_url, tunnel=written.tunnel
        )  # any other change in the file takes effect at the next start
        if settings == self._receiver.connectivity.settings and self._receiver.connectivity.tunnel.phase in {
            Phase.OFF,
            Phase.UP,
        }:
            return None  # a tunnel that is up keeps running, because a restart may change its public address
        self._receiver.run_coroutine(self._receiver.connectivity.apply_settings(settings))
        return None

    def accept_url(self) -> None:
        """Record that the user knows the new public address."""
        self._receiver.call_soon(self._receiver.connectivity.accept_url)

    def send_sample(self) -> None:
        """Start sending a sample alert and then its recovery, in the same way as Cloud Monitor.

        SampleSent is announced when the alert and its recovery have been sent, or when a request has failed.
        """
        url, public, announce = self.callback_url(), self.public_url() is not None, self._receiver.announce

        def send() -> None:
            announce([SampleSent(_send_sample(url), public=public)])

        threading.Thread(target=send, name="sample", daemon=True).start()

    def autostart_enabled(self) -> bool | None:
        """Return whether the program starts with the desktop session, or None if this is unknown.

        If the system has no autostart, return None.
        """
        return autostart_enabled()

    def set_autostart(self, enabled: bool) -> str | None:
        """Turn autostart on or off. Return None on success, or a sentence that says what failed."""
        try:
            set_autostart(enabled, self._plan.places)
        except AutostartFault as fault:
            return str(fault)
        return None


def _send_sample(url: str) -> str | None:
    """Send a sample and its recovery to `url`.

    Return None if both requests were accepted, or a sentence that says what failed.
    """
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
