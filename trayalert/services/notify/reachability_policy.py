"""Decides when a notification says that trayalert is blind, or reachable again.

If the listener is closed or the log cannot store callbacks, other notifications report the problem immediately. A
blind span with any other cause is reported only after PATIENCE, because a network that is down for a minute needs no
attention.
"""

from trayalert.domain.notification import Notification, NotificationRequest, WithdrawNotification
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.services.notify.program_messages import REACH_TAG, blind_notification, reachable_notification

PATIENCE: Millis = 120_000
"""How long a blind span must last before a notification is shown, in milliseconds."""


class ReachabilityPolicy:
    """Requests a notification for each long blind span. The caller must call `tick` at the time `due`.

    A blind span is ignored while another notification reports the cause of the blind span.
    """

    def __init__(self) -> None:
        self._state = ReachabilityState()
        self._blind_since: Millis | None = None
        self._notified_since: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """The time at which a notification must be shown, or None if no notification is waiting to be shown."""
        return None if self._blind_since is None or self._notified_since is not None else self._blind_since + PATIENCE

    def on_changed(
        self, state: ReachabilityState, *, reported_elsewhere: bool, now: Millis
    ) -> tuple[NotificationRequest, ...]:
        """Record the reachability. Return a request to withdraw the notification if the notification is no longer true.

        If there is nothing to withdraw, return an empty tuple. `reported_elsewhere` says whether another notification
        reports why trayalert is blind.
        """
        self._state = state
        if state.reach is Reachability.BLIND and not reported_elsewhere:
            self._blind_since = self._blind_since or state.since or now
            return ()
        if state.reach is not Reachability.REACHABLE and self._notified_since is not None and not reported_elsewhere:
            return ()  # the notification stays, because nothing proves that the blind span is over
        began, notified, self._blind_since, self._notified_since = self._blind_since, self._notified_since, None, None
        if notified is None or began is None:
            return ()
        final = None
        if state.reach is Reachability.REACHABLE:
            final = reachable_notification(began, until=state.since or now, now=now)
        return (WithdrawNotification(REACH_TAG, final),)

    def tick(self, *, now: Millis) -> Notification | None:
        """Return the notification that is due, or None if no notification is due."""
        if self.due is None or now < self.due or self._blind_since is None:
            return None
        self._notified_since = self._blind_since
        return blind_notification(self._state, since=self._blind_since, now=now)
