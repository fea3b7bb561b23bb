"""What the tray application shows while it cannot even begin: its data dir, lock or secrets cannot be used.

Started with the session nobody would see its sentence on stderr; so a blind tray and the window say it, until the
cause is gone.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import qasync

from trayalert.app.desktop import end_on_signals, make_application
from trayalert.app.platform.clock import now
from trayalert.app.platform.own_language import own_language
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.gap import Gap
from trayalert.domain.incident.console_link import ConsoleLink
from trayalert.domain.incident.stored import StoredAlert, StoredIncident
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.settings.custom_command import Offer
from trayalert.domain.settings.ingress import ChosenWay
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import DeskState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import Front

_TRY_AGAIN = 2.0
"""Seconds."""


class TroubledDesk:
    """Implements `ui.desk.Desk` with nothing in it but one trouble."""

    def __init__(self, trouble: str, quit_: Callable[[], None]) -> None:
        self.trouble = trouble
        self._quit = quit_
        self._memory: dict[str, Any] = {}

    @property
    def language(self) -> Language:
        """Return the system's: the settings may be what is in trouble."""
        return own_language(Settings())

    def now(self) -> Millis:
        """Return the present moment."""
        return now()

    def state(self) -> DeskState:
        """Return the trouble; what is open is not known."""
        return DeskState(
            reach=Reach.BLIND, storing=False, trouble=(self.trouble,), unsure="trayalert cannot begin", unread=False
        )

    def open_incidents(self) -> Sequence[StoredIncident]:
        """Return none."""
        return ()

    def burning(self, *, limit: int) -> Sequence[StoredIncident]:  # noqa: ARG002 - the protocol's
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

    def sender_words(self, alert: StoredAlert) -> str | None:  # noqa: ARG002 - the protocol's
        """There is none."""
        return None

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:  # noqa: ARG002 - the protocol's
        """There is none."""
        return ()

    def open_url(self, url: str) -> bool:  # noqa: ARG002 - the protocol's
        """There is none."""
        return False

    def commands(self, incident: StoredIncident) -> Sequence[Offer]:  # noqa: ARG002 - the protocol's
        """There is none."""
        return ()

    def run_command(self, wanted: Offer) -> str | None:  # noqa: ARG002 - the protocol's
        """There is none."""
        return None

    def callback_url(self) -> str:
        """There is none to be known."""
        return ""

    def door_place(self) -> str:
        """Return where the settings would have it if they say nothing."""
        return f"{Settings().host}:{Settings().port}"

    def door_checks(self) -> Sequence[Check]:
        """Return the trouble as the only one."""
        return (Check(name="trayalert", verdict=Verdict.FAIL, said=self.trouble),)

    def reach(self) -> ReachState:
        """Return that nothing can come in."""
        return ReachState(reach=Reach.BLIND)

    def tunnel(self) -> TunnelState:
        """There is none."""
        return TunnelState()

    def probe(self) -> None:
        """There is no door to be probed."""

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:  # noqa: ARG002 - the protocol's
        """Return that they cannot be read."""
        return None

    def way(self) -> ChosenWay | None:
        """There is none that is known."""
        return None

    def choose_way(self, chosen: ChosenWay) -> str | None:  # noqa: ARG002 - the protocol's
        """Refuse: the settings may be what is in trouble."""
        return self.trouble

    def accept_url(self) -> None:
        """There is none."""

    def rehearse(self) -> None:
        """There is no door to send to."""

    def autostarts(self) -> bool | None:
        """Return that it cannot be set."""
        return None

    def set_autostart(self, wanted: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """Refuse."""
        return self.trouble

    @property
    def strip(self) -> str:
        """Return what the settings say where they say nothing."""
        return Settings().strip

    def recall(self, name: str) -> Any:
        """Return what was remembered in this run only: the data dir may be what is in trouble."""
        return self._memory.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember it for this run."""
        self._memory[name] = value

    def resolve(self, incident_id: int) -> None:
        """There is none."""

    def pause(self, until: Millis | None) -> None:
        """Nothing is notified."""

    def dismiss_news(self) -> None:
        """There are none."""

    def quit(self) -> None:
        """End the program."""
        self._quit()


def wait_until_begun(trouble: str, begin: Callable[[], None], drawn: Callable[[], None]) -> bool:
    """Show the trouble until `begin` raises no Fault any more (True), or the person has enough (False).

    `drawn` is called when Qt has the screen.
    """
    app = make_application(drawn)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(_wait(trouble, begin))


async def _wait(trouble: str, begin: Callable[[], None]) -> bool:
    ending = asyncio.Event()
    end_on_signals(ending)
    desk = TroubledDesk(trouble, ending.set)
    front = Front(desk, EventBridge())
    front.start()
    front.show_window()
    try:
        while not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _TRY_AGAIN)
                break
            try:
                begin()
            except Fault as fault:
                desk.trouble = str(fault)
                front.refresh()
            else:
                return True
        return False
    finally:
        front.stop()
