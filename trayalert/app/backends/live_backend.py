"""The backend of the running program: answers queries of the widgets from the log, and passes their requests on.

Main thread only. An unreadable log is a problem that the person sees, never an exception in a widget. Incidents that
were open when the log could last be read count as open.
"""

import os
from collections.abc import Callable, Sequence

from trayalert.app.backends.log_view import LogView
from trayalert.app.backends.setup_backend import SetupBackend
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.platform.programs import open_in_browser, run_command
from trayalert.app.receiver import Plan, Receiver
from trayalert.clock import now
from trayalert.domain.gap import Gap
from trayalert.domain.incident.console_link import ConsoleLink, console_links
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.settings.custom_command import FilledCommand, fill_command
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language, find_language
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.json_records import is_unconfirmed, mute_period
from trayalert.services.presentation.link_table import link_table
from trayalert.ui.backend import ProgramState
from trayalert.ui.wording import sender_text

_UNREAD = "the log cannot be read"
_SALVAGING = "the former log is being salvaged"


class LiveBackend(SetupBackend):
    """Implements `ui.backend.Backend`. `notifier_problem`, `pause` and `quit_` are the desktop's."""

    def __init__(
        self,
        plan: Plan,
        receiver: Receiver,
        crashes: CrashFiles,
        *,
        notifier_problem: Callable[[], str | None],
        pause: Callable[[Millis | None], None],
        quit_: Callable[[], None],
    ) -> None:
        super().__init__(plan, receiver)
        self._crashes = crashes
        self._log = LogView(plan.places.log, verify=receiver.verify)
        self._links = link_table(plan.settings)
        self._source_addresses = SourceAddresses(plan.settings)
        self._language = find_language(plan.settings.language, os.environ)
        self._notifier_problem = notifier_problem
        self._pause = pause
        self._quit = quit_
        self._paused_until: Millis | None = None
        self._levels: dict[Level, int] = {}
        self._last_callback_at: Millis | None = None
        self._dismissed: set[str] = set()

    @property
    def language(self) -> Language:
        """Return the language of alerts."""
        return self._language

    def now(self) -> Millis:
        """Return the present moment."""
        return now()

    def state(self) -> ProgramState:
        """Return what tray and status line show now."""
        levels = self._log.ask("levels", lambda log: log.open_levels())
        last = self._log.ask("last callback", lambda log: log.last_callback_at())
        salvaging = self._log.ask("salvaging", lambda log: log.salvaging())
        self._levels = self._levels if levels is None else levels
        self._last_callback_at = last or self._last_callback_at
        log, listener_state, reach = self._receiver.log_state, self._receiver.listener_state, self._receiver.reach
        listener = self._receiver.listener
        unread = levels is None
        trouble = (
            listener_state.problem,
            listener_state.note,
            listener.mistyped_text(),
            listener.turned_away_text(),
            self._receiver.control_problem,
            self._receiver.metrics_problem,
            *log.problems,
            *self._log.problems,
            self._receiver.connectivity.tunnel.warning,
            self._notifier_problem(),
            *self._plan.problems,
        )
        return ProgramState(
            open_incidents=sum(self._levels.values()),
            worst=worst(*self._levels) if self._levels else None,
            last_callback_at=self._last_callback_at,
            reachability=reach.reach,
            reachability_since=reach.since,
            reachability_reason=reach.why,
            reachable_at=reach.reachable_at,
            proved_until=self._receiver.connectivity.proved_until,
            refused_recently=listener.lost_lately(),
            open_by_level=self._levels,
            url_changed=self._receiver.connectivity.url_changed,
            storing=log.storing,
            paused_until=self._paused_until if self._paused_until and self._paused_until > now() else None,
            problems=tuple(dict.fromkeys(problem for problem in trouble if problem)),
            news=self._news(),
            uncertainty=_UNREAD if unread else _SALVAGING if salvaging or log.salvaging else None,
            log_unreadable=unread,
            secret_guesses=listener.secret_guesses_text(),
        )

    def _news(self) -> tuple[str, ...]:
        sentences = (*self._crashes.sentences(), *self._receiver.log_state.news)
        return tuple(sentence for sentence in sentences if sentence not in self._dismissed)

    def open_incidents(self) -> Sequence[StoredIncident] | None:
        """Return all open incidents, the newest first."""
        return self._log.ask("open", lambda log: log.open_incidents())

    def worst_open_incidents(self, *, limit: int) -> Sequence[StoredIncident]:
        """Return the first open incidents: the worst level first, then the newest."""
        return self._log.ask("burning", lambda log: log.worst_open_incidents(limit=limit)) or []

    def closed_incidents(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident] | None:
        """Return closed incidents, the last closed first, going on after `before`."""
        return self._log.ask("closed", lambda log: log.closed_incidents(before=before, limit=limit))

    def incidents(self, ids: Sequence[int]) -> Sequence[StoredIncident] | None:
        """Return those incidents, in any order."""
        return self._log.ask("incidents", lambda log: log.incidents(ids))

    def alerts_of(self, incident_id: int, *, limit: int) -> Sequence[StoredAlert]:
        """Return the alerts of an incident, newest arrival first."""
        return self._log.ask("alerts", lambda log: log.alerts_of(incident_id, limit=limit)) or []

    def unconfirmed(self, incident: StoredIncident) -> bool:
        """Whether an open incident had no repeat for longer than the mute period."""
        return is_unconfirmed(incident, now=now(), mute_period=mute_period(self._plan.settings))

    def sender_text(self, alert: StoredAlert) -> str | None:
        """Return the text for where an alert came from."""
        return sender_text(alert.sender, self._source_addresses.origin(alert.sender)) if alert.sender else None

    def console_links(self, incident: StoredIncident) -> Sequence[ConsoleLink]:
        """Return the console links, the best first."""
        return console_links(incident.alert.alert, self._links)

    def open_url(self, url: str) -> bool:
        """Open an allow-listed link in the browser; return False if that failed."""
        return open_in_browser(url)

    def commands(self, incident: StoredIncident) -> Sequence[FilledCommand]:
        """Return the person's own commands, filled for this incident, with the reason if one cannot be run."""
        settings, alert = self._plan.settings, incident.alert.alert
        return [fill_command(command, alert, default_region=settings.default_region) for command in settings.commands]

    def run_command(self, command: FilledCommand) -> str | None:
        """Start a command; return a sentence if that failed."""
        return run_command(command)

    def gaps(self, *, limit: int) -> Sequence[Gap] | None:
        """Return the gaps, the last first; None: the log cannot be read."""
        return self._log.ask("gaps", lambda log: log.gaps(limit=limit))

    def resolve(self, incident_id: int) -> None:
        """Mark an incident recovered by hand; an IncidentChanged or a ResolveFailed follows."""
        self._receiver.resolve(incident_id)

    def pause_notifications(self, until: Millis | None) -> None:
        """Show no notifications until then; None ends the pause."""
        self._paused_until = until
        self._pause(until)

    def dismiss_news(self) -> None:
        """Forget the news that are shown."""
        self._crashes.mark_seen()
        self._dismissed.update(self._receiver.log_state.news)

    def quit(self) -> None:
        """End the program in good order."""
        self._quit()

    def close(self) -> None:
        """Close the log."""
        self._log.close()
