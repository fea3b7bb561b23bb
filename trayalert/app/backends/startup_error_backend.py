"""What the tray application shows while it cannot start, as its data dir, lock or secrets cannot be used.

Nobody sees the stderr of a program that the session starts; so a blind tray and the window show the problem until its
cause is gone.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import qasync

from trayalert.app.qt_application import make_application, set_on_signals
from trayalert.app.receiver import RETRY_SECONDS
from trayalert.clock import now
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language, find_language
from trayalert.ui.backend import ProgramState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi


class StartupErrorBackend:
    """Implements `ui.backend.Backend` with one problem and no log, settings or receiver."""

    def __init__(self, problem: str, quit_: Callable[[], None]) -> None:
        self.problem = problem
        self.quit = quit_
        self._remembered: dict[str, Any] = {}

    @property
    def language(self) -> Language:
        """The system's language, as the settings may be the cause of the problem."""
        return find_language(Settings().language, os.environ)

    def now(self) -> Millis:
        """Return the present moment."""
        return now()

    def state(self) -> ProgramState:
        """Return the problem. Nobody knows which incidents are open."""
        return ProgramState(
            reachability=Reachability.BLIND,
            storing=False,
            problems=(self.problem,),
            uncertainty="trayalert cannot begin",
            log_unreadable=False,
        )

    def open_incidents(self, *_: object, **__: object) -> tuple[()]:
        """Return nothing, as there is no log."""
        return ()

    worst_open_incidents = closed_incidents = incidents = alerts_of = console_links = commands = open_incidents

    def unconfirmed(self, *_: object, **__: object) -> bool:
        """Return False, as there is no incident and no link."""
        return False

    open_url = unconfirmed

    def callback_url(self) -> str:
        """Return an empty text, as no secret is known."""
        return ""

    def listener_address(self) -> str:
        """Return the default address."""
        return f"{Settings().host}:{Settings().port}"

    def readiness_checks(self) -> Sequence[Check]:
        """Return the problem as the only check."""
        return (Check(name="trayalert", verdict=Verdict.FAIL, said=self.problem),)

    def reachability(self) -> ReachabilityState:
        """Return that no callback can arrive."""
        return ReachabilityState(reach=Reachability.BLIND)

    def tunnel(self) -> TunnelState:
        """Return that there is no tunnel."""
        return TunnelState()

    def probe(self, *_: object, **__: object) -> None:
        """Do nothing; return None, as nothing is known."""

    accept_url = send_sample = resolve = pause_notifications = dismiss_news = probe
    sender_text = run_command = gaps = ingress = autostart_enabled = probe

    def choose_ingress(self, *_: object, **__: object) -> str:
        """Refuse, as the settings may be the cause of the problem."""
        return self.problem

    set_autostart = choose_ingress

    @property
    def overlay_mode(self) -> str:
        """The default mode."""
        return Settings().strip

    def recall(self, name: str) -> Any:
        """Return what was remembered in this run; the data dir may be the cause of the problem."""
        return self._remembered.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember a value for this run."""
        self._remembered[name] = value


def wait_for_start(problem: str, start: Callable[[], None], on_screen_open: Callable[[], None]) -> bool:
    """Show the problem until `start` raises no Fault (return True) or the person quits (return False).

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
                await asyncio.wait_for(quit_event.wait(), RETRY_SECONDS)
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
