"""When a person is told that trayalert is blind, or can be reached again. Decides and remembers, as attention does.

A door that is shut and a log that cannot store are told by themselves, at once; this is about all else, and waits: a
network that is gone for a minute is no news.
"""

from trayalert.domain.notification import Notice, Wish, Withdraw
from trayalert.domain.reachability import Reach, ReachState
from trayalert.domain.times import Millis
from trayalert.services.notify.program_messages import REACH_TAG, blind_notice, reached_notice

PATIENCE: Millis = 120_000
"""Being blind for longer is told."""


class ReachNotices:
    """`due` is when `tick` has something to tell, None: nothing. It begins again where `elsewhere` tells the cause."""

    def __init__(self) -> None:
        self._state = ReachState()
        self._from: Millis | None = None
        self._told_from: Millis | None = None

    @property
    def due(self) -> Millis | None:
        """When it has been so for too long."""
        return None if self._from is None or self._told_from is not None else self._from + PATIENCE

    def changed(self, state: ReachState, *, elsewhere: bool, now: Millis) -> tuple[Wish, ...]:
        """Hear how reach is; `elsewhere`: another notification tells why it is blind."""
        self._state = state
        if state.reach is Reach.BLIND and not elsewhere:
            self._from = self._from or state.since or now
            return ()
        if state.reach is not Reach.REACHABLE and self._told_from is not None and not elsewhere:
            return ()  # told, and whether it is over is not known
        began, told, self._from, self._told_from = self._from, self._told_from, None, None
        if told is None or began is None:
            return ()
        proved = state.reach is Reach.REACHABLE
        return (Withdraw(REACH_TAG, reached_notice(began, until=state.since or now) if proved else None),)

    def tick(self, *, now: Millis) -> Notice | None:
        """Return what is to be told now."""
        if self.due is None or now < self.due or self._from is None:
            return None
        self._told_from = self._from
        return blind_notice(self._state, since=self._from)
