"""Composes the backend of the running program, and carries out the user's actions. Main thread only."""

from collections.abc import Callable

from trayalert.app.backends.log_incidents import LogIncidents
from trayalert.app.backends.log_view import LogView
from trayalert.app.backends.receiver_setup import ReceiverSetup
from trayalert.app.backends.running_program import RunningProgram
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.platform.programs import open_in_browser, run_command
from trayalert.app.platform.system_language import system_locale
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.fault import Fault
from trayalert.domain.settings.custom_command import FilledCommand
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import find_language
from trayalert.ui.backend import Backend


class DesktopActions:
    """Implements `ui.backend.UserActions`.

    `pause` is called with the time at which a pause of desktop notifications ends, or with None to end a pause now.
    `quit_` is called to end the program.
    """

    def __init__(
        self,
        receiver: Receiver,
        program: RunningProgram,
        *,
        pause: Callable[[Millis | None], None],
        quit_: Callable[[], None],
    ) -> None:
        self._receiver = receiver
        self._program = program
        self._pause = pause
        self._quit = quit_

    def open_url(self, url: str) -> bool:
        """Open a link in the browser. Return False if the link is not allow-listed or could not be opened."""
        return open_in_browser(url)

    def run_command(self, command: FilledCommand) -> str | None:
        """Start a custom command. Return None on success, or a sentence that says why the command was not started."""
        return run_command(command)

    def resolve(self, incident_id: int) -> None:
        """Start marking an incident as recovered, at the user's request. Return immediately.

        IncidentChanged is announced on success, and ResolveFailed on failure. If the incident is not open, nothing is
        announced.
        """
        self._receiver.resolve(incident_id)

    def pause_notifications(self, until: Millis | None) -> None:
        """Pause notifications until a wall-clock time in milliseconds. If `until` is None, end the pause."""
        self._program.paused_until = until
        self._pause(until)

    def choose_language(self, choice: str) -> str | None:
        """Write the setting `language`, and show texts and notifications in this language from now on.

        Return None on success, or a sentence that says why the setting could not be written. After a failure, the
        language stays as it was.
        """
        from trayalert.app.settings_file import change_settings  # noqa: PLC0415 - imports tomlkit, which costs memory

        try:
            change_settings(self._receiver.plan.places, choice)
        except Fault as fault:
            return str(fault)
        self._program.language_choice = choice
        self._receiver.language = find_language(choice, system_locale())
        return None

    def dismiss_news(self) -> None:
        """Stop showing the sentences in `ProgramState.news`, because the user has read these sentences."""
        self._program.dismiss_news()

    def quit(self) -> None:
        """Shut the program down cleanly."""
        self._quit()


def live_backend(
    plan: Plan,
    receiver: Receiver,
    log: LogView,
    crashes: CrashFiles,
    *,
    notifier_problem: Callable[[], str | None],
    pause: Callable[[Millis | None], None],
    quit_: Callable[[], None],
) -> Backend:
    """Compose the backend of the running program.

    The caller must close `log`. `notifier_problem` returns a sentence that says why notifications cannot be shown, or
    None if notifications can be shown. DesktopActions describes `pause` and `quit_`.
    """
    program = RunningProgram(plan, receiver, log, crashes, notifier_problem=notifier_problem)
    return Backend(
        incidents=LogIncidents(log, plan.settings),
        program=program,
        setup=ReceiverSetup(plan, receiver),
        actions=DesktopActions(receiver, program, pause=pause, quit_=quit_),
    )
