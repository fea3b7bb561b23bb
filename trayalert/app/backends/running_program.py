"""Provides the widgets with the state of the running program. Main thread only.

If the log cannot be read, `ProgramState.problems` says why. The state then contains the number of open incidents from
the latest successful query.
"""

from collections.abc import Callable
from typing import Any

from trayalert.app.backends.log_view import LogView
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.receiver import Plan, Receiver
from trayalert.clock import now
from trayalert.domain.incident.level import Level, worst
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis
from trayalert.domain.tunnel import TunnelState
from trayalert.domain.wording.language import Language
from trayalert.ui.backend import ProgramState

_UNREAD = Phrase("the log cannot be read")
_SALVAGING = Phrase("the former log is being salvaged")


class RunningProgram:
    """Implements `ui.backend.ProgramQueries`.

    `notifier_problem` returns a sentence that says why desktop notifications cannot be shown, or None if there is no
    such problem.
    """

    def __init__(
        self,
        plan: Plan,
        receiver: Receiver,
        log: LogView,
        crashes: CrashFiles,
        *,
        notifier_problem: Callable[[], str | None],
    ) -> None:
        self.paused_until: Millis | None = None
        """The time until which the user has paused notifications, or None. A time in the past has no effect."""
        self.language_choice = plan.settings.language
        """The setting `language`: "auto", "en" or "zh"."""
        self._plan = plan
        self._receiver = receiver
        self._log = log
        self._crashes = crashes
        self._notifier_problem = notifier_problem
        self._levels: dict[Level, int] = {}
        self._last_callback_at: Millis | None = None
        self._dismissed: set[str] = set()

    @property
    def language(self) -> Language:
        """The language of all texts that are shown, also in notifications."""
        return self._receiver.language

    @property
    def overlay_mode(self) -> str:
        """When the overlay is shown: "auto" (if the desktop has no tray), "always" or "never"."""
        return self._plan.settings.strip

    @property
    def help_topic(self) -> str | None:
        """None, which means that each window shows its own help page."""
        return None

    def now(self) -> Millis:
        """Return the current wall-clock time, in milliseconds."""
        return now()

    def state(self) -> ProgramState:
        """Return the current state, which the tray, the window and the overlay show."""
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
            paused_until=self.paused_until if self.paused_until and self.paused_until > now() else None,
            problems=tuple(dict.fromkeys(problem for problem in trouble if problem)),
            news=self._news(),
            uncertainty=_UNREAD if unread else _SALVAGING if salvaging or log.salvaging else None,
            log_unreadable=unread,
            secret_guesses=listener.secret_guesses_text(),
        )

    def _news(self) -> tuple[str, ...]:
        sentences = (*self._crashes.sentences(), *self._receiver.log_state.news)
        return tuple(sentence for sentence in sentences if sentence not in self._dismissed)

    def dismiss_news(self) -> None:
        """Stop showing the sentences in `ProgramState.news`, because the user has read these sentences."""
        self._crashes.mark_seen()
        self._dismissed.update(self._receiver.log_state.news)

    def tunnel(self) -> TunnelState:
        """Return the state of the tunnel."""
        return self._receiver.connectivity.tunnel

    def recall(self, name: str) -> Any:
        """Return the value that this run or an earlier run remembered under `name`, or None if there is no value."""
        return self._receiver.state_store.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Remember a JSON value under `name`, for this run and later runs."""
        self._receiver.state_store.set(name, value)
