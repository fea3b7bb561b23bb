"""The desk of the running program: what the widgets ask is read from the log, what they wish goes where it is done.

Main thread only. A log that cannot be read is trouble that the person sees, never an exception in a widget, and never
calm: what was open when it could still be read counts as open.
"""

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from trayalert.app.browser import open_in_browser
from trayalert.app.clock import now
from trayalert.app.receiver import Plan, Receiver
from trayalert.domain.console_link import console_link
from trayalert.domain.fault import Fault
from trayalert.domain.level import Level, worst
from trayalert.domain.stored import StoredAlert, StoredIncident
from trayalert.domain.times import Millis
from trayalert.services.links import link_table
from trayalert.services.records import mute_period, unconfirmed
from trayalert.services.status import callback_url
from trayalert.storage.reader import Reader
from trayalert.ui.desk import DeskState

_logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")


class LiveDesk:
    """Implements `ui.desk.Desk`. `notifier_problem`, `pause` and `quit_` are the desktop's."""

    def __init__(
        self,
        plan: Plan,
        receiver: Receiver,
        *,
        notifier_problem: Callable[[], str | None],
        pause: Callable[[Millis | None], None],
        quit_: Callable[[], None],
    ) -> None:
        """Open the log for reading. Raise LogFault."""
        self._plan = plan
        self._receiver = receiver
        self._reader = Reader(plan.places.log)
        self._links = link_table(plan.settings)
        self._notifier_problem = notifier_problem
        self._pause = pause
        self._quit = quit_
        self._paused_until: Millis | None = None
        self._levels: dict[Level, int] = {}
        self._last_callback_at: Millis | None = None
        self._log_problems: dict[str, str] = {}

    def now(self) -> Millis:
        """Return the present moment."""
        return now()

    def state(self) -> DeskState:
        """Return what tray and status line say now."""
        levels = self._levels = self._read("levels", self._reader.open_levels, self._levels)
        self._last_callback_at = self._read("last callback", self._reader.last_callback_at, self._last_callback_at)
        log_problems = dict.fromkeys(self._log_problems.values())
        trouble = (self._receiver.door.problem, *log_problems, self._notifier_problem(), *self._plan.problems)
        return DeskState(
            open_incidents=sum(levels.values()),
            worst=worst(*levels) if levels else None,
            last_callback_at=self._last_callback_at,
            reach=self._receiver.door.reach,
            paused_until=self._paused_until if self._paused_until and self._paused_until > now() else None,
            trouble=tuple(problem for problem in trouble if problem),
        )

    def open_incidents(self) -> Sequence[StoredIncident]:
        """Return all open incidents, the newest first."""
        return self._read("open", self._reader.open_incidents, [])

    def burning(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return the first open incidents: the worst level first, then the newest."""
        return self._read("burning", lambda: self._reader.burning(limit=limit), [])

    def closed_incidents(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident]:
        """Return closed incidents, the last closed first, going on after `before`."""
        return self._read("closed", lambda: self._reader.closed_incidents(before=before, limit=limit), [])

    def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident]:
        """Return those incidents, in any order."""
        return self._read("incidents", lambda: self._reader.incidents(ids), [])

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return the alerts of an incident, newest arrival first."""
        return self._read("alerts", lambda: self._reader.alerts_of(incident_id, limit=limit), [])

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Whether an open incident had no repeat for longer than the mute period."""
        return unconfirmed(incident, now=now(), mute_period=mute_period(self._plan.settings))

    def console_url(self, incident: StoredIncident) -> str | None:
        """Return the console link, or None where there is none."""
        return console_link(incident.alert.alert, self._links)

    def open_url(self, url: str) -> bool:
        """Open an allow-listed link in the browser; False where that cannot be done."""
        return open_in_browser(url)

    def callback_url(self) -> str:
        """Return the callback URL with its secret."""
        door = self._receiver.door
        return callback_url(self._plan.settings, door.host, door.port, self._plan.secrets.present)

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; an IncidentChanged follows."""
        self._receiver.resolve(incident_id)

    def pause(self, until: Millis | None) -> None:
        """Show no notifications until then; None goes on."""
        self._paused_until = until
        self._pause(until)

    def quit(self) -> None:
        """End the program in good order."""
        self._quit()

    def close(self) -> None:
        """Close the log."""
        self._reader.close()

    def _read(self, question: str, ask: Callable[[], _Answer], otherwise: _Answer) -> _Answer:
        """Ask the log. A question that it cannot answer is trouble until the same one is answered again."""
        try:
            answer = ask()
        except Fault as fault:
            if str(fault) not in self._log_problems.values():
                _logger.error("%s", fault)
            self._log_problems[question] = str(fault)
            return otherwise
        self._log_problems.pop(question, None)
        return answer
