"""The policy decides which changes of incidents become notifications.

The policy does no I/O and is used on one thread. The caller passes the current time, and the policy returns requests.
The rules in `rules.py` decide which changes deserve a notification. During a flood, during a pause and while the
channel is unavailable, incidents wait. Later, one summary shows the waiting incidents that are still firing. The caller
must call `tick` at the time `due`.
"""

from collections.abc import Iterable, Sequence

from trayalert.domain.events import (
    CallbackRefused,
    IncidentChanged,
    ListenerChanged,
    LogChanged,
    ProgramEvent,
    ReachabilityChanged,
    ReceptionResumed,
    TestReceived,
    UrlChanged,
)
from trayalert.domain.incident.incident import Change, Incident
from trayalert.domain.incident.level import Level
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import (
    Notification,
    ShowNotification,
    WithdrawNotification,
    incident_tag,
)
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.token_bucket import TokenBucket
from trayalert.services.notify.incident_messages import console_test_notification
from trayalert.services.notify.policy_requests import PolicyRequest, ShowIncident, WithdrawRecovered
from trayalert.services.notify.program_messages import (
    LISTENER_TAG,
    LOG_TAG,
    REACH_TAG,
    URL_TAG,
    listener_closed_notification,
    listener_open_notification,
    log_news_notification,
    not_storing_notification,
    refused_notification,
    returned_notification,
    storing_again_notification,
    url_changed_notification,
)
from trayalert.services.notify.reachability_policy import ReachabilityPolicy
from trayalert.services.notify.rules import RULES, Decision, Rule, decide
from trayalert.services.notify.summary import Summary

BURST = 5
"""Number of notifications that may be shown in quick succession.

After these notifications, one further notification is allowed per REFILL_INTERVAL.
"""
CRITICAL_RESERVE = 3
"""Number of notifications, in addition to BURST, that only CRITICAL incidents may use.

Without this reserve, a flood of warnings could hide a CRITICAL incident.
"""
REFILL_INTERVAL: Millis = 6_000

TEST_ANSWER_DEADLINE: Millis = 10_000
"""Maximum delay of the notification that confirms a test from Cloud Monitor's console, in milliseconds.

If the channel stays unavailable for longer, the notification is not shown, because the user no longer expects it.
"""

_Requests = tuple[PolicyRequest, ...]


class NotificationPolicy:
    """Decides which notifications one channel shows."""

    def __init__(
        self,
        *,
        rules: Sequence[Rule] = RULES,
        available: bool = False,
    ) -> None:
        self._rules = rules
        self._available = available
        self._paused_until: Millis | None = None
        self._bucket = TokenBucket(capacity=BURST + CRITICAL_RESERVE, interval=REFILL_INTERVAL, now=0)
        self._shown: set[int] = set()
        self._summary = Summary()
        self._tested_at: Millis | None = None
        self._program_notifications: dict[str, Notification] = {}
        self._listener_problem: str | None = None
        self._log_state = LogState()
        self._log_problem_shown = False
        self._reachability = ReachabilityPolicy()

    @property
    def due(self) -> Millis | None:
        """The time at which `tick` must be called next.

        None if nothing is waiting to be shown, or if the channel is unavailable.
        """
        if not self._available:
            return None
        moments = [] if self._reachability.due is None else [self._reachability.due]
        if self._program_notifications:
            moments.append(self._paused_until or 0)
        if self._summary.due is not None:
            moments.append(max(self._summary.due, self._paused_until or 0))
        return min(moments, default=None)

    def on_incidents_changed(
        self, events: Iterable[IncidentChanged], incidents: Sequence[Incident], *, now: Millis
    ) -> _Requests:
        """Return the requests that result from a batch of changes of incidents.

        `incidents` are the incidents that `events` name, in their current state. An event is ignored if its incident is
        missing from `incidents`.
        """
        changes: dict[int, set[Change]] = {}
        for event in events:
            changes.setdefault(event.incident_id, set()).add(event.change)
        worst_first = sorted(incidents, key=lambda incident: -incident.level.rank)
        requests: list[PolicyRequest] = []
        for incident in worst_first:
            requests += self._on_incident_changed(incident, frozenset(changes.get(incident.id, ())), now)
        return (*requests, *self.tick(now=now))

    def on_program_event(self, event: ProgramEvent, *, now: Millis) -> _Requests:
        """Return the requests that result from an event about the program itself."""
        match event:
            case TestReceived():
                requests = self._on_test_received(now)
            case LogChanged(state=log):
                requests = self._on_log_changed(log, now)
            case ListenerChanged(problem=problem):
                requests = self._on_listener_changed(problem, now)
            case ReachabilityChanged(state=reach):
                requests = self._on_reachability_changed(reach, now)
            case UrlChanged():
                requests = self._on_url_changed(event, now)
            case ReceptionResumed():
                requests = self.notify(returned_notification(event, now=now), now=now)
            case CallbackRefused():
                requests = self.notify(refused_notification(event), now=now)
        return requests

    def _on_test_received(self, now: Millis) -> _Requests:
        """Show that a test from the console has arrived.

        If the channel is unavailable, remember the test. The test is then shown if the channel becomes available within
        TEST_ANSWER_DEADLINE.
        """
        notification = console_test_notification()
        self._tested_at = None if self._available else now
        return (ShowNotification(notification),) if self._can_show(now) else ()  # even in a flood: a user is waiting

    def _on_listener_changed(self, problem: str | None, now: Millis) -> _Requests:
        """Show that the listener has closed or opened.

        `problem` is the reason why the listener is closed, or None if the listener is open. If `problem` has not
        changed since the last call, show nothing.
        """
        before, self._listener_problem = self._listener_problem, problem
        if problem == before:
            return ()
        if problem is not None:
            return self.notify(listener_closed_notification(problem), now=now)
        unshown = self._program_notifications.pop(LISTENER_TAG, None)
        return () if unshown else (WithdrawNotification(LISTENER_TAG, listener_open_notification()),)

    def _on_log_changed(self, state: LogState, now: Millis) -> _Requests:
        """Show that callbacks cannot be stored, that they can be stored again, or that there is news about the log.

        While callbacks cannot be stored, a change of the reason only updates the notification on the screen. The
        notification is withdrawn when callbacks can be stored again.
        """
        before, self._log_state = self._log_state, state
        requests: list[PolicyRequest] = []
        if not state.storing and (before.storing or before.problems != state.problems):
            requests += self.notify(not_storing_notification(state, quiet=self._log_problem_shown), now=now)
        elif state.storing and not before.storing:
            self._program_notifications.pop(LOG_TAG, None)
            requests += [WithdrawNotification(LOG_TAG, storing_again_notification())] if self._log_problem_shown else []
            self._log_problem_shown = False
        news = tuple(sentence for sentence in state.news if sentence not in before.news)
        if news:
            requests += self.notify(log_news_notification(news), now=now)
        return tuple(requests)

    def _on_reachability_changed(self, state: ReachabilityState, now: Millis) -> _Requests:
        """Record the reachability. Show a notification during a long blind span, and another after the blind span."""
        reported_elsewhere = self._listener_problem is not None or not self._log_state.storing
        requests = self._reachability.on_changed(state, reported_elsewhere=reported_elsewhere, now=now)
        unshown = self._program_notifications.pop(REACH_TAG, None) if requests else None
        if unshown:  # the user does not know of the blind span, so its end is not shown either
            requests = ()
        return (*requests, *self.tick(now=now))

    def _on_url_changed(self, changed: UrlChanged, now: Millis) -> _Requests:
        """Show that the public address has changed, or withdraw the notification about an earlier change.

        The notification is withdrawn if `changed.before` and `changed.now` are equal. In that case, the user has
        nothing to do.
        """
        if changed.before != changed.now:
            return self.notify(url_changed_notification(changed), now=now)
        self._program_notifications.pop(URL_TAG, None)
        return (WithdrawNotification(URL_TAG),)

    def notify(self, notification: Notification, *, now: Millis) -> _Requests:
        """Show a notification about the program as soon as the channel can show notifications, even during a flood."""
        self._program_notifications[notification.tag] = notification
        return self._show_program_notifications(now)

    def _show_program_notifications(self, now: Millis) -> _Requests:
        if not self._program_notifications or not self._can_show(now):
            return ()
        shown, self._program_notifications = tuple(self._program_notifications.values()), {}
        self._log_problem_shown = self._log_problem_shown or any(notification.tag == LOG_TAG for notification in shown)
        return tuple(map(ShowNotification, shown))

    def pause(self, until: Millis | None, *, now: Millis) -> _Requests:
        """Show nothing until the time `until`. If `until` is None, end the pause.

        Notifications are withdrawn even during a pause. After the pause, one summary shows the incidents that are
        waiting.
        """
        self._paused_until = until
        return self.tick(now=now)

    def set_available(self, available: bool, *, now: Millis) -> _Requests:
        """Record whether the channel is able to show notifications.

        If `available` is true, show the notifications that are waiting.
        """
        self._available = available
        answers_test = available and self._tested_at is not None and now - self._tested_at <= TEST_ANSWER_DEADLINE
        return (*(self._on_test_received(now) if answers_test else ()), *self.tick(now=now))

    def on_window_seen(self) -> None:
        """Discard everything that is waiting to be shown.

        Called when the user has looked at the window, which shows everything.
        """
        self._program_notifications.clear()
        self._summary.clear()

    def tick(self, *, now: Millis) -> _Requests:
        """Show the waiting notifications about the program. If the summary is due, show or update the summary."""
        blind = self._reachability.tick(now=now)
        if blind:
            self._program_notifications[blind.tag] = blind
        own = self._show_program_notifications(now)
        due = self._summary.due
        return own if due is None or now < due or not self._can_show(now) else (*own, *self._summarise(now))

    def _summarise(self, now: Millis) -> _Requests:
        only = self._summary.only
        if only is None or not self._may_show(only.level, now):
            return (self._summary.show(now=now),)
        self._summary.drop(only.incident_id)
        self._shown.add(only.incident_id)
        return (self._summary.show(now=now), only)  # `show` withdraws the summary, because nothing is held now

    def _on_incident_changed(self, incident: Incident, changes: frozenset[Change], now: Millis) -> _Requests:
        match decide(incident, changes, self._rules):
            case Decision.NOTIFY:
                return self._notify_incident(ShowIncident(incident.id, incident.level, changes), now)
            case Decision.RECOVER:
                return self._withdraw_incident(incident.id, now, recovered=True)
            case Decision.WITHDRAW:
                return self._withdraw_incident(incident.id, now, recovered=False)
            case None:
                return ()

    def _notify_incident(self, request: ShowIncident, now: Millis) -> _Requests:
        incident_id = request.incident_id
        if self._may_show(request.level, now):
            self._shown.add(incident_id)
            self._summary.drop(incident_id)
            return (request,)
        self._summary.hold(request)
        if incident_id not in self._shown:
            return ()
        self._shown.discard(incident_id)
        return (WithdrawNotification(request.tag),)  # the notification on the screen is out of date

    def _withdraw_incident(self, incident_id: int, now: Millis, *, recovered: bool) -> _Requests:
        if self._summary.drop(incident_id):  # the incident was never shown, so its end is not shown either
            return ()
        shown = incident_id in self._shown
        self._shown.discard(incident_id)
        # the recovery of a shown incident is always shown; the recovery of an incident from before the start of the
        # program is shown only if the rate limit allows it
        if recovered and self._can_show(now) and (shown or self._may_show(Level.OK, now)):
            return (WithdrawRecovered(incident_id),)
        return (WithdrawNotification(incident_tag(incident_id)),) if shown else ()

    def _may_show(self, level: Level, now: Millis) -> bool:
        reserve = 0 if level is Level.CRITICAL else CRITICAL_RESERVE
        return self._can_show(now) and self._bucket.take(now, reserve=reserve)

    def _can_show(self, now: Millis) -> bool:
        return self._available and (self._paused_until is None or now >= self._paused_until)
