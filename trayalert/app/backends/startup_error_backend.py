"""What the tray application shows while it cannot even begin: its data dir, lock or secrets cannot be used.

Started with the session nobody would see its sentence on stderr; so a blind tray and the window say it, until the
cause is gone.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import qasync

from trayalert.app.desktop import make_application, set_on_signals
from trayalert.app.platform.own_language import own_language
from trayalert.clock import now
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.gap import Gap
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredAlert, StoredIncident
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.settings.ingress import ChosenIngress
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import ProgramState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi

_RETRY_SECONDS = 2.0
"""Seconds."""


class StartupErrorBackend:
    """Implements `ui.backend.Backend` with nothing in it but one problem."""

    def __init__(self, problem: str, quit_: Callable[[], None]) -> None:
        self.problem = problem
        self._quit = quit_
        self._remembered: dict[str, Any] = {}

    @property
    def language(self) -> Language:
        """Return the system's: the settings may be what is in trouble."""
        return own_language(Settings())

    def now(self) -> Millis:
        """Return the present moment."""
        return now()

    def state(self) -> ProgramState:
        """Return the trouble; what is open is not known."""
        return ProgramState(
            reachability=Reachability.BLIND,
            storing=False,
            problems=(self.problem,),
            uncertainty="trayalert cannot begin",
            log_unreadable=False,
        )

    def open_incidents(self) -> Sequence[StoredIncident]:
        """Return none."""
        return ()

    def worst_open_incidents(self, *, limit: int) -> Sequence[StoredIncident]:  # noqa: ARG002 - the protocol's
        """Return none."""
        return ()

    def closed_incidents(
        self,
        *,
        before: StoredIncident | None,  # noqa: ARG002 - the protocol's
        limit: int,  # noqa: ARG002
    ) -> Sequence[StoredIncident]:
        """Return none."""
        return ()

    def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident]:  # noqa: ARG002 - the protocol's
        """Return none."""
        return ()

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:  # noqa: ARG002 - the protocol's
        """Return none."""
        return ()

    def unconfirmed(self, incident: StoredIncident) -> bool:  # noqa: ARG002 - the protocol's
        """There is none."""
        return False

    def sender_text(self, alert: StoredAlert) -> str | None:  # noqa: ARG002 - the protocol's
        """There is none."""
        return None

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:  # noqa: ARG002 - the protocol's
        """There is none."""
        return ()

    def open_url(self, url: str) -> bool:  # noqa: ARG002 - the protocol's
        """There is none."""
        return False

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:  # noqa: ARG002 - the protocol's
        """There is none."""
        return ()

    def run_command(self, command: FilledCommand) -> str | None:  # noqa: ARG002 - the protocol's
        """There is none."""
        return None

    def callback_url(self) -> str:
        """There is none to be known."""
        return ""

    def listener_address(self) -> str:
        """Return where the settings would have it if they say nothing."""
        return f"{Settings().host}:{Settings().port}"

    def readiness_checks(self) -> Sequence[Check]:
        """Return the trouble as the only one."""
        return (Check(name="trayalert", verdict=Verdict.FAIL, said=self.problem),)

    def reachability(self) -> ReachabilityState:
        """Return that nothing can come in."""
        return ReachabilityState(reach=Reachability.BLIND)

    def tunnel(self) -> TunnelState:
        """There is none."""
        return TunnelState()

    def probe(self) -> None:
        """There is no door to be probed."""

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:  # noqa: ARG002 - the protocol's
        """Return that they cannot be read."""
        return None

    def ingress(self) -> ChosenIngress | None:
        """There is none that is known."""
        return None

    def choose_ingress(self, chosen: ChosenIngress) -> str | None:  # noqa: ARG002 - the protocol's
        """Refuse: the settings may be what is in trouble."""
        return self.problem

    def accept_url(self) -> None:
        """There is none."""

    def send_sample(self) -> None:
        """There is no door to send to."""

    def autostart_enabled(self) -> bool | None:
        """Return that it cannot be set."""
        return None

    def set_autostart(self, enabled: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """Refuse."""
        return self.problem

    @property
    def overlay_mode(self) -> str:
        """Return what the settings say where they say nothing."""
        return Settings().strip

    def recall(self, name: str) -> Any:
        """Return what was remembered in this run only: the data dir may be what is in trouble."""
        return self._remembered.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember it for this run."""
        self._remembered[name] = value

    def resolve(self, incident_id: int) -> None:
        """There is none."""

    def pause_notifications(self, until: Millis | None) -> None:
        """Nothing is notified."""

    def dismiss_news(self) -> None:
        """There are none."""

    def quit(self) -> None:
        """End the program."""
        self._quit()


def wait_for_start(problem: str, start: Callable[[], None], on_screen_open: Callable[[], None]) -> bool:
    """Show the problem until `start` raises no Fault any more (True), or the person has enough (False).

    `on_screen_open` is called when Qt has the screen.
    """
    app = make_application(on_screen_open)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(_wait(problem, start))


async def _wait(problem: str, start: Callable[[], None]) -> bool:
    quit_event = asyncio.Event()
    set_on_signals(quit_event)
    backend = StartupErrorBackend(problem, quit_event.set)
    main_ui = MainUi(backend, EventBridge())
    main_ui.start()
    main_ui.show_window()
    try:
        while not quit_event.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(quit_event.wait(), _RETRY_SECONDS)
                break
            try:
                start()
            except Fault as fault:
                backend.problem = str(fault)
                main_ui.refresh()
            else:
                return True
        return False
    finally:
        main_ui.stop()
