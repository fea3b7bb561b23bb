"""When a person is told that trayalert is blind, or can be reached again. Decides and remembers, as the policy does.

A door that is shut and a log that cannot store are told by themselves, at once; this is about all else, and waits: a
network that is gone for a minute is no news.
"""

from trayalert.domain.notification import Notification, NotificationRequest, WithdrawNotification
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.times import Millis
from trayalert.services.notify.program_messages import REACH_TAG, blind_notification, reachable_notification

PATIENCE: Millis = 120_000
"""Being blind for longer is told."""


class ReachabilityPolicy:
    """`due` is when `tick` has something to tell, None: nothing. It begins again where `reported_elsewhere`."""

    def __init__(self) -> None:
        self._state = ReachabilityState()
        self._blind_since: Millis | None = None
        self._notified_since: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """When it has been so for too long."""
        return None if self._blind_since is None or self._notified_since is not None else self._blind_since + PATIENCE

    def on_changed(
        self, state: ReachabilityState, *, reported_elsewhere: bool, now: Millis
    ) -> tuple[NotificationRequest, ...]:
        """Called with the new reach; `reported_elsewhere`: another notification tells why it is blind."""
        self._state = state
        if state.reach is Reachability.BLIND and not reported_elsewhere:
            self._blind_since = self._blind_since or state.since or now
            return ()
        if state.reach is not Reachability.REACHABLE and self._notified_since is not None and not reported_elsewhere:
            return ()  # told, and whether it is over is not known
        began, notified, self._blind_since, self._notified_since = self._blind_since, self._notified_since, None, None
        if notified is None or began is None:
            return ()
        is_reachable = state.reach is Reachability.REACHABLE
        return (
            WithdrawNotification(
                REACH_TAG, reachable_notification(began, until=state.since or now) if is_reachable else None
            ),
        )

    def tick(self, *, now: Millis) -> Notification | None:
        """Return what is to be told now."""
        if self.due is None or now < self.due or self._blind_since is None:
            return None
        self._notified_since = self._blind_since
        return blind_notification(self._state, since=self._blind_since)
