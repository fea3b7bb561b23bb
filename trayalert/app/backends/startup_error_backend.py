"""The backend of a tray application that cannot start, because its data dir, lock or secrets cannot be used.

If the desktop session starts the program, there is no terminal for an error message. Therefore, the window shows the
problem, and the tray icon shows that trayalert is blind.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import qasync

from trayalert.app.platform.system_language import system_locale
from trayalert.app.qt_application import make_application, set_on_signals
from trayalert.app.receiver import RETRY_SECONDS
from trayalert.clock import now
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.fault import Fault
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language, find_language
from trayalert.ui.backend import Backend, ProgramState
from trayalert.ui.event_bridge import EventBridge
from trayalert.ui.main_ui import MainUi


def _nothing(*_: object, **__: object) -> None:
    """Do nothing and return None, which means that no value is known."""


def _empty(*_: object, **__: object) -> tuple[()]:
    """Ignore all arguments and return an empty sequence."""
    return ()


def _no(*_: object, **__: object) -> bool:
    """Ignore all arguments and return False."""
    return False


class NoIncidents:
    """Implements `ui.backend.IncidentQueries` without a log. No incidents are listed, and the gaps are unknown."""

    open = worst_open = closed = by_ids = alerts_of = console_links = commands = staticmethod(_empty)
    gaps = sender_text = staticmethod(_nothing)
    unconfirmed = staticmethod(_no)


class StoppedProgram:
    """Implements `ui.backend.ProgramQueries` for a program that could not start.

    The state shows trayalert as blind. `problem` is a sentence that says why the program could not start. `remember`
    keeps values for this run only.

    The language is at first the system's language. The settings are not read, because they may be the cause of the
    problem.
    """

    language: Language
    """The language of all texts that are shown."""
    overlay_mode = Settings().strip
    help_topic = "troubleshooting"
    now = staticmethod(now)

    def __init__(self, problem: str) -> None:
        self.problem = problem
        self.choose_language(Settings().language)
        remembered: dict[str, Any] = {}
        self.recall, self.remember = remembered.get, remembered.__setitem__

    def choose_language(self, choice: str) -> None:
        """Show texts in this language from now on. On macOS, looking up the system's language starts a program."""
        self.language_choice = choice
        self.language = find_language(choice, system_locale())

    def state(self) -> ProgramState:
        """Return a state that shows trayalert as blind, and that contains the problem.

        The state also says that more incidents may be open than are known.
        """
        return ProgramState(
            reachability=Reachability.BLIND,
            storing=False,
            problems=(self.problem,),
            uncertainty=Phrase("trayalert cannot begin"),
        )

    def tunnel(self) -> TunnelState:
        """Return the state of a program that has no tunnel."""
        return TunnelState()


class StoppedSetup:
    """Implements `ui.backend.SetupActions` for a program that could not start.

    `choose_ingress` and `set_autostart` change nothing, and return the problem. Probes and samples are not sent.
    """

    public_url = ingress = probe = accept_url = send_sample = autostart_enabled = staticmethod(_nothing)

    def __init__(self, program: StoppedProgram) -> None:
        self._program = program

    def callback_url(self) -> str:
        """Return an empty string, because no secret is known."""
        return ""

    def listener_address(self) -> str:
        """Return the default address of the listener, as `host:port`."""
        return f"{Settings().host}:{Settings().port}"

    def readiness_checks(self) -> Sequence[Check]:
        """Return a single failed check, which shows the problem."""
        return (Check(name="trayalert", verdict=Verdict.FAIL, said=self._program.problem),)

    def choose_ingress(self, *_: object, **__: object) -> str:
        """Return the problem, as the reason why nothing was changed."""
        return self._program.problem

    set_autostart = choose_ingress


class StoppedActions:
    """Implements `ui.backend.UserActions` for a program that could not start.

    `quit` ends the program, and `choose_language` changes the language for this run only. The other methods do nothing.
    """

    open_url = staticmethod(_no)
    run_command = resolve = pause_notifications = dismiss_news = staticmethod(_nothing)

    def __init__(self, program: StoppedProgram, quit_: Callable[[], None]) -> None:
        self._program = program
        self.quit = quit_

    def choose_language(self, choice: str) -> None:
        """Show texts in this language from now on. The settings may be the cause of the problem, and stay as they are.

        Return None, which means that nothing failed.
        """
        self._program.choose_language(choice)


def startup_error_backend(program: StoppedProgram, quit_: Callable[[], None]) -> Backend:
    """Compose the backend of a program that could not start."""
    setup, actions = StoppedSetup(program), StoppedActions(program, quit_)
    return Backend(incidents=NoIncidents(), program=program, setup=setup, actions=actions)


def wait_for_start(problem: str, start: Callable[[], None], on_screen_open: Callable[[], None]) -> bool:
    """Show `problem`, and call `start` every 2 s until `start` succeeds or the user quits.

    If `start` raises a Fault, the window shows the message of the Fault. Return True if `start` has succeeded, or False
    if the user has quit. `on_screen_open` is called when Qt has connected to the screen.
    """
    app = make_application(on_screen_open)
    with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(app)) as runner:
        return runner.run(_wait(problem, start))


async def _wait(problem: str, start: Callable[[], None]) -> bool:
    quit_event = asyncio.Event()
    set_on_signals(quit_event)
    program = StoppedProgram(problem)
    main_ui = MainUi(startup_error_backend(program, quit_event.set), EventBridge())
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
                program.problem = str(fault)
                main_ui.refresh()
            else:
                return True
        return False
    finally:
        main_ui.stop()
