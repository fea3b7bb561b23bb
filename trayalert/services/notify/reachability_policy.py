"""Decides when a notification says that trayalert is blind, or reachable again.

Other notifications report a closed listener and a log that cannot store, at once. All else waits, as a network that is
gone for a minute is no news.
"""

from trayalert.domain.notification import Notification, NotificationRequest, WithdrawNotification
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.services.notify.program_messages import REACH_TAG, blind_notification, reachable_notification

PATIENCE: Millis = 120_000
"""Being blind for longer is shown."""


class ReachabilityPolicy:
    """`tick` has something to show at `due`. The wait begins again where `reported_elsewhere`."""

    def __init__(self) -> None:
        self._state = ReachabilityState()
        self._blind_since: Millis | None = None
        self._notified_since: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """When it has been blind for too long; None: it is not, or that is shown."""
        return None if self._blind_since is None or self._notified_since is not None else self._blind_since + PATIENCE

    def on_changed(
        self, state: ReachabilityState, *, reported_elsewhere: bool, now: Millis
    ) -> tuple[NotificationRequest, ...]:
        """Called with the reachability; `reported_elsewhere`: another notification says why it is blind."""
        self._state = state
        if state.reach is Reachability.BLIND and not reported_elsewhere:
            self._blind_since = self._blind_since or state.since or now
            return ()
        if state.reach is not Reachability.REACHABLE and self._notified_since is not None and not reported_elsewhere:
            return ()  # shown, and nobody knows whether it is over
        began, notified, self._blind_since, self._notified_since = self._blind_since, self._notified_since, None, None
        if notified is None or began is None:
            return ()
        final = None
        if state.reach is Reachability.REACHABLE:
            final = reachable_notification(began, until=state.since or now)
        return (WithdrawNotification(REACH_TAG, final),)

    def tick(self, *, now: Millis) -> Notification | None:
        """Return the notification that is due."""
        if self.due is None or now < self.due or self._blind_since is None:
            return None
        self._notified_since = self._blind_since
        return blind_notification(self._state, since=self._blind_since)
