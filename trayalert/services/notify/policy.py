"""The policy: decides which changes of incidents become notifications.

It is pure, and used on one thread: it takes the present moment, and returns requests. What cannot be shown now (too
many at once, a pause, no daemon) is held, and shown in one summary later, as far as it is still firing. `tick` is to be
called at `due`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from trayalert.domain.events import IncidentChanged, UrlChanged
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.log_state import LogState
from trayalert.domain.notification import (
    SUMMARY_TAG,
    Notification,
    NotificationRequest,
    ShowNotification,
    WithdrawNotification,
    incident_tag,
)
from trayalert.domain.reachability import ReachabilityState
from trayalert.domain.times import Millis
from trayalert.domain.token_bucket import TokenBucket
from trayalert.domain.wording.language import Language
from trayalert.services.notify.incident_messages import (
    console_test_notification,
    incident_notification,
    recovered_notification,
    summary_notification,
)
from trayalert.services.notify.program_messages import (
    LISTENER_TAG,
    LOG_TAG,
    REACH_TAG,
    URL_TAG,
    listener_closed_notification,
    listener_open_notification,
    log_news_notification,
    not_storing_notification,
    storing_again_notification,
    url_changed_notification,
)
from trayalert.services.notify.reachability_policy import ReachabilityPolicy

BURST = 5
"""Notifications that may come at once; then one more per REFILL_INTERVAL."""
CRITICAL_RESERVE = 3
"""More of them that only CRITICAL ones may use: a flood of warnings must not hide those."""
REFILL_INTERVAL: Millis = 6_000
SUMMARY_INTERVAL: Millis = 1_000
"""Between two changes of the summary."""

TEST_ANSWER_DEADLINE: Millis = 10_000
"""So long after the console's Test button a person looks for the answer."""

_NOTIFIED_CHANGES = frozenset({Change.OPENED, Change.LEVEL, Change.NO_DATA})
_RECOVERY_CHANGES = frozenset({Change.RECOVERED, Change.RECOVERED_UNKNOWN})
_OTHER_END_CHANGES = frozenset({Change.SUPERSEDED, Change.EXPIRED, Change.RESOLVED})

_Requests = tuple[NotificationRequest, ...]


class NotificationPolicy:
    """Decides what is shown. `has_link`: whether a click opens a link; `more_buttons`: the other buttons."""

    def __init__(
        self,
        *,
        has_link: Callable[[StoredIncident], bool],
        language: Language,
        more_buttons: Callable[[StoredIncident], tuple[tuple[str, str], ...]] = lambda _: (),
        available: bool = False,
    ) -> None:
        self._language = language
        self._has_link = has_link
        self._more_buttons = more_buttons
        self._available = available
        self._paused_until: Millis | None = None
        self._bucket = TokenBucket(capacity=BURST + CRITICAL_RESERVE, interval=REFILL_INTERVAL, now=0)
        self._shown: set[int] = set()
        self._held: dict[int, Notification] = {}
        self._summary_grown = False
        self._summary_shrunk = False
        self._summarised_at: Millis | None = None
        self._tested_at: Millis | None = None
        self._program_notifications: dict[str, Notification] = {}
        self._listener_problem: str | None = None
        self._log_state = LogState()
        self._log_problem_shown = False
        self._reachability = ReachabilityPolicy()

    @property
    def due(self) -> Millis | None:
        """When `tick` has something to do; None: never."""
        if not self._available:
            return None
        moments = [] if self._reachability.due is None else [self._reachability.due]
        if self._program_notifications:
            moments.append(self._paused_until or 0)
        if self._summary_grown or self._summary_shrunk:
            moments.append(self._summary_due)
        return min(moments, default=None)

    @property
    def _summary_due(self) -> Millis:
        moments = (self._paused_until, None if self._summarised_at is None else self._summarised_at + SUMMARY_INTERVAL)
        return max((moment for moment in moments if moment is not None), default=0)

    def on_incidents_changed(
        self, events: Iterable[IncidentChanged], incidents: Sequence[StoredIncident], *, now: Millis
    ) -> _Requests:
        """Called with a batch of events, and the incidents as they are now; other incidents are ignored."""
        changes: dict[int, set[Change]] = {}
        for event in events:
            changes.setdefault(event.incident_id, set()).add(event.change)
        worst_first = sorted(incidents, key=lambda stored: -stored.incident.level.rank)
        requests: list[NotificationRequest] = []
        for stored in worst_first:
            requests += self._on_incident_changed(stored, frozenset(changes.get(stored.incident.id, ())), now)
        return (*requests, *self.tick(now=now))

    def on_test_received(self, *, now: Millis) -> _Requests:
        """Answer the console's Test button, as soon as anything can be shown."""
        notification = console_test_notification()
        self._tested_at = None if self._available else now
        return (ShowNotification(notification),) if self._can_show(now) else ()  # even in a flood, as a person waits

    def on_listener_changed(self, problem: str | None, *, now: Millis) -> _Requests:
        """Called with the reason why the listener is closed; None: it is open. Each is shown once."""
        before, self._listener_problem = self._listener_problem, problem
        if problem == before:
            return ()
        if problem is not None:
            return self.notify(listener_closed_notification(problem), now=now)
        unshown = self._program_notifications.pop(LISTENER_TAG, None)
        return () if unshown else (WithdrawNotification(LISTENER_TAG, listener_open_notification()),)

    def on_log_changed(self, state: LogState, *, now: Millis) -> _Requests:
        """Called with the state of the log: that nothing can be stored is shown once, until that is over."""
        before, self._log_state = self._log_state, state
        requests: list[NotificationRequest] = []
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

    def on_reachability_changed(self, state: ReachabilityState, *, now: Millis) -> _Requests:
        """Called with the reachability: being blind for long is shown, and the end of that."""
        reported_elsewhere = self._listener_problem is not None or not self._log_state.storing
        requests = self._reachability.on_changed(state, reported_elsewhere=reported_elsewhere, now=now)
        unshown = self._program_notifications.pop(REACH_TAG, None) if requests else None
        if unshown:  # never shown, so the end is no news
            requests = ()
        return (*requests, *self.tick(now=now))

    def on_url_changed(self, changed: UrlChanged, *, now: Millis) -> _Requests:
        """Called when the public address has changed, or is right again."""
        if changed.before != changed.now:
            return self.notify(url_changed_notification(changed), now=now)
        self._program_notifications.pop(URL_TAG, None)
        return (WithdrawNotification(URL_TAG),)

    def notify(self, notification: Notification, *, now: Millis) -> _Requests:
        """Show something about the program itself, even in a flood, as soon as anything can be shown."""
        self._program_notifications[notification.tag] = notification
        return self._show_program_notifications(now)

    def _show_program_notifications(self, now: Millis) -> _Requests:
        if not self._program_notifications or not self._can_show(now):
            return ()
        shown, self._program_notifications = tuple(self._program_notifications.values()), {}
        self._log_problem_shown = self._log_problem_shown or any(notification.tag == LOG_TAG for notification in shown)
        return tuple(map(ShowNotification, shown))

    def pause(self, until: Millis | None, *, now: Millis) -> _Requests:
        """Show nothing until then, but withdraw; None ends the pause with a summary of what was held."""
        self._paused_until = until
        return self.tick(now=now)

    def set_available(self, available: bool, *, now: Millis) -> _Requests:
        """Called when notifications can be shown, or can no longer be."""
        self._available = available
        answers_test = available and self._tested_at is not None and now - self._tested_at <= TEST_ANSWER_DEADLINE
        return (*(self.on_test_received(now=now) if answers_test else ()), *self.tick(now=now))

    def on_window_seen(self) -> None:
        """Called when the person looked into the window: what was held is known."""
        self._program_notifications.clear()
        self._held.clear()
        self._summary_grown = self._summary_shrunk = False

    def tick(self, *, now: Millis) -> _Requests:
        """Show what waits, and show or update the summary, if it is due."""
        blind = self._reachability.tick(now=now)
        if blind:
            self._program_notifications[blind.tag] = blind
        own = self._show_program_notifications(now)
        if not (self._available and (self._summary_grown or self._summary_shrunk)) or now < self._summary_due:
            return own
        return (*own, *self._summarise(now))

    def _summarise(self, now: Millis) -> _Requests:
        quiet, self._summary_grown, self._summary_shrunk = not self._summary_grown, False, False
        self._summarised_at = now
        if not self._held:
            return (WithdrawNotification(SUMMARY_TAG),)
        if len(self._held) == 1 and not quiet:
            ((incident_id, notification),) = self._held.items()
            if self._may_show(notification, now):
                del self._held[incident_id]
                self._shown.add(incident_id)
                return (WithdrawNotification(SUMMARY_TAG), ShowNotification(notification))
        summary = summary_notification(tuple(self._held.values()), quiet=quiet, language=self._language)
        return (ShowNotification(summary),)

    def _on_incident_changed(self, stored: StoredIncident, changes: frozenset[Change], now: Millis) -> _Requests:
        if stored.incident.open:
            if changes & _NOTIFIED_CHANGES:
                linked, language = self._has_link(stored), self._language
                notification = incident_notification(stored, changes, linked=linked, language=language, now=now)
                notification = replace(notification, more_buttons=self._more_buttons(stored))
                return self._notify_incident(stored.incident.id, notification, now)
        elif changes & (_RECOVERY_CHANGES | _OTHER_END_CHANGES):
            return self._withdraw_incident(stored, now, recovered=bool(changes & _RECOVERY_CHANGES))
        return ()

    def _notify_incident(self, incident_id: int, notification: Notification, now: Millis) -> _Requests:
        if self._may_show(notification, now):
            self._shown.add(incident_id)
            if self._held.pop(incident_id, None):
                self._summary_shrunk = True
            return (ShowNotification(notification),)
        self._held[incident_id] = notification
        self._summary_grown = True
        if incident_id not in self._shown:
            return ()
        self._shown.discard(incident_id)
        return (WithdrawNotification(notification.tag),)  # what is shown is out of date

    def _withdraw_incident(self, stored: StoredIncident, now: Millis, *, recovered: bool) -> _Requests:
        incident_id = stored.incident.id
        if self._held.pop(incident_id, None):  # never shown, so its end is no news
            self._summary_shrunk = True
            return ()
        shown = incident_id in self._shown
        self._shown.discard(incident_id)
        final = None
        if recovered:
            final = recovered_notification(stored, linked=self._has_link(stored), language=self._language)
        # the end of a shown incident is always shown; that of one from before the start only in quiet times
        if final and not (self._can_show(now) and (shown or self._may_show(final, now))):
            final = None
        return (WithdrawNotification(incident_tag(incident_id), final),) if shown or final else ()

    def _may_show(self, notification: Notification, now: Millis) -> bool:
        reserve = 0 if notification.level is Level.CRITICAL else CRITICAL_RESERVE
        return self._can_show(now) and self._bucket.take(now, reserve=reserve)

    def _can_show(self, now: Millis) -> bool:
        return self._available and (self._paused_until is None or now >= self._paused_until)
